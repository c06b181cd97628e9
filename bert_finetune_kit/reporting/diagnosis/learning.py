"""Rules on whether anything was learnt: a score whose interval includes its baseline, or lies below it, always has one.

One verdict is made of each score, so that these rules exclude each other.
"""

import math

from ..intervals import wilson
from ..schema import Finding, RunReport
from .baselines import Comparison, comparisons
from .course import (
    diverges,
    is_unstable,
    longer,
    lower_rate,
    optimizer_steps,
    shorter,
    training_curve,
    usual_rate,
    validation_rises,
)
from .view import MIN_EXAMPLES, from_checkpoint, is_table, too_few, validation_examples

# So many steps a model needs before its score says anything of it, the warmup of a tenth included. A convention:
# below, BERT often scores a constant (Zhang et al. 2021, section 6); with new weights it learns word frequencies first.
_STEPS = {"pretraining": 500}
_FINE_TUNING_STEPS = 100
# Below half of its first value, the training loss says that the model has learnt its examples: not for lack of steps.
_HAS_FALLEN = 0.5
# As many times the examples would show the difference. Four times as many halve the interval.
_TIMES_MORE = 4.0


def has_few_steps(report: RunReport) -> bool:
    """Return whether the training was too short to judge the model by: few steps, after which the training loss is
    above half of its first value, and no loss rises.
    """
    steps = optimizer_steps(report)
    if not steps or steps >= _STEPS.get(report.recipe, _FINE_TUNING_STEPS):
        return False
    if is_unstable(report) or validation_rises(report):
        return False
    losses = training_curve(report)
    return len(losses) < 2 or bool(losses[-len(losses) // 4 :].mean() > _HAS_FALLEN * losses[0])


def verdict(report: RunReport, comparison: Comparison) -> str | None:
    """Return the code of what a score shows; None where it is certainly better than its baseline."""
    if comparison.is_certainly_better:
        return None
    if has_few_steps(report):
        return "TOO_FEW_STEPS"
    is_close = comparison.is_better and comparison.times_more_examples() <= _TIMES_MORE
    if comparison.examples is not None and (is_close or too_few(comparison.examples)):
        return "TOO_FEW_EXAMPLES_FOR_CLAIM"
    if comparison.further:
        return "SCORE_AT_BASELINE"
    if report.recipe == "classification" and comparison.is_certainly_worse:
        return "BELOW_MAJORITY"
    return "NOTHING_LEARNT"


def _with(report: RunReport, code: str) -> Comparison | None:
    """Return the first score that is not certainly better than its baseline, if that is the verdict on it."""
    verdicts = ((one, verdict(report, one)) for one in comparisons(report))
    first, found = next(((one, found) for one, found in verdicts if found is not None), (None, None))
    return first if found == code else None


def nothing_learnt(report: RunReport) -> Finding | None:
    """The 95% interval of the score includes the baseline or lies on its worse side."""
    compared = _with(report, "NOTHING_LEARNT")
    if compared is None:
        return None
    steps = optimizer_steps(report)
    return Finding(
        "NOTHING_LEARNT", "error",
        f"{compared.text}. The score does not show that anything was learnt.",
        {**compared.numbers, "steps": steps},
        ["too little training", "the learning rate is too high or too low",
         "the encoder started from new weights", "the labels cannot be told from the texts, or are wrong"],
        [*longer(report, "Train for more steps: a few times as many."),
         *lower_rate(report, *["Lower the learning rate."] * diverges(report)),
         *usual_rate(report, "Use the usual learning rate: 2e-5 to 5e-5 to fine-tune, 1e-3 for small models from "
                             "scratch."),
         *shorter(report, "Train for fewer epochs, or stop early: the validation loss rose."),
         *from_checkpoint(report, "Start from a pretrained checkpoint."),
         "Read twenty training examples with their labels: could you tell the labels yourself?",
         "Train on more examples."],
    )  # fmt: skip


def too_few_steps(report: RunReport) -> Finding | None:
    """The 95% interval of the score does not lie above the baseline, after fewer steps than any training needs."""
    compared, steps = _with(report, "TOO_FEW_STEPS"), optimizer_steps(report)
    if compared is None or not steps:
        return None
    needed = _STEPS.get(report.recipe, _FINE_TUNING_STEPS)
    return Finding(
        "TOO_FEW_STEPS", "warning" if compared.is_better else "error",
        f"{compared.text}. The run had {steps:,} step{'s' * (steps > 1)}.",
        {**compared.numbers, "steps": steps},
        ["the training is too short for a score to mean anything"],
        [f"Train for at least {needed:,} steps, {math.ceil(needed / steps):,} times as many: raise num_train_epochs or "
         "max_steps, or lower per_device_train_batch_size.",
         *from_checkpoint(report, "Start from a pretrained checkpoint."),
         "Then evaluate on more examples, if the interval is still too wide."],
    )  # fmt: skip


def too_few_examples_for_claim(report: RunReport) -> Finding | None:
    """The score is above the baseline, but its 95% interval includes the baseline, and four times as many examples
    would not, were the difference the true one; or there are fewer than twenty examples, of a table also where no
    baseline is known.
    """
    compared = _with(report, "TOO_FEW_EXAMPLES_FOR_CLAIM")
    if compared is None:
        return _few_in_table(report)
    return Finding(
        "TOO_FEW_EXAMPLES_FOR_CLAIM", "warning", f"{compared.text}: the interval includes it.", compared.numbers,
        ["too few validation examples", "the model is hardly better than the baseline"],
        [*longer(report, "Train longer, if the training loss still falls."),
         "Evaluate on more examples: four times as many halve the interval.",
         "Train with several seeds (train_seeds), and report mean and standard deviation."],
    )  # fmt: skip


def _few_in_table(report: RunReport) -> Finding | None:
    """Return that a table without a known baseline has fewer than twenty examples."""
    count = validation_examples(report)
    if not is_table(report) or not count or not too_few(count) or next(comparisons(report), None) is not None:
        return None
    low, high = wilson(round(count / 2), round(count))
    return Finding(
        "TOO_FEW_EXAMPLES_FOR_CLAIM", "warning",
        f"{count:,.0f} example{'s' * (count != 1)} scored: the 95% interval of a share is up to "
        f"{100 * (high - low):.0f} points wide. Rules that estimate a share or a mean say nothing below "
        f"{MIN_EXAMPLES} examples.",
        {"examples": count}, ["too few validation examples"],
        ["Evaluate on more examples: four times as many halve the interval."],
    )  # fmt: skip


def score_at_baseline(report: RunReport) -> Finding | None:
    """The 95% interval of the score includes the baseline or lies below it, and another score shows that something was
    learnt.
    """
    compared = _with(report, "SCORE_AT_BASELINE")
    if compared is None:
        return None
    return Finding(
        "SCORE_AT_BASELINE", "warning",
        f"{compared.text}. Another score shows that something was learnt: {compared.further}.", compared.numbers,
        ["one label is far more frequent, which this score rewards predicting", "the classes were weighted"],
        ["Report the other score beside this one, and choose the best checkpoint by it.",
         "Choose the threshold by what errors of each kind cost.", "Collect examples of the rare labels."],
    )  # fmt: skip


def below_majority(report: RunReport) -> Finding | None:
    """The 95% interval of the score lies below the majority baseline."""
    compared = _with(report, "BELOW_MAJORITY")
    if compared is None:
        return None
    if compared.baseline_name == "mean":  # of a regression
        causes = ["the targets of training and validation have another scale or direction"]
        advice = ["Compare the targets of the splits: their range, and whether greater means the same in both.",
                  "Plot the predictions against the targets."]  # fmt: skip
    else:
        causes = ["the labels of training and validation are not in the same order"]
        advice = ["Compare the label names of the splits and of the checkpoint.",
                  "Look at the confusion matrix: which label is predicted for which?"]  # fmt: skip
    return Finding(
        "BELOW_MAJORITY", "error", f"{compared.text}.", compared.numbers,
        [*causes, "the data of training and validation are of different kinds", "the training has collapsed"],
        [*advice, *lower_rate(report, "Lower the learning rate.")],
    )  # fmt: skip


RULES = (nothing_learnt, too_few_steps, too_few_examples_for_claim, score_at_baseline)
CLASSIFICATION_RULES = (below_majority,)
