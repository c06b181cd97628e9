"""What tables and files of others can hold, and what the diagnosis makes of it."""

import numpy as np
import pandas as pd
import pytest
import torch

from bert_finetune_kit import ConfigError, diagnose_scores
from bert_finetune_kit.reporting.diagnosis.given import given_report


def codes(*given, **context):
    return {finding.code for finding in diagnose_scores(*given, **context)}


def test_names_of_the_trainer_and_of_the_hub_are_understood():
    row = {
        "eval_matthews_correlation": 0.5, "test_accuracy": 0.7, "accuracy": 0.8, "eval_loss": 0.4, "epoch": 3.0,
        "eval_samples": 40, "eval_runtime": 2.5,
    }  # fmt: skip
    report = given_report("classification", row, {})
    assert report.result == {"eval_runtime": 2.5, "epoch": 3.0, "matthews": 0.5, "accuracy": 0.8, "loss": 0.4}
    assert report.evidence == {"examples": 40}
    assert given_report("classification", row, {"examples": 50}).evidence == {"examples": 50}
    report = given_report("question_answering", {"exact_match": 70.0, "f1": 80.0}, {"examples": 30})
    assert report.result == {"exact": 70.0, "f1": 80.0, "total": 30}


def test_the_table_of_a_training():
    """Training and validation loss an epoch: the validation loss is lowest in the second."""
    losses = [(0.6, 0.590), (0.4, 0.476), (0.2, 0.592), (0.16, 0.573)]
    rows = [{"epoch": n, "train_loss": train, "validation_loss": loss} for n, (train, loss) in enumerate(losses, 1)]
    report = given_report("classification", rows, {})
    assert report.history == [{"epoch": n, "loss": train} for n, (train, _) in enumerate(losses, 1)]
    (found,) = diagnose_scores("classification", rows)
    assert (found.code, found.numbers["epoch"]) == ("OVERFITTING", 2)
    assert found.advice[1] == "Train for fewer epochs, or stop early."
    assert (
        found.evidence == "The validation loss is lowest after epoch 2 (0.4760); in the last evaluation it is 0.5730."
    )
    assert found.advice[0] == "Keep the weights of that evaluation: load_best_model_at_end=True."
    unnamed = [{"train_loss": row["train_loss"], "validation_loss": row["validation_loss"]} for row in rows]
    assert "is lowest after evaluation 2 (0.4760)" in diagnose_scores("classification", unnamed)[0].evidence


@pytest.mark.parametrize(
    ("recipe", "name", "key"),
    [
        ("pretraining", "nsp_accuracy", "pair_accuracy"), ("pretraining", "masked_accuracy", "mlm_accuracy"),
        ("classification", "acc", "accuracy"),
    ],
)  # fmt: skip
def test_other_names_of_a_score_are_accepted(recipe, name, key):
    assert given_report(recipe, {name: 0.5}, {}).result == {key: 0.5}
    assert given_report(recipe, {f"eval_{name}": 0.5}, {}).result == {key: 0.5}
    for row in ({name: 0.4, key: 0.5}, {key: 0.5, name: 0.4}):  # the name of the kit comes first
        assert given_report(recipe, row, {}).result == {key: 0.5}


@pytest.mark.parametrize(
    ("recipe", "name", "meant"),
    [
        ("classification", "Acc", "accuracy"), ("classification", "MCC", "matthews"),
        ("classification", "F1 macro", "f1_macro"), ("classification", "macro-F1", "f1_macro"),
        ("classification", "Training Loss", "train_loss"), ("pretraining", "PPL", "perplexity"),
        ("pretraining", "MLM accuracy", "mlm_accuracy"), ("question_answering", "Exact match", "exact"),
        ("question_answering", "EM", "exact"), ("question_answering", "hasans_f1", "HasAns_f1"),
    ],
)  # fmt: skip
def test_names_that_people_write_are_corrected(recipe, name, meant):
    with pytest.raises(ConfigError, match=f"unknown score '{name}': did you mean '{meant}'"):
        diagnose_scores(recipe, {name: 0.5})


@pytest.mark.parametrize(
    ("recipe", "scores", "message"),
    [
        ("classification", {"accuracy": -0.1}, "accuracy is -0.1: give a share from 0 to 1"),
        ("classification", {"matthews": 58.2}, "matthews is 58.2: give a correlation from -1 to 1, not percent"),
        ("classification", {"pearson": -1.2}, "pearson is -1.2: give a correlation"),
        ("classification", {"mse": -0.1}, "mse is -0.1: it cannot be below 0"),
        ("pretraining", {"perplexity": 0.99}, "perplexity is 0.99: a perplexity is at least 1"),
        ("question_answering", {"f1": 100.5}, "f1 is 100.5: give a percentage from 0 to 100"),
        ("question_answering", {"exact": -1}, "exact is -1: give a percentage"),
        ("question_answering", {"exact": 0.797, "f1": 0.828}, "f1 is 0.828: these look like shares of 1"),
        ("question_answering", {"f1": 1.0}, "f1 is 1.0: these look like shares of 1"),
        ("question_answering", {"exact": 0.797, "f1": 0.828, "total": 11_873}, "these look like shares of 1"),
    ],
)  # fmt: skip
def test_values_that_cannot_be(recipe, scores, message):
    with pytest.raises(ConfigError, match=message):
        diagnose_scores(recipe, scores)


@pytest.mark.parametrize(
    "scores",
    [
        {"exact": 0.8, "f1": 1.0, "total": 250},  # two of 250 questions
        {"exact": 0.0, "f1": 0.4},
        {"exact": 0.0, "f1": 0.0, "total": 10},
        {"exact": 1.0, "f1": 1.01},
    ],
)
def test_small_percentages_are_possible(scores):
    assert given_report("question_answering", scores, {}).result == scores


def test_correlations_and_perplexities_at_their_limits():
    assert codes("classification", {"matthews": -1.0}) == {"NOTHING_LEARNT"}
    assert codes("classification", {"pearson": 1.0}) == set()
    assert codes("pretraining", {"perplexity": 1.0}) == set()
    assert codes("classification", {"accuracy": 0.0, "f1": 0.0}) == set()


@pytest.mark.parametrize("kind", [np.float32, np.float64, torch.tensor])
def test_numbers_of_other_libraries_are_numbers(kind):
    plain = diagnose_scores("classification", {"accuracy": 0.5}, majority=0.55, examples=40)
    given = diagnose_scores("classification", {"accuracy": kind(0.5)}, majority=kind(0.55), examples=np.int64(40))
    assert [finding.code for finding in given] == [finding.code for finding in plain] == ["NOTHING_LEARNT"]


def test_a_table_of_pandas_is_read():
    """An evaluation a row; where a row lacks a score, the cell is empty."""
    frame = pd.DataFrame([{"train_loss": 0.6, "accuracy": None}, {"train_loss": 0.5, "accuracy": 0.5}])
    report = given_report("classification", frame, {"examples": 40})
    assert report.scores == [{"train_loss": 0.6}, {"train_loss": 0.5, "accuracy": 0.5}]
    assert given_report("classification", frame.iloc[1], {}).result == {"train_loss": 0.5, "accuracy": 0.5}
    for nothing in (pd.DataFrame(), 0.5):
        with pytest.raises(ConfigError, match="give scores by name, or a list of such"):
            diagnose_scores("classification", nothing)


@pytest.mark.parametrize("value", [True, np.bool_(True)])
def test_true_is_no_score(value):
    with pytest.raises(ConfigError, match="accuracy is True: give a number"):
        diagnose_scores("classification", {"accuracy": value})
    with pytest.raises(ConfigError, match="examples is True: give a number"):
        diagnose_scores("classification", {"accuracy": 0.5}, examples=value)


def test_a_loss_of_masked_words_is_a_perplexity():
    by_loss, by_perplexity = (
        diagnose_scores("pretraining", scores, vocab_size=30_522)
        for scores in ({"mlm_loss": 12.0}, {"perplexity": np.exp(12)})
    )
    assert [finding.code for finding in by_loss] == [finding.code for finding in by_perplexity]
    assert by_loss[0].code == "PERPLEXITY_ABOVE_UNIFORM"
