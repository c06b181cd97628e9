import json
import math

import numpy as np
import pytest
import torch
from transformers import TrainerState, TrainingArguments

from bert_finetune_kit.training.logs import evaluations, is_evaluation, plain_scores, saved_step

# As the Trainer logs them: each split by itself, with the time that it took.
LOGS = [
    {"loss": 2.0, "step": 1, "epoch": 0.5},
    {
        "eval_matched_f1": 0.5,
        "eval_matched_runtime": 3.0,
        "eval_matched_steps_per_second": 1.0,
        "step": 2,
        "epoch": 1.0,
    },
    {"eval_mismatched_f1": 0.4, "eval_mismatched_samples_per_second": 9.0, "step": 2, "epoch": 1.0},
    {"loss": 1.0, "step": 3, "epoch": 1.5},
    {"eval_f1": 0.7, "eval_runtime": 3.0, "eval_samples_per_second": 9.0, "step": 4, "epoch": 2.0},
]


def test_an_evaluation_of_several_splits_is_one_row_of_scores_without_timings():
    assert [is_evaluation(log) for log in LOGS] == [False, True, True, False, True]
    assert evaluations(LOGS) == [
        {"matched_f1": 0.5, "mismatched_f1": 0.4, "step": 2, "epoch": 1.0},
        {"f1": 0.7, "step": 4, "epoch": 2.0},
    ]


def test_evaluations_of_two_phases_at_the_same_step_are_two_rows():
    logs = [{"eval_loss": 2.0, "step": 2, "phase": 1}, {"eval_loss": 1.0, "step": 2, "phase": 2}]
    assert [row["loss"] for row in evaluations(logs)] == [2.0, 1.0]


def test_scores_become_plain_numbers():
    scores = plain_scores({"f1": np.float64(0.5), "loss": torch.tensor(0.25), "count": 3})
    assert scores == {"f1": 0.5, "loss": 0.25, "count": 3}
    assert json.loads(json.dumps(scores)) == scores


@pytest.fixture
def arguments(tmp_path):
    def arguments(best):
        strategies = {"eval_strategy": "steps", "eval_steps": 2, "save_strategy": "steps", "save_steps": 2}
        return TrainingArguments(str(tmp_path), use_cpu=True, load_best_model_at_end=best, **strategies)

    return arguments


def test_the_saved_weights_are_the_last_or_the_best(arguments, tmp_path):
    state = TrainerState(global_step=6, best_global_step=2, best_model_checkpoint=str(tmp_path))
    assert saved_step(state, arguments(best=False)) == (6, ())
    assert saved_step(state, arguments(best=True)) == (2, ("the weights of step 2 were saved, the best by loss",))
    (note,) = saved_step(state, arguments(best=True), {"loss": "mean loss"})[1]
    assert note.endswith("the best by mean loss")
    assert saved_step(TrainerState(global_step=6), arguments(best=True)) == (6, ())  # nothing was evaluated
    state.best_model_checkpoint = str(tmp_path / "gone")
    step, (note,) = saved_step(state, arguments(best=True))
    assert step == 6
    assert "step 2, whose checkpoint is gone: the last were saved" in note


def test_the_best_is_the_best_of_those_with_a_checkpoint(arguments, tmp_path):
    """The state may remember the folder of another place, or a step that was better, and has no checkpoint."""
    saved = tmp_path / "checkpoint-2"
    saved.mkdir()
    state = TrainerState(global_step=6, best_global_step=3, best_model_checkpoint=str(saved))
    step, (note,) = saved_step(state, arguments(best=True))
    assert step == 2
    assert "the weights of step 2 were saved, the best by loss that have a checkpoint; those of step 3 were" in note
    state = TrainerState(global_step=6, best_global_step=2)
    assert saved_step(state, arguments(best=True))[1] == (
        "the best weights by loss were those of step 2, whose checkpoint is damaged: the last were saved",
    )


def test_without_a_score_to_choose_by_the_last_weights_are_saved_with_a_note(arguments):
    state = TrainerState(global_step=6, log_history=[{"eval_loss": math.nan, "step": 6}])
    step, (note,) = saved_step(state, arguments(best=True))
    assert (step, note) == (6, "no evaluation had a loss to choose the best weights by: the last were saved")
