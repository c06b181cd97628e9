"""Scores that cannot be true together."""

import pytest

from bert_finetune_kit import diagnose_scores
from bert_finetune_kit.reporting.diagnosis.binary import confusion_shares, is_constant
from bert_finetune_kit.reporting.diagnosis.consistency import rounding


def disagreement(recipe, scores, **context):
    found = {finding.code: finding for finding in diagnose_scores(recipe, scores, **context)}
    return found["SCORES_DISAGREE"].evidence if "SCORES_DISAGREE" in found else None


@pytest.mark.parametrize(
    ("recipe", "scores", "context", "evidence"),
    [
        ("pretraining", {"perplexity": 203.0, "mlm_loss": 5.3132}, {}, None),
        ("pretraining", {"perplexity": 200.0, "mlm_loss": 5.3}, {}, None),  # both are rounded
        ("pretraining", {"perplexity": 203.0, "mlm_loss": 5.0}, {},
         "Perplexity 203.0 is not exp of the MLM loss, 5.0000, which is 148.4."),
        ("pretraining", {"perplexity": 180.0, "mlm_loss": 5.3132}, {},
         "Perplexity 180.0 is not exp of the MLM loss, 5.3132, which is 203.0."),
        ("pretraining", {"perplexity": 405.4, "mlm_loss": 5.3132, "pair_loss": 0.6917}, {},
         "Perplexity 405.4 is not exp of the MLM loss, 5.3132, which is 203.0: it is exp of the sum of both losses."),
        ("pretraining", {"perplexity": 39.76, "mlm_loss": 5.3132}, {},
         "Perplexity 39.8 is not exp of the MLM loss, 5.3132, which is 203.0: it is 2 to the power of the loss."),
        ("pretraining", {"perplexity": 210.0, "loss": 5.3132}, {},
         "Perplexity 210.0 is above exp of the loss, 5.3132, which the MLM loss is a part of."),
        ("pretraining", {"perplexity": 150.0, "loss": 5.3132}, {}, None),
        ("pretraining", {"mlm_loss": 5.25, "pair_loss": 0.65, "loss": 5.9}, {}, None),
        ("pretraining", {"mlm_loss": 5.25, "pair_loss": 0.65, "loss": 6.2}, {},
         "The loss, 6.2000, is not the sum of MLM loss and pair loss, 5.9000."),
        ("classification", {"precision": 0.85, "recall": 0.91, "f1": 0.879}, {}, None),
        ("classification", {"precision": 0.85, "recall": 0.91, "f1": 0.899}, {},
         "On validation, F1 is 0.899, but precision and recall give 0.879."),
        ("classification", {"precision": 0.0, "recall": 0.0, "f1": 0.0}, {}, None),
        ("classification", {"accuracy": 0.2, "precision": 0.9, "recall": 0.9}, {},
         "On validation, no confusion matrix of two labels has this accuracy, precision and recall."),
        ("classification", {"accuracy": 0.934}, {"examples": 100},
         "An accuracy of 0.934 is 93.40 of 100 examples, which is no whole number."),
        ("classification", {"accuracy": 0.93}, {"examples": 100}, None),
        ("classification", {"accuracy": 0.767}, {"examples": 30}, None),  # 23 of 30, rounded
        ("classification", {"accuracy": 0.934}, {"examples": 19}, None),
        ("classification", {"mse": 0.81, "mae": 0.9}, {}, None),
        ("classification", {"mse": 0.5, "mae": 0.9}, {},
         "On validation, MSE 0.5000 is below the square of MAE 0.9000, which no errors give."),
        ("question_answering", {"total": 10, "HasAns_total": 6, "NoAns_total": 5}, {},
         "6 questions with and 5 without an answer are not 10."),
        ("question_answering", {"exact": 70.25, "f1": 65.25}, {},
         "F1 65.25 is below the exact match of 70.25, although an exact match has an F1 of 100."),
        ("question_answering", {"f1": 65.25, "best_f1": 60.25}, {},
         "The oracle F1 of 60.25 is below the F1 of 65.25, which it is the best of."),
        ("question_answering",
         {"f1": 65.25, "HasAns_f1": 60.25, "NoAns_f1": 50.25, "HasAns_total": 50, "NoAns_total": 50}, {},
         "The F1 of 65.25 is not the mean over questions with and without an answer, 55.25."),
        ("question_answering",
         {"f1": 55.25, "HasAns_f1": 60.25, "NoAns_f1": 50.25, "HasAns_total": 50, "NoAns_total": 50}, {}, None),
    ],
)  # fmt: skip
def test_scores_that_contradict_each_other(recipe, scores, context, evidence):
    assert disagreement(recipe, scores, **context) == evidence


def test_several_contradictions_are_one_finding():
    evidence = disagreement("question_answering", {"exact": 70.25, "f1": 65.25, "best_f1": 60.25})
    assert evidence.count(".\u0020") == 1
    assert "The oracle F1" in evidence
    assert "F1 65.25 is below" in evidence


@pytest.mark.parametrize(("value", "half"), [(0.93, 0.005), (7.5, 0.05), (12.0, 0.05), (1e-3, 5e-4), (0.12345, 5e-6)])
def test_rounding_is_half_a_unit_of_the_last_digit(value, half):
    assert rounding(value) == pytest.approx(half)


@pytest.mark.parametrize(
    ("predicted", "support", "constant"),
    [
        (1000, 550, True), (990, 550, True), (989, 550, False), (1000, 1000, False),
        (995, 950, True), (995, 951, False),  # a tenth of the others could be found
        (991, 992, False),
    ],
)  # fmt: skip
def test_nearly_constant_predictions(predicted, support, constant):
    assert is_constant(1000, predicted, support) is constant


def test_the_confusion_matrix_of_three_scores():
    """40 of 50 positives and 36 of 50 negatives are predicted correctly."""
    scores = {"accuracy": 0.76, "recall": 0.8, "precision": 40 / 54}
    assert (confusion_shares(scores) * 100).round(6).tolist() == [[36, 14], [10, 40]]
    assert confusion_shares({"accuracy": 1.0, "recall": 1.0, "precision": 1.0}) is None
    assert confusion_shares({"accuracy": 0.5, "recall": 0.0, "precision": 0.5}) is None


@pytest.mark.parametrize(
    ("scores", "share"),
    [
        ({"accuracy": 0.553, "recall": 0.995, "precision": 0.552, "f1": 0.71}, 0.550),
        ({"accuracy": 0.551, "f1": 0.7105}, 0.551),
        ({"accuracy": 0.551, "recall": 1.0, "precision": 0.551}, 0.551),
        ({"accuracy": 0.703, "recall": 0.013, "precision": 0.9}, 0.6995),
        ({"accuracy": 0.551, "matthews": 0.0}, 0.551),
        ({"accuracy": 0.551, "f1": 0.70}, None),
        ({"accuracy": 0.551, "matthews": 0.01}, None),
        ({"accuracy": 0.75, "recall": 0.8, "precision": 0.7}, None),
    ],
)
def test_one_class_by_scores_alone(scores, share):
    context = {"majority": 0.551} if "matthews" in scores else {}
    found = {finding.code: finding for finding in diagnose_scores("classification", scores, **context)}
    if share is None:
        assert "ONE_CLASS_PREDICTED" not in found
    else:
        assert found["ONE_CLASS_PREDICTED"].numbers["base_rate"] == pytest.approx(share, abs=5e-4)
