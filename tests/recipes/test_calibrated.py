"""The calibration of a run: saved with the model, used by `predict` and files, and never fitted to test data."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_recipes import build

from bert_finetune_kit import (
    ClassificationRecipe,
    ConfigError,
    LabelledSource,
    ModelError,
    QuestionSource,
    RunReport,
)
from bert_finetune_kit.commands.predict import predict
from bert_finetune_kit.data.sample import sample_questions, sample_reviews

SHORT = {"max_steps": 6, "save_strategy": "no", "eval_strategy": "no", "load_best_model_at_end": False}
SOURCES = {
    "classification": LabelledSource(max_train_examples=45, max_validation_examples=140),
    "question_answering": QuestionSource(max_train_examples=35, max_validation_examples=140),
}
TEXTS = [row["text"] for row in sample_reviews("validation", count=40)]
QUESTIONS = [(row["question"], row["context"]) for row in sample_questions("validation")[:24]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, dropout_model):
    """A trained recipe of each kind, with enough validation examples for a temperature."""
    folder = tmp_path_factory.mktemp("runs")
    recipes = {}
    for name, source in SOURCES.items():
        recipes[name] = build(name, dropout_model, folder / name, source=source, **SHORT)
        recipes[name].train()
    return recipes


@pytest.fixture(scope="module")
def loaded(runs):
    """The same recipes in another process."""
    return {name: type(recipe).from_pretrained(recipe.output_dir) for name, recipe in runs.items()}


def saved(recipe):
    return json.loads(Path(recipe.model_folder, "calibration.json").read_text("utf-8"))


def uncalibrated(recipe, tmp_path):
    """The same model in the folder of an earlier version."""
    folder = shutil.copytree(recipe.output_dir, tmp_path / "older")
    (folder / "calibration.json").unlink()
    return type(recipe).from_pretrained(folder)


def test_the_file_beside_the_model_describes_itself(runs):
    content = saved(runs["classification"])
    assert "divided by these temperatures" in content["about"]
    assert content["temperatures"]["labels"] != 1
    assert len(content["chosen_on"]["confidence"]) == len(content["measured_on"]["label_probability"]) == 70
    assert set(saved(runs["question_answering"])["temperatures"]) == {"answers", "no_answer"}


def test_predictions_are_calibrated_and_labels_stay(runs, loaded, tmp_path):
    older = uncalibrated(runs["classification"], tmp_path)
    temperature = saved(runs["classification"])["temperatures"]["labels"]
    pairs = zip(loaded["classification"].predict(TEXTS), older.predict(TEXTS), strict=True)
    for prediction, plain in pairs:
        assert prediction.label == plain.label
        odds = np.log(plain.scores["positive"] / plain.scores["negative"]) / temperature
        assert prediction.scores["positive"] == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-6)
    here, there = runs["classification"].predict(TEXTS), loaded["classification"].predict(TEXTS)
    assert [given.score for given in here] == pytest.approx([given.score for given in there], abs=1e-6)


def test_answers_stay_and_their_probabilities_sum_to_1(runs, loaded, tmp_path):
    older, recipe = uncalibrated(runs["question_answering"], tmp_path), loaded["question_answering"]
    answers = recipe.predict(QUESTIONS)
    assert [answer.text for answer in answers] == [answer.text for answer in older.predict(QUESTIONS)]
    assert recipe.threshold == older.threshold
    sums = [sum(value for _, value in answer.n_best) + answer.no_answer for answer in answers]
    if "no_answer" not in saved(recipe)["reasons"]:
        assert sums == pytest.approx([1] * len(sums))


def test_another_threshold_has_no_measured_coverage(runs, loaded):
    """What is kept of the validation questions was decided at the threshold of the training."""
    recipe, name = runs["question_answering"], type(runs["question_answering"])
    same = name.from_pretrained(recipe.output_dir, threshold=recipe.threshold)
    assert same.trained().calibration == loaded["question_answering"].trained().calibration
    other = name.from_pretrained(recipe.output_dir, threshold=recipe.threshold / 2)
    assert other.trained().calibration.temperatures == same.trained().calibration.temperatures
    with pytest.raises(ConfigError, match=r"coverage= needs validation predictions.* not hold for another threshold="):
        other.selection(coverage=0.9)
    assert "validation examples" in str(same.selection(coverage=0.9))


@pytest.mark.parametrize("name", SOURCES)
def test_the_report_shows_reliability_before_and_after(runs, name):
    report = RunReport.load(runs[name].output_dir)
    details = report.details if name == "question_answering" else report.details["validation"]
    assert details["calibration"]["temperatures"] == saved(runs[name])["temperatures"]
    assert 60 <= details["calibration"]["fitted_on"] <= 80
    titles = {table.title for table in report.tables}
    expected = {
        "classification": {"Calibration, validation", "Refused predictions, validation", "Sets of labels, validation"},
        "question_answering": {"Calibration, answers", "Calibration, no answer", "Refused answers"},
    }
    assert expected[name] <= titles


def test_test_data_never_refit(loaded):
    rows = sample_reviews("train", count=200)
    report = loaded["classification"].evaluate(rows)
    details = next(iter(report.details.values()))["calibration"]
    assert details["temperatures"] == saved(loaded["classification"])["temperatures"]
    assert (details["fitted_on"], details["judged_on"]) == (0, 200)
    answers = loaded["question_answering"].evaluate(sample_questions("train")[:120]).details["calibration"]
    assert answers["temperatures"] == saved(loaded["question_answering"])["temperatures"]
    assert answers["fitted_on"] == 0


def test_an_older_model_is_used_as_before(runs, tmp_path):
    older = uncalibrated(runs["classification"], tmp_path)
    report = older.evaluate(sample_reviews("train", count=60))
    details = next(iter(report.details.values()))["calibration"]
    assert details["temperatures"] == {}
    assert details["before"] == details["after"]
    for name in ("coverage", "max_risk", "label_sets"):
        with pytest.raises(ConfigError, match=f"{name}= needs validation predictions"):
            older.predict(TEXTS, **{name: 0.9})


def test_a_damaged_file_is_refused(runs, tmp_path):
    folder = shutil.copytree(runs["classification"].output_dir, tmp_path / "model")
    half = {"confidence": [0.5], "correct": [True], "label_probability": [0.5], "clusters": []}
    changes = [{"temperatures": {"labels": 0}}, {"chosen_on": {"confidence": [0.5], "correct": []}}, {"more": 1}]
    changes += [{"chosen_on": half | change} for change in ({"correct": []}, {"clusters": [0, 0]})]
    for change in changes:
        content = saved(runs["classification"]) | change
        (folder / "calibration.json").write_text(json.dumps(content))
        with pytest.raises(ModelError, match=r"calibration\.json is damaged"):
            ClassificationRecipe.from_pretrained(folder)


def test_the_least_sure_predictions_are_refused(loaded):
    recipe = loaded["classification"]
    plain, kept = recipe.predict(TEXTS), recipe.predict(TEXTS, coverage=0.5, label_sets=0.8)
    threshold = recipe.selection(coverage=0.5).threshold
    assert [given.refused for given in kept] == [given.score <= threshold for given in plain]
    assert {given.label for given in kept if given.refused} <= {None}
    assert [given.scores for given in kept] == [given.scores for given in plain]
    assert all(given.label_set is not None for given in kept)
    assert "were not used for this" in str(recipe.selection(coverage=0.5))
    answers = loaded["question_answering"].predict(QUESTIONS, coverage=0.5)
    assert all(answer.text is None for answer in answers if answer.refused)


def test_what_is_asked_for_must_go_together(loaded):
    recipe = loaded["classification"]
    with pytest.raises(ConfigError, match=r"coverage= and max_risk= are both given"):
        recipe.predict(TEXTS, coverage=0.5, max_risk=0.1)
    with pytest.raises(ConfigError, match="cannot be shown by the 70 validation examples"):
        recipe.predict(TEXTS, max_risk=0.01)
    with pytest.raises(ConfigError, match=r"selection\(\) needs coverage= or max_risk="):
        recipe.selection()


@pytest.fixture
def rows(tmp_path):
    """A file of texts."""
    with (tmp_path / "new.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text",), *((text,) for text in TEXTS)])
    return tmp_path / "new.csv"


def test_files_say_what_is_refused(loaded, rows, tmp_path):
    recipe = loaded["classification"]
    written = recipe.predict_file(rows, tmp_path / "out.jsonl", coverage=0.5, label_sets=0.8)
    lines = [json.loads(line) for line in written.read_text("utf-8").splitlines()]
    expected = recipe.predict(TEXTS, coverage=0.5, label_sets=0.8)
    assert [line["refused"] for line in lines] == [given.refused for given in expected]
    assert [line["label"] for line in lines] == [given.label for given in expected]
    assert [tuple(line["label_set"]) for line in lines] == [given.label_set for given in expected]
    (tmp_path / "gap.jsonl").write_text('{"text": "fine"}\n{"text": ""}\n', "utf-8")
    written = recipe.predict_file(tmp_path / "gap.jsonl", tmp_path / "gaps.jsonl", label_sets=0.8)
    kinds = [type(json.loads(line)["label_set"]) for line in written.read_text("utf-8").splitlines()]
    assert kinds == [list, type(None)]  # an empty text has no set, as from predict()
    assert recipe.predict([""], label_sets=0.8)[0].label_set is None
    plain = recipe.predict_file(rows, tmp_path / "plain.jsonl").read_text("utf-8").splitlines()
    assert set(json.loads(plain[0])) == {"text", "label", "score", "probabilities"}


def test_another_coverage_does_not_go_on_with_the_rows_of_one(loaded, rows, tmp_path, monkeypatch):
    identities = []

    def predict_file(path, output, function, columns, identity, **_):
        identities.append(identity)
        return output

    monkeypatch.setattr("bert_finetune_kit.recipes.trained.predict_file", predict_file)
    for settings in ({}, {"coverage": 0.5}, {"coverage": 0.6}, {"coverage": 0.5}):
        loaded["classification"].predict_file(rows, tmp_path / "out.jsonl", **settings)
    assert identities[1] == identities[3]
    assert len(set(identities)) == 3


def test_a_recipe_of_ones_own_that_refuses_nothing(loaded, rows, tmp_path, monkeypatch):
    recipe = loaded["classification"]
    monkeypatch.setattr(recipe, "predict_rows", lambda rows, columns, batch_size: [])
    with pytest.raises(ConfigError, match="has no such argument"):
        recipe.predict_file(rows, tmp_path / "out.jsonl", coverage=0.5)


def test_on_the_command_line(runs, capsys, rows, tmp_path):
    folder = runs["classification"].output_dir
    predict([folder, "--text", *TEXTS[:12], "--coverage", "0.5", "--label_sets", "0.8", "--use_cpu"])
    out = capsys.readouterr().out
    assert "of the predictions are kept" in " ".join(out.split())
    assert "(refused)" in out
    assert "{" in out
    predict([folder, str(rows), "--output", str(tmp_path / "out.csv"), "--coverage", "0.5", "--use_cpu"])
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert {row["refused"] for row in csv.DictReader(file)} <= {"True", "False"}
    with pytest.raises(ConfigError, match="--coverage and --max_risk each decide"):
        predict([folder, "--text", "a", "--coverage", "0.5", "--max_risk", "0.1"])
    answering = runs["question_answering"].output_dir
    with pytest.raises(ConfigError, match="--label_sets is given"):
        predict([answering, "--question", "a", "--context", "b", "--label_sets", "0.9"])
