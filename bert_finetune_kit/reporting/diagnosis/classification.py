"""Rules on a classification. Scores are shares of 1; each rule looks at every split and tells of the worst."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..intervals import wilson
from ..report import Finding, RunReport
from .view import judged_splits, known, number, setting

# Imbalance ratio from which the KEEL repository calls a data set highly imbalanced (Fernández et al. 2008).
_HIGHLY_IMBALANCED = 9.0
# Fine-tuned BERT is 2 to 7 points off on text of its own kind (Desai and Durrett 2020, table 3).
_OFF = 0.1
# Scores are told to three digits.
_ROUNDED = 5e-4


def one_class_predicted(report: RunReport) -> Finding | None:
    """The model says the same label to everything."""
    if setting(report, "kind", "task") == "multi_label":
        return None
    for split, one in judged_splits(report):
        told = _said_alone(one) if "by_label" in one else _constant_by_scores(one["scores"], known(report, "majority"))
        if told is None:
            continue
        why, base = told
        f1 = number(one["scores"].get("f1"))
        if f1 is not None and abs(f1 - 2 * base / (1 + base)) < _ROUNDED:
            why += f", and an F1 of {f1:.4f} is what saying it always scores: 2 · {base:.3f} / (1 + {base:.3f})"
        return Finding(
            "ONE_CLASS_PREDICTED", "error", f"On {split} {why}.",
            {"split": split, "base_rate": base, "f1": f1},
            ["too few steps, or a learning rate too low", "the learning rate is too high: the training has collapsed",
             "the encoder's weights were not loaded", "one label is far more frequent"],
            ["Do not call the F1 good: hold it against always saying that label.",
             "Look at the training loss: where it stays at ln(labels), train longer or change the learning rate.",
             "Start from a pretrained checkpoint, and check that its weights are found.",
             "Choose the best checkpoint by Matthews or macro F1, which a constant cannot please."],
        )  # fmt: skip
    return None


def _said_alone(one: dict[str, Any]) -> tuple[str, float] | None:
    """Return that a single label is said where there are several, in words, and its true share."""
    label, values = max(one["by_label"].items(), key=lambda item: item[1]["said"])
    count = sum(other["said"] for other in one["by_label"].values())
    if not count or values["said"] < count or values["support"] == count:
        return None
    base = values["support"] / count
    return f"all {count:,.0f} examples are said to be {label!r}: the accuracy of {base:.1%} is the share of it", base


def _constant_by_scores(scores: Mapping[str, Any], majority: float | None) -> tuple[str, float] | None:
    """Return that the scores of two labels are those of a constant, in words, and the true share of what is said.

    TP / (TP + FP) = (TP + TN) / n with FN = 0 and FP > 0 holds only where TN = 0: a recall of 1 with a precision below
    1 that equals the accuracy is that of saying the second label to everything.
    """
    recall, precision, accuracy = (number(scores.get(name)) for name in ("recall", "precision", "accuracy"))
    if accuracy is None or precision is None or accuracy == 1:
        return None
    if recall == 1 and abs(precision - accuracy) < _ROUNDED:
        return (
            f"recall is 1 and precision equals accuracy, {precision:.3f}, the share of the second label: it is said to "
            "everything",
            precision,
        )
    shares = [] if majority is None else [majority, 1 - majority]
    possible = not shares or any(abs(accuracy - share) < _ROUNDED for share in shares)
    if recall == 0 and precision == 0 and accuracy > 0 and possible:
        return (
            "recall and precision are 0: as where the first label is said to everything",
            accuracy,
        )
    return None


def below_majority(report: RunReport) -> Finding | None:
    """The whole 95% interval of the score lies below what is had without looking."""
    for split, one in judged_splits(report):
        name, value, guess, low, high = _beside_guess(report, one)
        if value is None or guess is None or high is None or high >= guess:
            continue
        return Finding(
            "BELOW_MAJORITY", "error",
            f"{name} on {split} is {value:.3f}, 95% interval {low:.3f} to {high:.3f}; without looking one gets "
            f"{guess:.3f}.",
            {"split": split, "score": name, "value": value, "interval": [low, high], "without_looking": guess},
            ["the labels of training and validation are not in the same order",
             "the data of training and validation are of different kinds", "the training has collapsed"],
            ["Compare the label names of the splits and of the checkpoint.",
             "Look at the confusion table: which label is said for which?", "Lower the learning rate."],
        )  # fmt: skip
    return None


def labels_permuted(report: RunReport) -> Finding | None:
    """The predictions are right once the labels are renamed.

    The renaming that fits best must beat the share of the most frequent label, and the accuracy as it is, with its
    whole 95% interval: the best of a few renamings of guesses does not.
    """
    for split, one in judged_splits(report):
        confusion = _confusion(one)
        if confusion is None:
            continue
        count = int(confusion.sum())
        true, said = linear_sum_assignment(confusion, maximize=True)
        renamed, right = int(confusion[true, said].sum()), int(np.trace(confusion))
        low = wilson(renamed, count)[0]
        if low <= confusion.sum(1).max() / count or low <= wilson(right, count)[1]:
            continue
        names = list(one.get("by_label", {"0": 0, "1": 0}))
        pairs = [
            f"{names[b]!r} means {names[a]!r}" for a, b in zip(true.tolist(), said.tolist(), strict=True) if a != b
        ]
        return Finding(
            "LABELS_PERMUTED", "error",
            f"Of {count:,} examples of {split} {right / count:.1%} are right, and {renamed / count:.1%} once "
            f"{' and '.join(pairs[:4])}.",
            {"split": split, "accuracy": right / count, "renamed": renamed / count},
            ["the label ids of training and validation, or of the checkpoint, have another order",
             "a column was sorted or encoded anew for one split"],
            ["Give labels by name, and the same names in the same order for all splits.",
             "Check id2label of the checkpoint."],
        )  # fmt: skip
    return None


def imbalanced(report: RunReport) -> Finding | None:
    """The most frequent label is nine times as frequent as the rarest one."""
    if setting(report, "kind", "task") == "multi_label":
        return None
    train = report.data.get("train", {})
    shares = {name.removeprefix("label "): float(value) for name, value in train.items() if name.startswith("label ")}
    if len(shares) < 2 or max(shares.values()) < _HIGHLY_IMBALANCED * min(shares.values()):
        return None
    often, rare = (choose(shares, key=lambda name: shares[name]) for choose in (max, min))
    weighted = setting(report, "class_weights", "recipe") is not None
    return Finding(
        "IMBALANCED", "note" if weighted else "warning",
        f"{shares[often]:.1%} of the training examples are {often!r}, {shares[rare]:.1%} are {rare!r}"
        f"{'; class weights are set' if weighted else ''}.",
        {"shares": shares},
        ["the labels are as rare as that", "the rows are sorted, and only the first were taken"],
        ["Read macro F1 or Matthews, not accuracy.", "Set class_weights='balanced'.",
         "Gather examples of the rare label."],
    )  # fmt: skip


def too_few_examples_for_claim(report: RunReport) -> Finding | None:
    """The score is above what is had without looking, but its 95% interval covers that."""
    for split, one in judged_splits(report):
        name, value, guess, low, high = _beside_guess(report, one)
        if value is None or guess is None or low is None or not low <= guess < value:
            continue
        return Finding(
            "TOO_FEW_EXAMPLES_FOR_CLAIM", "warning",
            f"{name} on {split} is {value:.3f} on {one['examples']:,.0f} examples, 95% interval {low:.3f} to "
            f"{high:.3f}, which covers the {guess:.3f} of not looking.",
            {"split": split, "score": name, "value": value, "interval": [low, high], "without_looking": guess},
            ["too few validation examples", "the model is hardly better than not looking"],
            ["Evaluate on more examples: four times as many halve the interval.",
             "Train several seeds (train_seeds), and tell mean and standard deviation."],
        )  # fmt: skip
    return None


def not_calibrated(report: RunReport) -> Finding | None:
    """Probabilities and shares of right answers are more than a tenth apart, and more than chance has them.

    By chance means: the 95th percentile of the error of as many examples with these very probabilities, were they
    true.
    """
    for split, one in judged_splits(report):
        error = number(one["scores"].get("calibration_error"))
        chance = number((report.evidence.get("calibration_by_chance") or {}).get(split)) or 0.0
        if error is None or error <= max(_OFF, chance):
            continue
        return Finding(
            "NOT_CALIBRATED", "warning",
            f"Probabilities on {split} are off by {error:.1%} on average"
            + (f"; by chance it would be up to {chance:.1%}." if chance else "."),
            {"split": split, "calibration_error": error, "by_chance": chance},
            ["over-confidence after too many epochs", "too little training: right, but unsure",
             "validation text unlike the training text"],
            ["Do not show the probabilities to anyone as they are.", "Fit a temperature on held-out examples.",
             "Train for fewer epochs, or with label_smoothing_factor=0.1."],
        )  # fmt: skip
    return None


def _beside_guess(
    report: RunReport, one: dict[str, Any]
) -> tuple[str, float | None, float | None, float | None, float | None]:
    """Return the score that the best are chosen by: name, value, that of not looking, and the ends of its interval.

    Of errors, of which less is better, all but the name are negative.
    """
    name = setting(report, "best_metric", "task") or "accuracy"
    name = name if name in one["scores"] else "accuracy"
    value, guess = (number(one.get(kind, {}).get(name)) for kind in ("scores", "baseline"))
    low, high = one.get("intervals", {}).get(name) or (None, None)
    count = number(one.get("examples"))
    if low is None and name == "accuracy" and value is not None and count:
        low, high = wilson(round(value * count), int(count))
    if name in ("mse", "mae") and value is not None and guess is not None and low is not None and high is not None:
        return name, -value, -guess, -high, -low
    return name, value, guess, low, high


def _confusion(one: dict[str, Any]) -> np.ndarray | None:
    """Return the confusion table, (true, said); of two labels also from recall, precision and accuracy."""
    if "confusion" in one:
        table = np.array(one["confusion"])
        return table if table.sum() else None
    accuracy, recall, precision = (number(one["scores"].get(name)) for name in ("accuracy", "recall", "precision"))
    count = number(one.get("examples"))
    if not count or accuracy is None or not recall or not precision or "by_label" in one:
        return None
    # TP = r P, FP = TP (1 - p) / p, and the wrong ones are FP + (1 - r) P = (1 - a) n; so the positives P are:
    wrong = recall * (1 - precision) / precision + 1 - recall
    if not wrong:
        return None
    positives = min((1 - accuracy) * count / wrong, count)
    right, false = recall * positives, recall * positives * (1 - precision) / precision
    table = np.array([[count - positives - false, false], [positives - right, right]])
    return np.maximum(table, 0).round().astype(int)


RULES = (
    one_class_predicted, below_majority, labels_permuted, imbalanced, too_few_examples_for_claim, not_calibrated,
)  # fmt: skip
