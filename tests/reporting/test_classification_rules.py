"""Rules on a classification, at their limits and beside them."""

import pytest
from sklearn.metrics import f1_score
from synthetic_reports import empty_report

from bert_finetune_kit.reporting.diagnosis import binary, classification


def split(scores=None, **details):
    return {"validation": {"scores": scores or {}, **details}}


def by_label(*counts):
    return {label: {"predicted": predicted, "support": support} for label, predicted, support in counts}


def one_class(details, kind="single_label"):
    return classification.one_class_predicted(empty_report(details=details, settings={"task": {"kind": kind}}))


def test_one_class_by_counts():
    labels = by_label(("a", 1_000, 550), ("b", 0, 450))
    found = one_class(split({"accuracy": 0.55}, by_label=labels, examples=1_000))
    assert found.evidence == (
        "On validation, 'a' is predicted for all 1,000 examples: the accuracy of 55.0% is its share."
    )
    assert found.numbers == {"split": "validation", "base_rate": 0.55, "f1": None}
    assert one_class(split({"accuracy": 0.55}, by_label=labels, examples=1_000), "multi_label") is None
    assert one_class(split({"accuracy": 0.55}, by_label=labels, examples=19)) is None
    labels = by_label(("a", 8, 400), ("b", 1_192, 800))
    found = one_class(split({"accuracy": 0.67}, by_label=labels, examples=1_200))
    assert found.evidence == (
        "On validation, 'b' is predicted for 1,192 of 1,200 examples, and its share is 66.7%; accuracy is 67.0%."
    )
    found = one_class(split({}, by_label=labels))
    assert found.evidence.endswith("and its share is 66.7%.")
    labels = by_label(("a", 13, 400), ("b", 1_187, 800))
    assert one_class(split({}, by_label=labels)) is None


def test_the_f1_of_a_constant_prediction():
    """2 · 0.55 / 1.55 = 0.70968."""
    labels = by_label(("a", 0, 450), ("b", 1_000, 550))
    for f1, named in ((0.70968, True), (0.7101, True), (0.7102, False), (0.7092, True), (0.7091, False)):
        found = one_class(split({"f1": f1}, by_label=labels))
        assert ("is that of a constant prediction" in found.evidence) is named
    assert one_class(split({"f1": 0.7097}, by_label=labels)).evidence.endswith(
        "is its share; F1 0.7097 is that of a constant prediction, 2 · 0.550 / (1 + 0.550)."
    )


@pytest.mark.parametrize(
    ("count", "predicted", "support", "constant"),
    [
        (0, 0, 0, False), (1, 1, 0, True), (100, 99, 90, True), (100, 99, 91, False), (100, 98.9, 50, False),
        (100, 100, 99, True), (100, 100, 100, False), (100, 100, 0, True),
    ],
)  # fmt: skip
def test_is_constant(count, predicted, support, constant):
    assert binary.is_constant(count, predicted, support) is constant


def constant(majority=None, **scores):
    return binary.constant_by_scores(scores, majority)


def test_a_constant_prediction_of_the_second_label_by_its_scores():
    assert constant(accuracy=0.551, recall=1.0, precision=0.551) == (
        "recall is 1 and precision equals accuracy, 0.551, the share of the second label: it is predicted for every "
        "example", 0.551,
    )  # fmt: skip
    assert constant(accuracy=0.551, recall=1.0, precision=0.5514)[1] == 0.5514
    assert "recall is 1" not in (constant(accuracy=0.551, recall=1.0, precision=0.5516) or ("",))[0]
    assert (
        constant(accuracy=1.0, recall=1.0, precision=1.0) is constant(accuracy=0.0, recall=0.0, precision=0.0) is None
    )
    assert constant(recall=1.0, precision=0.5) is None
    assert constant(accuracy=0.551, recall=1.0) is None


def test_a_constant_prediction_of_the_first_label_by_its_scores():
    words = "recall and precision are 0, as where the first label is predicted for every example"
    zero = {"recall": 0.0, "precision": 0.0}
    assert constant(accuracy=0.6, **zero) == (words, 0.6)
    for majority, accuracy, found in (
        (0.6, 0.6, True), (0.6, 0.4, True), (0.6, 0.6004, True), (0.6, 0.6006, False), (0.6, 0.3996, True),
        (0.6, 0.3994, False), (0.6, 0.5, False),
    ):  # fmt: skip
        assert (constant(majority, accuracy=accuracy, **zero) == (words, accuracy)) is found
    assert (
        constant(accuracy=0.6, recall=0.0, precision=0.1) is constant(accuracy=0.6, recall=0.1, precision=0.0) is None
    )


def test_a_constant_prediction_by_f1_or_matthews():
    """2 · 0.6 / 1.6 = 0.75."""
    words = "no example of the first label is classified correctly: accuracy is 0.600"
    assert constant(accuracy=0.6, f1=0.75) == constant(accuracy=0.6, f1=0.7504) == (words, 0.6)
    assert constant(accuracy=0.6, f1=0.7506) is constant(accuracy=0.6, f1=0.7494) is None
    assert constant(0.6, accuracy=0.6, f1=0.75) == (words, 0.6)
    assert constant(0.7, accuracy=0.6, f1=0.75) is None
    reason, share = constant(0.6, accuracy=0.6, matthews=0.0)
    assert (reason, share) == ("Matthews is 0, and accuracy, 0.600, is the share of one label", 0.6)
    assert constant(0.6, accuracy=0.6, matthews=0.01) is constant(accuracy=0.6, matthews=0.0) is None
    assert constant(0.6, accuracy=0.6, matthews=0.0, recall=0.5) is None
    assert constant(0.6, accuracy=0.6, f1=0.75, precision=0.5) is None


def test_a_constant_prediction_by_macro_f1():
    """0.509 / 1.509 = 0.33731."""
    words = "F1 macro, 0.3374, is that of one of two labels predicted for every example, 0.509 / (1 + 0.509)"
    assert constant(accuracy=0.509, f1_macro=0.3374) == (words, 0.509)
    assert constant(0.491, accuracy=0.509, f1_macro=0.3374, matthews=0.0) == (words, 0.509)
    assert constant(accuracy=0.509, f1_macro=0.3379) is constant(accuracy=0.509, f1_macro=0.3368) is None
    assert constant(0.6, accuracy=0.509, f1_macro=0.3374) is None
    for other in ({"matthews": 0.1}, {"f1": 0.4}, {"recall": 0.5}):
        assert constant(accuracy=0.509, f1_macro=0.3374, **other) is None


@pytest.mark.parametrize("accuracy", [0.55, 0.8, 0.95])
def test_macro_f1_of_a_constant_prediction_is_that_of_scikit_learn(accuracy):
    true = [1] * round(100 * accuracy) + [0] * round(100 - 100 * accuracy)
    macro = f1_score(true, [1] * 100, average="macro", zero_division=0)
    assert constant(accuracy=accuracy, f1_macro=macro)[1] == accuracy


def test_a_second_label_that_is_never_found():
    words = "F1 is 0 at an accuracy of 0.912, as where the first label is predicted for every example"
    assert constant(accuracy=0.912, f1=0.0) == constant(accuracy=0.912, f1=0.0, recall=0.0) == (words, 0.912)
    assert constant(0.912, accuracy=0.912, f1=0.0) == (words, 0.912)
    assert constant(0.6, accuracy=0.912, f1=0.0) is constant(accuracy=0.4, f1=0.0) is None
    assert constant(accuracy=0.8, f1=0.0, matthews=-0.1) is constant(accuracy=0.8, f1=0.0, recall=0.1) is None
    words = "F1 and Matthews are 0, as where the first label is predicted for every example"
    assert constant(f1=0.0, matthews=0.0) == (words, None)
    assert constant(accuracy=0.4, f1=0.0, matthews=0.0) == (words, 0.4)
    assert constant(f1=0.0) is constant(accuracy=1.0, f1=0.0, matthews=0.0) is None
    found = one_class(split({"f1": 0.0, "matthews": 0.0}))
    assert found.evidence == f"On validation, {words}."
    assert found.numbers["base_rate"] is None


def scores_of(matrix):
    """Return accuracy, recall and precision of a confusion matrix ((TN, FP), (FN, TP))."""
    (tn, fp), (fn, tp) = matrix
    return {"accuracy": (tn + tp) / (tn + fp + fn + tp), "recall": tp / (fn + tp), "precision": tp / (fp + tp)}


def test_nearly_constant_predictions_by_scores():
    assert constant(**scores_of(((2, 398), (4, 596)))) == (
        "accuracy, recall and precision are those of a model that predicts the second label for 99.4% of the examples, "
        "and its share is 60.0%", pytest.approx(0.6),
    )  # fmt: skip
    assert constant(**scores_of(((592, 2), (402, 4)))) == (
        "accuracy, recall and precision are those of a model that predicts the first label for 99.4% of the examples, "
        "and its share is 59.4%", pytest.approx(0.594),
    )  # fmt: skip
    assert constant(**scores_of(((6, 394), (5, 595)))) is constant(**scores_of(((590, 6), (399, 5)))) is None
    assert constant(accuracy=0.2, recall=0.999, precision=0.9) is None  # no matrix has these


def test_the_matrix_of_scores_that_no_matrix_has():
    shares = binary.confusion_shares({"accuracy": 0.2, "recall": 0.9, "precision": 0.9})
    assert shares.round(6).tolist() == [[-0.1, 0.1], [0.1, 0.9]]  # of positives alone
    for name in ("accuracy", "recall", "precision"):
        assert binary.confusion_shares({"accuracy": 0.5, "recall": 0.5, "precision": 0.5, name: None}) is None
    shares = binary.confusion_shares({"accuracy": 1.0, "recall": 0.5, "precision": 0.5})
    assert shares.round(6).tolist() == [[1, 0], [0, 0]]


def permuted(confusion, **details):
    return classification.labels_permuted(empty_report(details=split(confusion=confusion, **details)))


def test_labels_that_are_exchanged():
    found = permuted([[300, 900], [500, 100]], by_label=by_label(("no", 0, 0), ("yes", 0, 0)))
    assert found.evidence == (
        "On 1,800 examples of validation, accuracy is 22.2%, and 77.8% if 'yes' means 'no' and 'no' means 'yes'."
    )
    assert found.numbers == {"split": "validation", "accuracy": 400 / 1_800, "renamed": 1_400 / 1_800}
    assert permuted([[0, 50], [50, 0]]).evidence.endswith("100.0% if '1' means '0' and '0' means '1'.")
    assert permuted([[45, 55], [55, 45]]) is None  # as random predictions
    assert permuted([[0, 0], [0, 0]]) is permuted([[50, 0], [0, 50]]) is None
    assert permuted([[2, 88], [5, 5]]) is None  # 93 of 100 begins at 86%, below the share of the first label, 90%
    assert permuted([[2, 93], [5, 0]]) is None


def test_three_labels_of_which_two_are_exchanged():
    labels = by_label(("a", 0, 0), ("b", 0, 0), ("c", 0, 0))
    found = permuted([[40, 0, 0], [0, 2, 38], [0, 39, 1]], by_label=labels)
    assert found.evidence == (
        "On 120 examples of validation, accuracy is 35.8%, and 97.5% if 'c' means 'b' and 'b' means 'c'."
    )
    six = [[40 * (column == (row + 1) % 6) for column in range(6)] for row in range(6)]
    assert permuted(six, by_label=by_label(*((name, 0, 0) for name in "abcdef"))).evidence.count(" means ") == 4


def test_exchanged_labels_by_scores():
    """30 of 300 positives and 60 of 700 negatives are predicted correctly."""
    given = split(scores_of(((60, 640), (270, 30))), examples=1_000)
    assert classification.labels_permuted(empty_report(details=given)).numbers["renamed"] == 0.91
    del given["validation"]["examples"]
    assert classification.labels_permuted(empty_report(details=given)) is None


def imbalanced(shares, examples=20, **settings):
    data = {"train": {"label_shares": shares, "examples": examples}}
    return classification.imbalanced(empty_report(data=data, settings=settings))


def test_imbalance():
    found = imbalanced({"a": 0.1, "b": 0.9})
    assert found.severity == "warning"
    assert found.evidence == "90.0% of the training examples are 'b', 10.0% are 'a'."
    assert (
        imbalanced({"a": 0.101, "b": 0.899}) is imbalanced({"a": 0.1, "b": 0.9}, 19) is imbalanced({"b": 1.0}) is None
    )
    assert imbalanced({"a": 0.06, "b": 0.5, "c": 0.44}) is None
    assert imbalanced({"a": 0.05, "b": 0.5, "c": 0.45}).numbers["shares"] == {"a": 0.05, "b": 0.5, "c": 0.45}
    assert imbalanced({"a": 0.0, "b": 1.0}) is not None
    assert imbalanced({"a": 0.1, "b": 0.9}, task={"kind": "multi_label"}) is imbalanced(None) is None
    weighted = imbalanced({"a": 0.1, "b": 0.9}, recipe={"class_weights": "balanced"})
    assert weighted.severity == "note"
    assert weighted.evidence.endswith("10.0% are 'a'; class weights are set.")


def calibrated(error, bins=(), chance=None):
    details = split({"calibration_error": error}, **({"reliability": {"bins": list(bins)}} if bins else {}))
    evidence = {} if chance is None else {"calibration_by_chance": {"validation": chance}}
    return classification.not_calibrated(empty_report(details=details, evidence=evidence))


def bins(*parts):
    return [{"count": count, "confidence": confidence, "accuracy": accuracy} for count, confidence, accuracy in parts]


def test_calibration():
    assert calibrated(0.1) is calibrated(None) is calibrated(0.15, chance=0.125) is None
    found = calibrated(0.101)
    assert found.evidence == "On validation, the expected calibration error is 10.1%."
    assert found.numbers == {"split": "validation", "calibration_error": 0.101, "by_chance": 0.0, "excess": None}
    assert len(found.causes) == 3
    assert found.advice[-1] == "Train with label_smoothing_factor=0.1."
    assert calibrated(0.101, chance=0.05).evidence == (
        "On validation, the expected calibration error is 10.1%; a calibrated model would have at most 5.0% by chance."
    )
    assert calibrated(0.16, chance=0.133) is not None


def test_the_direction_of_a_calibration_error():
    over = calibrated(0.2, bins((30, 0.9, 0.6), (10, 0.7, 0.8)))
    assert over.evidence.endswith("is 20.0%; confidence is on average 20.0% above accuracy.")
    assert over.numbers["excess"] == pytest.approx(0.2)
    assert (len(over.causes), over.advice[-1]) == (2, "Train with label_smoothing_factor=0.1.")
    under = calibrated(0.2, bins((30, 0.6, 0.9), (10, 0.8, 0.7)))
    assert under.evidence.endswith("is 20.0%; confidence is on average 20.0% below accuracy.")
    assert (under.causes, under.advice[-1]) == (
        ["too little training: correct, but with low confidence"],
        "Train longer.",
    )
    assert calibrated(0.2, bins((0, 0.9, 0.6))).numbers["excess"] is None


def test_the_finding_has_the_error_of_the_table_and_the_chart():
    """Not that of the score, which is of all examples and of bins of equal width."""

    def found(error, chance=0.05, score=0.3):
        before = {"calibration_error": error, "by_chance": chance, "bins": bins((30, 0.9, 0.6), (10, 0.7, 0.8))}
        judged = {"temperatures": {}, "before": before, "after": before, "judged_on": 40}
        details = split({"calibration_error": score}, calibration=judged, reliability={"bins": bins((9, 0.1, 0.9))})
        return classification.not_calibrated(empty_report(details=details))

    assert found(0.1) is found(0.18, 0.15) is None
    assert found(0.181, 0.15, score=0.01).numbers == {
        "split": "validation", "calibration_error": 0.181, "by_chance": 0.15, "excess": pytest.approx(0.2)
    }  # fmt: skip


def test_a_temperature_that_mends_the_probabilities():
    def found(after, chance=0.05, temperature=1.5):
        judged = {
            "temperatures": {"labels": temperature}, "after": {"calibration_error": after, "by_chance": chance},
            "before": {"calibration_error": 0.2, "by_chance": 0.04, "bins": []}, "judged_on": 1_200,
        }  # fmt: skip
        details = split({"calibration_error": 0.3}, calibration=judged)
        return classification.not_calibrated(empty_report(details=details))

    mended = found(0.049)
    assert mended.severity == "note"
    assert mended.evidence == (
        "On the 1,200 examples of validation that nothing was fitted on, the expected calibration error is 20.0%; a "
        "calibrated model would have at most 4.0% by chance. With the temperature that was fitted it is 4.9%."
    )
    assert found(0.091, 0.066).severity == found(0.05, temperature=1.0).severity == "warning"
    assert (found(0.15, 0.15).severity, found(0.151, 0.15).severity) == ("note", "warning")
    assert mended.advice[0] != found(0.101).advice[0]
