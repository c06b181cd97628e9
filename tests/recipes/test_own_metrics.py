"""`compute_metrics` and functions as metrics: scores of a user's own beside those of the kit."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from small_recipes import SETTINGS, small_config

from bert_finetune_kit import ClassificationRecipe, ConfigError, QARecipe, RunReport
from bert_finetune_kit.data.sample import sample_questions, sample_reviews

REVIEWS = sample_reviews("train", count=48)
QUESTIONS = sample_questions("train", count=24)
SHORT = SETTINGS | {"num_train_epochs": 1, "max_steps": 2, "eval_steps": 2, "save_steps": 2}


def share_correct(prediction):
    return {"eval_share_correct": (prediction.predictions.argmax(1) == prediction.label_ids).mean()}


@pytest.fixture
def make(tmp_path, tokenizer):
    def make(recipe=ClassificationRecipe, data=REVIEWS, **settings):
        args = {"output_dir": str(tmp_path / "run")} | SHORT | settings.pop("args", {})
        config = {"max_length": 112} | ({"doc_stride": 16} if recipe is QARecipe else {})
        return recipe(data, model=small_config(tokenizer), tokenizer=tokenizer, args=args, config=config, **settings)

    return make


def test_own_scores_stand_beside_those_of_the_kit(make):
    best = {"metric_for_best_model": "share_correct", "greater_is_better": True}
    recipe = make(compute_metrics=share_correct, args=best)
    report = recipe.train()
    assert report.result["share_correct"] == report.result["accuracy"]
    assert report.scores[0]["share_correct"] == report.result["share_correct"]
    assert "share_correct" not in report.intervals
    assert "share correct" in [score.label for score in report.glossary]
    scored = recipe.evaluate(REVIEWS)
    assert scored["share_correct"] == scored["accuracy"]
    assert "share correct" in str(scored)
    assert RunReport.load(recipe.output_dir).fingerprint["recipe.compute_metrics"].startswith("share_correct ")


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (lambda _: {"accuracy": 1.0}, "returns 'accuracy', as scores of the recipe are called: rename it"),
        (
            lambda _: {"curve": [0.5, 1.0]},
            r"returns \[0.5, 1.0\] as 'curve': each score must have a name and be a number",
        ),
        (lambda _: 0.5, "returns 0.5: a dict of scores by name is needed"),
        (lambda _: {}["x"], "compute_metrics fails for made-up predictions of the validation split: KeyError"),
        ("accuracy", "compute_metrics is a str: give a function of an EvalPrediction"),
    ],
)
def test_own_scores_that_cannot_be_used_are_refused_before_training(make, own, message):
    with pytest.raises(ConfigError, match=message):
        make(compute_metrics=own).prepare()


def test_a_direction_is_needed_where_an_own_score_chooses(make):
    with pytest.raises(ConfigError, match="greater_is_better"):
        make(compute_metrics=share_correct, args={"metric_for_best_model": "share_correct"}).prepare()


def test_own_scores_of_answers(make):
    def exact(prediction):
        right = []
        for answer, reference in zip(prediction.predictions, prediction.label_ids, strict=True):
            assert answer["id"] == reference["id"]
            assert 0 <= answer["no_answer_probability"] <= 1
            right.append(answer["prediction_text"] in (reference["answers"]["text"] or [""]))
        return {"own_exact": 100 * float(np.mean(right))}

    report = make(QARecipe, QUESTIONS, compute_metrics=exact).train()
    assert report.result["own_exact"] == pytest.approx(report.details["official"]["exact"])


def test_a_function_as_a_metric_of_the_task(make):
    report = make(metrics=("accuracy", balanced_accuracy_score)).train()
    recalls = [scores["recall"] for scores in report.details["validation"]["by_label"].values()]
    assert report.result["balanced_accuracy_score"] == pytest.approx(np.mean(recalls))
    assert report.settings["task"]["metrics"] == ["accuracy", "balanced_accuracy_score"]
