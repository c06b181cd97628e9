"""Scores that cannot be true together."""

import numpy as np
import pytest

from bert_finetune_kit import diagnose_scores
from bert_finetune_kit.reporting.diagnosis.binary import confusion_shares, is_constant
from bert_finetune_kit.reporting.diagnosis.label_identities import label_faults, rounding
from bert_finetune_kit.reporting.statistics.label_scores import COUNT_SCORES, LabelCounts


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
        ("classification", {"accuracy": 0.81, "f1_micro": 0.813}, {}, None),  # both are rounded
        ("classification", {"accuracy": 0.81, "f1_micro": 0.83}, {},
         "On validation, F1 micro 0.83 is not the accuracy, 0.81, which it is where each example has one label."),
        ("classification", {"accuracy": 0.81, "f1_micro": 0.83, "recall_weighted": 0.9}, {"multi_label": True}, None),
        ("classification", {"accuracy": 0.81, "recall_weighted": 0.7}, {},
         "On validation, recall weighted 0.7 is not the accuracy, 0.81, which it is where each example has one label."),
        ("classification", {"f1": 0.9, "precision": 0.5}, {},
         "On validation, F1 is 0.900, but with a precision of 0.500 it is at most 0.667."),
        ("classification", {"f1": 0.9, "recall": 0.5}, {},
         "On validation, F1 is 0.900, but with a recall of 0.500 it is at most 0.667."),
        ("classification", {"f1_macro": 0.81, "precision_macro": 0.8, "recall_macro": 0.7}, {},
         "On validation, F1 macro is 0.810, but with a precision of 0.800 and a recall of 0.700 it is at most 0.747."),
        ("classification", {"f1_macro": 0.60, "precision_macro": 0.8, "recall_macro": 0.7}, {}, None),
        ("classification", {"f1_weighted": 0.91, "precision_weighted": 0.8, "recall_weighted": 0.8}, {},
         "On validation, F1 weighted is 0.910, but with a precision of 0.800 and a recall of 0.800 it is at most "
         "0.800."),
        ("classification", {"accuracy": 0.81, "matthews": 0.93}, {},
         "On validation, Matthews is 0.930, but with an accuracy of 0.810 it is at most 0.844."),
        ("classification", {"accuracy": 0.80, "matthews": 0.95, "f1": 0.8}, {},
         "On validation, Matthews is 0.950, but with an accuracy of 0.800 it is at most 0.739."),
        ("classification", {"accuracy": 0.95, "matthews": -0.3}, {},
         "On validation, Matthews is -0.300, but with an accuracy of 0.950 it is at least -0.028."),
        ("pretraining", {"perplexity": 14.9, "mlm_accuracy": 0.01}, {},
         "With perplexity 14.9 the words that the model holds most probable have a mean probability of at least 6.7%, "
         "but the MLM accuracy is 1.0%."),
        ("pretraining", {"perplexity": 1.5, "mlm_accuracy": 0.25}, {},
         "Perplexity 1.5 is out of reach of an MLM accuracy of 25.0%, with which it is at least 1.676."),
        ("pretraining", {"perplexity": 14.9, "mlm_accuracy": 0.1}, {}, None),
        ("pretraining", {"perplexity": 25.9, "mlm_accuracy": 0.0}, {}, None),  # of few words, none may be right
        ("pretraining", {"perplexity": 1.69, "mlm_accuracy": 0.4}, {}, None),
        ("pretraining", {"perplexity": 9.8, "mlm_accuracy": 0.5}, {}, None),
        ("pretraining", {"perplexity": 1.0, "mlm_accuracy": 1.0}, {}, None),
        ("classification", {"accuracy": 0.8, "matthews": 0.6}, {}, None),
        ("classification", {"accuracy": 0.2, "precision": 0.9, "recall": 0.9}, {},
         "On validation, no confusion matrix of two labels has this accuracy, precision and recall."),
        ("classification", {"accuracy": 0.934}, {"examples": 100},
         "An accuracy of 0.934 is 93.40 of 100 examples, which is no whole number."),
        ("classification", {"accuracy": 0.93}, {"examples": 100}, None),
        ("classification", {"accuracy": 0.767}, {"examples": 30}, None),  # 23 of 30, rounded
        ("classification", {"accuracy": 0.934}, {"examples": 19},
         "An accuracy of 0.934 is 17.75 of 19 examples, which is no whole number."),
        ("classification", {"accuracy": 0.9}, {"examples": 3},
         "An accuracy of 0.9 is 2.70 of 3 examples, which is no whole number."),
        ("classification", {"accuracy": 0.7}, {"examples": 3}, None),  # two of three, rounded
        ("classification", {"mse": 0.81, "mae": 0.9}, {}, None),
        ("classification", {"mse": 0.5, "mae": 0.9}, {},
         "On validation, MSE 0.5000 is below the square of MAE 0.9000, which no errors give."),
        ("question_answering", {"total": 10, "HasAns_total": 6, "NoAns_total": 5}, {},
         "6 questions with and 5 without an answer are not 10."),
        ("question_answering", {"exact": 70.25, "f1": 65.25}, {},
         "F1 65.25 is below the exact match of 70.25, although an exact match has an F1 of 100."),
        ("question_answering", {"HasAns_exact": 70.25, "HasAns_f1": 65.25}, {},
         "F1 65.25 is below the exact match of 70.25 on questions with an answer, although an exact match has an F1 of "
         "100."),
        ("question_answering", {"best_exact": 70.25, "best_f1": 65.25}, {},
         "F1 65.25 is below the exact match of 70.25 of the oracle, although an exact match has an F1 of 100."),
        ("question_answering", {"NoAns_exact": 60.25, "NoAns_f1": 65.25}, {},
         "On questions without an answer the exact match is 60.25 and F1 65.25: both are the share of questions that "
         "the model abstains on."),
        ("question_answering", {"NoAns_exact": 60.2, "NoAns_f1": 60.25}, {}, None),
        ("question_answering", {"f1": 70.25, "HasAns_f1": 60.25, "NoAns_f1": 65.25}, {},
         "The F1 of 70.25 is not between those of questions with and without an answer."),
        ("question_answering", {"f1": 65.25, "HasAns_f1": 60.25, "NoAns_f1": 65.25}, {}, None),
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


@pytest.mark.parametrize("labels", [2, 3, 6])
def test_scores_of_the_same_predictions_agree(labels):
    """Of thousands of confusion matrices, rare and absent labels among them, rounded as tables are."""
    rng = np.random.default_rng(labels)
    tables = [rng.multinomial(rng.integers(1, 300), rng.dirichlet(rng.choice([0.05, 0.3, 1]) * np.ones(labels**2)))
              for _ in range(2000)]  # fmt: skip
    tables = np.array(tables, float).reshape(-1, labels, labels)
    true, predicted = tables.sum(2), tables.sum(1)
    counts = LabelCounts(np.diagonal(tables, axis1=1, axis2=2), predicted, true, (true + predicted) > 0)
    columns = {name: score(counts) for name, score in COUNT_SCORES.items()}
    columns["accuracy"] = counts.correct.sum(1) / true.sum(1)
    if labels > 2:
        columns = {name: column for name, column in columns.items() if name not in ("f1", "precision", "recall")}
    for number in range(len(tables)):
        scores = {name: round(float(column[number]), 2 + number % 3) for name, column in columns.items()}
        assert list(label_faults(scores, False)) == []


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
