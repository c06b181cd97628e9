"""How a training went, read from its whole curves, and the advice that fits: no two rules may advise opposites.

Whether more or less training, a higher or a lower learning rate would help is decided here alone. A rule passes its
advice through `longer`, `shorter`, `higher_rate` or `lower_rate`, which leave out what does not fit.
"""

import numpy as np

from ..numbers import finite_or_none, is_non_finite
from ..schema import RunReport, ScoreRow
from .view import CORRELATIONS, cumulative_lr, curve, last_phase, quarters, validation_loss

# Weights of BERT are initialized with this standard deviation (Devlin et al. 2019), and keep that size.
WEIGHT_SIZE = 0.02
# A change by less than this share of that size leaves a model as it was.
_NO_CHANGE = 0.02
# With fewer logs, a quarter would be a log or two.
MIN_LOGS = 8
# Three standard errors of a mean: one false alarm in several hundred runs.
_CERTAIN = 3.0
# Norms grow by a factor of a few as a model learns, and fall to nothing as its loss does, so a norm is compared with
# the highest one before it and not with the usual one. A model that leaves the plateau of chance makes them ten times
# as large in a few steps; a hundred times is a convention.
_JUMP = 100.0
# Losses that go on falling never are half as large again as at first, nor gradients of a loss that stays up a hundredth
# of the first ones: both are conventions far outside of what noise does.
_FAR, _VANISHED = 0.5, 0.01
# A training loss below this share of the first one: of two labels, a probability of 98.6% of the true one.
_NOTHING_LEFT = 0.02
NON_FINITE = ("non_finite_examples", "non_finite_windows")
"""Scores that count the examples and windows whose losses or logits are not finite."""


def rises(lowest: float, value: float) -> bool:
    """Return whether a loss is above its lowest value by a tenth of it and by 0.05 nats: a probability 5% lower of the
    true label.
    """
    return value - lowest >= max(0.1 * lowest, 0.05)


def training_rises(report: RunReport) -> bool:
    """Return whether the training loss ends above an earlier level, stays above its first value, or was half as large
    again for a quarter of the run.

    All by three standard errors of the logs and by a tenth, which the logs of a converged loss scatter by.
    """
    values = curve(report.history, "loss")
    if len(values) < MIN_LOGS or len({log.get("phase") for log in report.history}) > 1:
        return False
    means = [float(part.mean()) for part in quarters(values)]
    start, last, noise = float(values[0]), means[-1], _noise(values)
    lowest, rise = min(means[:-1]), max(means) - start
    # A single step does not change the lower median of a quarter.
    typical = max(float(np.quantile(part, 0.5, method="lower")) for part in quarters(values))
    error = _CERTAIN * noise * np.sqrt(2 / (len(values) // 4))
    rose_again = last - lowest > max(error, 0.1 * lowest)
    # The first log is of a single step: its noise is that of a log, not of a mean.
    never_fell = rise > max(_CERTAIN * noise, 0.1 * start) and last > 0.95 * start
    was_far_above = typical - start > max(_CERTAIN * noise, _FAR * start, 0.1)
    return bool(rose_again or never_fell or was_far_above)


def has_collapsed(report: RunReport) -> bool:
    """Return whether the gradients vanished although the training loss did not fall: whatever the input, such a model
    gives the same output.
    """
    norms, losses = curve(report.history, "grad_norm"), curve(report.history, "loss")
    if min(len(norms), len(losses)) < MIN_LOGS or quarters(losses)[-1].mean() < 0.9 * losses[0]:
        return False
    return bool(np.median(norms[len(norms) // 2 :]) < _VANISHED * quarters(norms)[0].max())


def diverges(report: RunReport) -> bool:
    """Return whether the training loss rose, or the model collapsed."""
    return training_rises(report) or has_collapsed(report)


def gradient_jumps(report: RunReport) -> list[int]:
    """Return the places of the logs with a gradient norm, after the first quarter, that is a hundred times all before
    it; none of fewer than eight.
    """
    norms = curve(report.history, "grad_norm")
    if len(norms) < MIN_LOGS:
        return []
    before = np.maximum.accumulate(norms)
    return [place for place in range(max(len(norms) // 4, 2), len(norms)) if norms[place] > _JUMP * before[place - 1]]


def is_unstable(report: RunReport) -> bool:
    """Return whether the training loss rose, gradients exploded or vanished, or a loss or a gradient is not finite."""
    non_finite = any(is_non_finite(log.get(name)) for log in report.history for name in ("loss", "grad_norm"))
    return non_finite or diverges(report) or bool(gradient_jumps(report))


def rate_is_low(report: RunReport) -> bool:
    """Return whether the weights can hardly have changed.

    The learning rates of all steps add up to less than a fiftieth of the size of BERT's weights: with Adam, no weight
    can have changed by more than that.
    """
    bound = cumulative_lr(report)
    return bound is not None and bound < _NO_CHANGE * WEIGHT_SIZE


def validation_rises(report: RunReport) -> bool:
    """Return whether the validation loss was lowest before the last evaluation, and rose from there while the training
    loss did not.

    What came after the lowest one is read as a whole: neither the last evaluation nor one outlier decides.
    """
    _, values = validation_loss(report)
    if len(values) < 2:
        return False
    place = int(values.argmin())
    after = values[place + 1 :]
    if not len(after) or not rises(float(values[place]), float(min(np.median(after), after[-1]))):
        return False
    training = training_curve(report)
    return len(training) < MIN_LOGS or bool(quarters(training)[-1].mean() < quarters(training)[0].mean())


def training_curve(report: RunReport) -> np.ndarray:
    """Return the training losses of the last phase, (logs,)."""
    phase = report.history[-1].get("phase") if report.history else None
    return curve([log for log in report.history if log.get("phase") == phase], "loss")


def is_memorized(report: RunReport) -> bool:
    """Return whether the training loss fell to nothing, so that further steps would not change the weights."""
    losses = training_curve(report)
    if not len(losses):
        return False
    return bool(losses[-max(len(losses) // 4, 1) :].mean() <= _NOTHING_LEFT * (losses[0] if len(losses) > 1 else 0.0))


def optimizer_steps(report: RunReport) -> int | None:
    """Return the steps of all phases; None where they are not known."""
    last: dict[object, float] = {}
    for row in (*report.history, *report.scores):
        step = finite_or_none(row.get("step"))
        if step is not None:
            last[row.get("phase")] = max(step, last.get(row.get("phase"), 0.0))
    return int(sum(last.values())) if last else None


def until_saved(report: RunReport) -> list[ScoreRow]:
    """Return the evaluations of the last phase up to that of the saved weights."""
    rows = last_phase(report)
    return rows[: rows.index(report.result) + 1] if report.result in rows else rows


def is_non_finite_row(row: ScoreRow) -> bool:
    """Return whether a loss is not finite: another score may be undefined. Without a loss, whether any score is not,
    except for correlations.
    """
    losses = [value for key, value in row.items() if key.endswith("loss")]
    others = (value for key, value in row.items() if key not in CORRELATIONS)
    return any(map(is_non_finite, losses or others))


def has_non_finite_result(report: RunReport) -> bool:
    """Return whether losses or logits of the saved weights are NaN or infinite."""
    return is_non_finite_row(report.result) or any(finite_or_none(report.result.get(name)) for name in NON_FINITE)


def has_non_finite(report: RunReport) -> bool:
    """Return whether losses or logits are NaN or infinite."""
    return (
        any(map(is_non_finite_row, report.scores))
        or any(is_non_finite(log.get("loss")) for log in report.history)
        or has_non_finite_result(report)
    )


def longer(report: RunReport, *advice: str) -> list[str]:
    """Return advice to train more, where the losses do not speak against it."""
    if has_non_finite(report):
        return []
    return [] if validation_rises(report) or diverges(report) or is_memorized(report) else list(advice)


def shorter(report: RunReport, *advice: str) -> list[str]:
    """Return advice to train less, where the validation loss rose."""
    return list(advice) if validation_rises(report) else []


def higher_rate(report: RunReport, *advice: str) -> list[str]:
    """Return advice to raise the learning rate, where it was too low to change the weights."""
    return list(advice) if rate_is_low(report) and not is_unstable(report) else []


def lower_rate(report: RunReport, *advice: str) -> list[str]:
    """Return advice to lower the learning rate, where it was not too low to change the weights."""
    return [] if rate_is_low(report) else list(advice)


def usual_rate(report: RunReport, *advice: str) -> list[str]:
    """Return advice to use the usual learning rate, where the training was stable: else a lower one is advised."""
    return [] if is_unstable(report) else list(advice)


def _noise(values: np.ndarray) -> float:
    """Return the standard deviation of a log around its curve, from neighbours.

    From the median of their differences, which a jump does not change: for normal noise it is 0.6745 · √2 of that.
    """
    return float(np.median(np.abs(np.diff(values))) / (0.6745 * np.sqrt(2)))
