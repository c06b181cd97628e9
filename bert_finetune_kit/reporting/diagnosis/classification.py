"""Rules on a classification. Scores are shares of 1; each rule reports the first split that it applies to."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..details import ClassificationDetails
from ..intervals import wilson
from ..known_scores import known_score
from ..numbers import finite_or_none
from ..plain import Plain
from ..schema import Finding, RunReport
from .view import measured, scored_splits, setting, statistic, too_few

# Imbalance ratio from which the KEEL repository calls a data set highly imbalanced (Fernández et al. 2008).
_HIGHLY_IMBALANCED = 9.0
# Fine-tuned BERT is off by 2 to 7 points on text of its own kind (Desai and Durrett 2020, table 3).
_MISCALIBRATED = 0.1
# Published scores have three digits.
_ROUNDED = 5e-4


def one_class_predicted(report: RunReport) -> Finding | None:
    """The model predicts the same label for every example."""
    if setting(report, "kind", "task") == "multi_label":
        return None
    for split, details in scored_splits(report):
        if too_few(details.get("examples")):
            continue
        if "by_label" in details:
            constant = _constant_by_counts(details)
        else:
            constant = _constant_by_scores(details["scores"], measured(report, "majority"))
        if constant is None:
            continue
        reason, share = constant
        f1 = finite_or_none(details["scores"].get("f1"))
        if f1 is not None and abs(f1 - 2 * share / (1 + share)) < _ROUNDED:
            reason += f"; F1 {f1:.4f} is that of a constant prediction, 2 · {share:.3f} / (1 + {share:.3f})"
        return Finding(
            "ONE_CLASS_PREDICTED", "error", f"On {split}, {reason}.",
            {"split": split, "base_rate": share, "f1": f1},
            ["too few steps, or a learning rate that is too low",
             "the learning rate is too high: the training has collapsed", "the encoder's weights were not loaded",
             "one label is far more frequent"],
            ["Do not report the F1 without that of the constant prediction.",
             "Look at the training loss: where it stays at ln(labels), train longer or change the learning rate.",
             "Start from a pretrained checkpoint, and check that its weights are loaded.",
             "Choose the best checkpoint by Matthews or macro F1, which are low for a constant prediction."],
        )  # fmt: skip
    return None


def _constant_by_counts(details: ClassificationDetails) -> tuple[str, float] | None:
    """Return in words that only one of several labels is predicted, and its true share."""
    label, scores = max(details["by_label"].items(), key=lambda item: item[1]["predicted"])
    count = sum(other["predicted"] for other in details["by_label"].values())
    if not count or scores["predicted"] < count or scores["support"] == count:
        return None
    share = scores["support"] / count
    return f"{label!r} is predicted for all {count:,.0f} examples: the accuracy of {share:.1%} is its share", share


def _constant_by_scores(scores: Mapping[str, float], majority: float | None) -> tuple[str, float] | None:
    """Return in words that the scores of two labels are those of a constant prediction, and the label's true share.

    TP / (TP + FP) = (TP + TN) / n with FN = 0 and FP > 0 holds only where TN = 0: a recall of 1 with a precision below
    1 that equals the accuracy means that the second label is predicted for every example.
    """
    recall, precision, accuracy = (finite_or_none(scores.get(name)) for name in ("recall", "precision", "accuracy"))
    if accuracy is None or precision is None or accuracy == 1:
        return None
    if recall == 1 and abs(precision - accuracy) < _ROUNDED:
        return (
            f"recall is 1 and precision equals accuracy, {precision:.3f}, the share of the second label: it is "
            "predicted for every example",
            precision,
        )
    shares = [] if majority is None else [majority, 1 - majority]
    possible = not shares or any(abs(accuracy - share) < _ROUNDED for share in shares)
    if recall == 0 and precision == 0 and accuracy > 0 and possible:
        return "recall and precision are 0, as where the first label is predicted for every example", accuracy
    return None


def below_majority(report: RunReport) -> Finding | None:
    """The 95% interval of the score lies below the majority baseline."""
    for split, details in scored_splits(report):
        metric = _best_metric(report, details)
        if metric is None or not metric.is_below_baseline:
            continue
        return Finding(
            "BELOW_MAJORITY", "error", f"On {split}, {metric.text}.", {"split": split, **metric.numbers},
            ["the labels of training and validation are not in the same order",
             "the data of training and validation are of different kinds", "the training has collapsed"],
            ["Compare the label names of the splits and of the checkpoint.",
             "Look at the confusion matrix: which label is predicted for which?", "Lower the learning rate."],
        )  # fmt: skip
    return None


def labels_permuted(report: RunReport) -> Finding | None:
    """The predictions are correct once the labels are renamed.

    The 95% interval of the best renaming must lie above the share of the most frequent label, and above the accuracy
    with its interval: that of random predictions does not.
    """
    for split, details in scored_splits(report):
        confusion = _confusion(details)
        if confusion is None:
            continue
        count = int(confusion.sum())
        true, predicted = linear_sum_assignment(confusion, maximize=True)
        renamed, correct = int(confusion[true, predicted].sum()), int(np.trace(confusion))
        low = wilson(renamed, count)[0]
        if low <= confusion.sum(1).max() / count or low <= wilson(correct, count)[1]:
            continue
        names = list(details.get("by_label", ("0", "1")))
        pairs = [
            f"{names[column]!r} means {names[row]!r}"
            for row, column in zip(true.tolist(), predicted.tolist(), strict=True)
            if row != column
        ]
        return Finding(
            "LABELS_PERMUTED", "error",
            f"On {count:,} examples of {split}, accuracy is {correct / count:.1%}, and {renamed / count:.1%} if "
            f"{' and '.join(pairs[:4])}.",
            {"split": split, "accuracy": correct / count, "renamed": renamed / count},
            ["the label ids of training and validation, or of the checkpoint, have another order",
             "a column was sorted or encoded again for one split"],
            ["Give labels by name, with the same names in the same order for all splits.",
             "Check id2label of the checkpoint."],
        )  # fmt: skip
    return None


def imbalanced(report: RunReport) -> Finding | None:
    """The most frequent label is nine times as frequent as the rarest one."""
    shares = report.data.get("train", {}).get("label_shares")
    if setting(report, "kind", "task") == "multi_label" or not isinstance(shares, Mapping) or len(shares) < 2:
        return None
    frequent, rare = (choose(shares, key=lambda name: float(shares[name])) for choose in (max, min))
    if shares[frequent] < _HIGHLY_IMBALANCED * shares[rare] or too_few(statistic(report, "train", "examples")):
        return None
    weighted = setting(report, "class_weights", "recipe") is not None
    return Finding(
        "IMBALANCED", "note" if weighted else "warning",
        f"{shares[frequent]:.1%} of the training examples are {frequent!r}, {shares[rare]:.1%} are {rare!r}"
        f"{'; class weights are set' if weighted else ''}.",
        {"shares": dict(shares)},
        ["the rarest label is that rare in the data", "the rows are sorted, and only the first ones were used"],
        ["Report macro F1 or Matthews, not accuracy.", "Set class_weights='balanced'.",
         "Collect examples of the rare label."],
    )  # fmt: skip


def too_few_examples_for_claim(report: RunReport) -> Finding | None:
    """The score is above the majority baseline, but its 95% interval includes the baseline."""
    for split, details in scored_splits(report):
        metric = _best_metric(report, details)
        if metric is None or not metric.is_uncertain:
            continue
        return Finding(
            "TOO_FEW_EXAMPLES_FOR_CLAIM", "warning",
            f"On {details.get('examples', 0):,.0f} examples of {split}, {metric.text}, which the interval includes.",
            {"split": split, **metric.numbers},
            ["too few validation examples", "the model is hardly better than the baseline"],
            ["Evaluate on more examples: four times as many halve the interval.",
             "Train with several seeds (train_seeds), and report mean and standard deviation."],
        )  # fmt: skip
    return None


def not_calibrated(report: RunReport) -> Finding | None:
    """Confidence and accuracy differ by more than a tenth, and by more than chance.

    Chance is the 95th percentile of the error of as many examples with the same confidences, were these exact.
    """
    for split, details in scored_splits(report):
        error = finite_or_none(details["scores"].get("calibration_error"))
        chance = finite_or_none((report.evidence.get("calibration_by_chance") or {}).get(split)) or 0.0
        if error is None or error <= max(_MISCALIBRATED, chance):
            continue
        return Finding(
            "NOT_CALIBRATED", "warning",
            f"On {split}, the expected calibration error is {error:.1%}"
            + (f"; a calibrated model would have at most {chance:.1%} by chance." if chance else "."),
            {"split": split, "calibration_error": error, "by_chance": chance},
            ["over-confidence after too many epochs", "too little training: correct, but with low confidence",
             "validation text unlike the training text"],
            ["Do not show the probabilities as they are.", "Fit a temperature on held-out examples.",
             "Train for fewer epochs, or with label_smoothing_factor=0.1."],
        )  # fmt: skip
    return None


class _BestMetric(NamedTuple):
    """The metric that the best checkpoint is chosen by, with its baseline and its 95% interval."""

    name: str
    value: float
    baseline_name: str
    baseline: float
    low: float
    high: float
    lower_is_better: bool

    @property
    def is_below_baseline(self) -> bool:
        """Whether the interval lies on the worse side of the baseline."""
        return self.low > self.baseline if self.lower_is_better else self.high < self.baseline

    @property
    def is_uncertain(self) -> bool:
        """Whether the value is better than the baseline, and the interval includes the baseline."""
        if self.lower_is_better:
            return self.value < self.baseline <= self.high
        return self.low <= self.baseline < self.value

    @property
    def text(self) -> str:
        """The value, its interval and the baseline."""
        interval = f"95% interval {self.low:.3f} to {self.high:.3f}"
        return f"{self.name} is {self.value:.3f} ({interval}); {self.baseline_name} baseline: {self.baseline:.3f}"

    @property
    def numbers(self) -> dict[str, Plain]:
        """The same as data."""
        return {
            "score": self.name, "value": self.value, "interval": [self.low, self.high], "baseline": self.baseline
        }  # fmt: skip


def _best_metric(report: RunReport, details: ClassificationDetails) -> _BestMetric | None:
    """Return the metric of the best checkpoint; None where its value, its baseline, its interval or its direction
    is not known.
    """
    scores = details["scores"]
    name = str(setting(report, "best_metric", "task") or "accuracy")
    name = name if name in scores else "accuracy"
    value, baseline = finite_or_none(scores.get(name)), finite_or_none(details.get("baseline", {}).get(name))
    interval, count = details.get("intervals", {}).get(name), details.get("examples")
    if not interval and name == "accuracy" and value is not None and count:
        interval = wilson(round(value * count), count)
    lower = known_score("classification", name).lower_is_better
    if value is None or baseline is None or not interval or lower is None:
        return None
    baseline_name = "mean" if setting(report, "kind", "task") == "regression" else "majority"
    return _BestMetric(name, value, baseline_name, baseline, interval[0], interval[1], lower)


def _confusion(details: ClassificationDetails) -> np.ndarray | None:
    """Return the confusion matrix, (true, predicted); of two labels also from recall, precision and accuracy."""
    if "confusion" in details:
        matrix = np.array(details["confusion"])
        return matrix if matrix.sum() else None
    names = ("accuracy", "recall", "precision")
    accuracy, recall, precision = (finite_or_none(details["scores"].get(name)) for name in names)
    count = details.get("examples")
    if not count or accuracy is None or not recall or not precision or "by_label" in details:
        return None
    # TP = r P, FP = TP (1 - p) / p, and the errors are FP + (1 - r) P = (1 - a) n; so the positives P are:
    errors = recall * (1 - precision) / precision + 1 - recall
    if not errors:
        return None
    positives = min((1 - accuracy) * count / errors, count)
    correct, false = recall * positives, recall * positives * (1 - precision) / precision
    matrix = np.array([[count - positives - false, false], [positives - correct, correct]])
    return np.maximum(matrix, 0).round().astype(int)


RULES = (
    one_class_predicted, below_majority, labels_permuted, imbalanced, too_few_examples_for_claim, not_calibrated,
)  # fmt: skip
