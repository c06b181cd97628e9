"""The saved weights are evaluated in one step, whatever happened to the run before."""

from datetime import datetime

import pytest
from small_recipes import KINDS, Signal, assert_same, build

from bert_finetune_kit import PretrainConfig, RunReport, RunStopped

# With a learning rate that is much too high, the first of three evaluations is the best.
BEST_FIRST = {
    "max_steps": 6, "eval_steps": 2, "save_steps": 2, "learning_rate": 0.05, "lr_scheduler_type": "constant",
    "load_best_model_at_end": True, "metric_for_best_model": "eval_loss",
}  # fmt: skip
CHANGES = {
    "pretraining": {},
    # The accuracies are equal; the first loss is by far the lowest.
    "classification": {"metric_for_best_model": "accuracy", "learning_rate": 0.3, "seed": 3},
    "question_answering": {"learning_rate": 0.2},
}


def stop(recipe, step, resume=False):
    recipe.callbacks.append(Signal(step))
    with pytest.raises(RunStopped):
        recipe.train(resume=resume)


@pytest.mark.parametrize(
    "name",
    ["classification", *(pytest.param(name, marks=pytest.mark.slow) for name in KINDS if name != "classification")],
)
def test_the_best_checkpoint_may_come_before_a_resume(dropout_model, uninterrupted, tmp_path, name):
    """Also where the folder of the run has another name by then."""
    settings = BEST_FIRST | CHANGES[name]
    expected = uninterrupted(name, **settings)
    report = RunReport.load(expected)
    assert [row["step"] for row in report.scores] == [2, 4, 6]
    assert report.result == report.scores[0]
    assert report.intervals
    assert any("the weights of step 2 were saved" in note for note in report.notes)
    stop(build(name, dropout_model, tmp_path / "run", **settings), 5)
    (tmp_path / "run").rename(tmp_path / "renamed")
    resumed = build(name, dropout_model, tmp_path / "renamed", **settings).train(resume=True)
    assert_same(tmp_path / "renamed", expected)
    assert resumed.tables == report.tables
    assert resumed.notes == report.notes
    assert resumed.schedule == report.schedule
    assert [row["step"] for row in report.schedule] == [1, 2, 3, 4, 5, 6]
    assert datetime.fromisoformat(report.finished) <= datetime.fromisoformat(resumed.finished)


@pytest.mark.slow
def test_a_run_that_ended_after_its_last_step_is_evaluated_without_training(
    dropout_model, uninterrupted, tmp_path, monkeypatch
):
    """As after a kill between the last step and the report."""

    def interrupt(*_):
        raise KeyboardInterrupt

    expected = uninterrupted("pretraining", **BEST_FIRST)
    recipe = build("pretraining", dropout_model, tmp_path, **BEST_FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(type(recipe), "save_model", interrupt)
        with pytest.raises(KeyboardInterrupt):
            recipe.train()
    resumed = build("pretraining", dropout_model, tmp_path, **BEST_FIRST)
    resumed.train(resume=True)
    assert resumed.trainer.training_seconds == 0
    assert_same(tmp_path, expected)


@pytest.mark.slow
def test_two_phases_of_which_the_second_is_resumed(dropout_model, uninterrupted, tmp_path):
    settings = BEST_FIRST | {
        "config": PretrainConfig(max_length=32, second_phase_length=64, second_phase_share=0.6),
    }
    expected = uninterrupted("pretraining", **settings)
    report = RunReport.load(expected)
    assert [(row["phase"], row["step"]) for row in report.scores] == [(1, 2), (2, 2), (2, 4)]
    assert report.result["phase"] == 2
    assert report.intervals
    stop(build("pretraining", dropout_model, tmp_path, **settings), 3)  # the first phase has two steps
    assert (tmp_path / "second-phase" / "checkpoint-3").is_dir()
    build("pretraining", dropout_model, tmp_path, **settings).train(resume=True)
    assert_same(tmp_path, expected)


@pytest.mark.parametrize("name", KINDS)
def test_without_evaluations_the_last_weights_are_evaluated_once(dropout_model, tmp_path, name):
    settings = {"max_steps": 2, "eval_strategy": "no", "save_strategy": "no", "load_best_model_at_end": False}
    report = build(name, dropout_model, tmp_path, **settings).train()
    (row,) = report.scores
    assert report.result == row
    assert row["step"] == 2
    assert report.intervals
    assert report.timings["evaluation of the saved weights"] >= 0


def test_scores_of_the_saved_weights_are_those_of_their_evaluation(dropout_model, uninterrupted):
    """Also of a model that is loaded from the folder of the run."""
    recipe = build("classification", dropout_model, uninterrupted("classification"))
    report = RunReport.load(recipe.output_dir)
    loaded = type(recipe).from_pretrained(recipe.output_dir, task=recipe.task, config=recipe.config)
    loaded.source = recipe.source
    scores = loaded.evaluate()
    assert scores == pytest.approx({key: report.result[key] for key in scores}, rel=1e-6)
