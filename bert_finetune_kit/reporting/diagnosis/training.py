"""Rules on the course of a training: losses, gradients and learning rate. Each is a function of the report alone."""

from collections.abc import Sequence

import numpy as np

from ..direction import lower_is_better
from ..numbers import finite_or_none, is_finite_number, is_non_finite
from ..schema import Finding, RunReport, ScoreRow
from .course import (
    MIN_LOGS,
    NON_FINITE,
    WEIGHT_SIZE,
    diverges,
    gradient_jumps,
    has_collapsed,
    is_non_finite_row,
    is_unstable,
    longer,
    lower_rate,
    rate_is_low,
    rises,
    shorter,
    training_curve,
    until_saved,
    validation_rises,
)
from .view import (
    cumulative_lr,
    curve,
    is_table,
    moment,
    peak_lr,
    quarters,
    setting,
    too_few,
    validation_examples,
    validation_loss,
)

# From here on BERT is usually fine-tuned (Devlin et al. 2019, appendix A.3): what did not change had too few steps.
_USUAL_RATE = 2e-5
# A training loss below this share of the validation loss leaves little to learn from the training examples: what
# separates the losses is memory. A convention.
_MEMORIZED = 0.5


def loss_not_finite(report: RunReport) -> Finding | None:
    """Losses or logits are NaN or infinite."""
    rows = [row for row in report.scores if is_non_finite_row(row)]
    logs = [log for log in report.history if is_non_finite(log.get("loss"))]
    counts = {name: int(finite_or_none(report.result.get(name)) or 0) for name in NON_FINITE}
    # The evaluation of the saved weights may be one of those above, or one of its own.
    is_apart = is_non_finite_row(report.result) and moment(report.result) not in map(moment, rows)
    if not (rows or logs or is_apart or sum(counts.values())):
        return None
    parts = [f"{count:,} evaluation {name.removeprefix('non_finite_')}" for name, count in counts.items() if count]
    parts += [f"the {_non_finite_names(report, report.result)} of the saved weights"] * is_apart
    if rows:
        first = f"{_non_finite_names(report, rows[0])} {when}" if (when := moment(rows[0])) else ""
        parts.append(f"{len(rows)} of {len(report.scores)} evaluations" + f" (first {first})" * bool(first))
    if logs:
        first = moment(logs[0])
        parts.append(f"{len(logs)} of {len(report.history)} training logs" + f" (first {first})" * bool(first))
    return Finding(
        "LOSS_NOT_FINITE", "error", f"NaN or infinite: {', '.join(parts)}.",
        {**counts, "evaluations": len(rows) + is_apart, "logs": len(logs)},
        ["the learning rate is too high", "fp16 overflows", "the initial checkpoint has weights that are not finite"],
        [*lower_rate(report, "Lower the learning rate to a third."), "Train in bf16 or fp32 instead of fp16.",
         "Check the weights of the initial checkpoint."],
    )  # fmt: skip


def _non_finite_names(report: RunReport, row: ScoreRow) -> str:
    """Return which losses of an evaluation are not finite, or which scores where no loss is."""
    labels = {score.key: score.label for score in report.glossary}
    keys = [key for key, value in row.items() if is_non_finite(value)]
    losses = [key for key in keys if key.endswith("loss")]
    return " and ".join(labels.get(key, key.replace("_", " ")) for key in losses or keys)


def gradients_explode(report: RunReport) -> Finding | None:
    """After the first quarter of the run, a gradient norm is a hundred times all before it, or it is not finite."""
    logs = [log for log in report.history if is_finite_number(log.get("grad_norm"))]
    norms, jumps = curve(logs, "grad_norm"), gradient_jumps(report)
    without_norm = [log for log in report.history if is_non_finite(log.get("grad_norm"))]
    non_finite = len(without_norm)
    if not non_finite and not jumps:
        return None
    highest, median, step = 0.0, float(np.median(norms)) if len(norms) else 0.0, 0
    evidence = f"{non_finite} of {len(report.history)} logs have a gradient norm that is not finite"
    evidence += f", the first {moment(without_norm[0])}." if without_norm else "."
    if jumps:
        highest, step = float(norms[jumps[0]]), int(logs[jumps[0]]["step"])
        before = float(norms[: jumps[0]].max())
        jump = f"The gradient norm is {highest:,.3g} at step {step:,}; before, it is at most {before:,.3g}."
        evidence = f"{jump} {evidence}" if non_finite else jump
    return Finding(
        "GRADIENTS_EXPLODE", "warning", evidence,
        {"highest": highest, "median": median, "step": step, "not_finite": non_finite},
        ["the learning rate is too high", "there is no warmup", "some examples are corrupt",
         "class weights are extreme"],
        [*lower_rate(report, "Lower the learning rate, and warm up over 10% of the steps."),
         "Keep max_grad_norm=1.0.", "Inspect the examples of that step."],
    )  # fmt: skip


def learning_rate_too_high(report: RunReport) -> Finding | None:
    """The training loss ends above an earlier level, stays above its first value, or was half as large again for a
    quarter of the run; or it did not fall, and the gradients vanished.

    All by three standard errors of the logs and by a tenth, which the logs of a converged loss scatter by.
    """
    collapsed = has_collapsed(report)
    if not diverges(report) or rate_is_low(report):
        return None
    values = curve(report.history, "loss")
    start, means, peak = float(values[0]), [float(part.mean()) for part in quarters(values)], peak_lr(report)
    norm = float(np.median(curve(report.history, "grad_norm")[-len(values) // 2 :])) if collapsed else None
    vanished = "" if norm is None else f" The gradients vanished: their norm is {norm:.2g} in the second half."
    return Finding(
        "LEARNING_RATE_TOO_HIGH", "error",
        f"The training loss is {start:.3f} at first; its means over the quarters of the run are "
        f"{', '.join(f'{mean:.3f}' for mean in means)}, at a peak learning rate of {peak:.1e}.{vanished}",
        {"start": start, "quarters": means, "learning_rate": peak, "norm": norm},
        ["the learning rate is too high", "there is no warmup", "the batch is too small for this learning rate"],
        [f"Lower the learning rate to {peak / 5:.0e}.", "Warm up over 10% of the steps (warmup_steps=0.1).",
         "Increase the effective batch size by gradient_accumulation_steps."],
    )  # fmt: skip


def learning_rate_too_low(report: RunReport) -> Finding | None:
    """The weights can hardly have changed, and the training loss did not fall.

    The learning rates of all steps add up to less than a fiftieth of the size of BERT's weights: with Adam, no weight
    can have changed by more than that.
    """
    bound, values = cumulative_lr(report), curve(report.history, "loss")
    if bound is None or len(values) < 2 or not rate_is_low(report) or is_unstable(report):
        return None
    half = len(values) // 2
    before, after = float(values[:half].mean()), float(values[half:].mean())
    if after < 0.9 * before:  # weights that were trained before may need no more
        return None
    peak, steps = peak_lr(report), report.history[-1]["step"]
    causes = ["the learning rate is too low", "there are too few steps", "most steps are warmup"]
    rate = [
        "Raise the learning rate: 5e-5 suits BERT-base, 1e-4 a model of half its width and pretraining, 1e-3 small "
        "models from scratch."
    ]
    steps_advice = [*longer(report, "Train for more steps."), "Shorten the warmup."]
    return Finding(
        "LEARNING_RATE_TOO_LOW", "warning",
        f"At a peak learning rate of {peak:.1e} over {steps:,} steps, no weight can change by more than {bound:.1e}, "
        f"{bound / WEIGHT_SIZE:.1%} of the usual size of a weight; training loss: {before:.3f} → {after:.3f}.",
        {"cumulative_lr": bound, "learning_rate": peak, "steps": steps, "loss_before": before, "loss_after": after},
        causes if peak < _USUAL_RATE else causes[1:] + causes[:1],
        rate + steps_advice if peak < _USUAL_RATE else steps_advice + rate,
    )  # fmt: skip


def still_improving(report: RunReport) -> Finding | None:
    """The last evaluation has the lowest validation loss, by half the mean decrease or more, and the training loss is
    not far below it.
    """
    key, values = validation_loss(report)
    if len(values) < 3 or too_few(validation_examples(report)) or values.argmin() < len(values) - 1:
        return None
    decrease, last = float(values[0] - values[-1]), float(values[-2] - values[-1])
    mean = decrease / (len(values) - 1)
    if decrease < 0.02 * values[0] or last < 0.5 * mean or diverges(report):
        return None
    training = training_curve(report)
    if len(training) >= MIN_LOGS and quarters(training)[-1].mean() < _MEMORIZED * values[-1]:
        return None
    return Finding(
        "STILL_IMPROVING", "note",
        f"The last evaluation lowered the validation loss from {values[-2]:.4f} to {values[-1]:.4f}; the mean decrease "
        f"over {len(values)} evaluations is {mean:.4f}.",
        {"score": key, "last_fall": last, "mean_fall": mean},
        ["the training ended before it converged"],
        ["Train for more epochs: with resume=True (--resume) this run goes on from its last checkpoint."],
    )  # fmt: skip


def overfitting(report: RunReport) -> Finding | None:
    """The validation loss rose again while the training loss fell.

    A rise counts from a tenth of the lowest loss and 0.05 nats on: a probability 5% lower of the true label. Where the
    saved weights score better nevertheless, the rise is over-confidence and not forgetting, and no finding.
    """
    if not validation_rises(report) or too_few(validation_examples(report)):
        return None
    key, _ = validation_loss(report)
    saved, before = finite_or_none(report.result.get(key)), until_saved(report)
    values = curve(before, key)
    if saved is None or len(values) < 2 or not rises(float(values.min()), saved):
        return None
    if _scores_better(report, before, key):
        return None
    lowest = float(values.min())
    place, row = next((n, row) for n, row in enumerate(before, 1) if finite_or_none(row.get(key)) == lowest)
    epoch = finite_or_none(row.get("epoch"))
    moment = f"evaluation {place}" if epoch is None else f"epoch {round(epoch, 2):g}"
    of_saved = "in the last evaluation it" if is_table(report) else "that of the saved weights"
    return Finding(
        "OVERFITTING", "warning",
        f"The validation loss is lowest after {moment} ({lowest:.4f}); {of_saved} is {saved:.4f}.",
        {"lowest": lowest, "saved": saved, "epoch": epoch},
        ["too many epochs for so little data", "the learning rate is too high", "too little dropout or weight decay"],
        [f"Keep the {'weights of that evaluation' if is_table(report) else 'best checkpoint'}: "
         "load_best_model_at_end=True.",
         *shorter(report, "Train for fewer epochs, or stop early."), "Add data."],
    )  # fmt: skip


def _scores_better(report: RunReport, rows: Sequence[ScoreRow], loss: str) -> bool:
    """Return whether the saved weights beat those of the lowest loss by the metric of the best checkpoint."""
    default = report.glossary[0].key if report.glossary else loss
    metric = str(setting(report, "metric_for_best_model") or default).removeprefix("eval_")
    if metric in (loss, "loss", "perplexity"):
        return False
    finite = [row for row in rows if is_finite_number(row.get(loss))]
    lowest = min(finite, key=lambda row: float(row[loss]))
    saved, best = finite_or_none(report.result.get(metric)), finite_or_none(lowest.get(metric))
    if saved is None or best is None:
        return False
    lower = lower_is_better(report, metric)
    return lower is not None and (saved < best if lower else saved > best)


RULES = (
    loss_not_finite, gradients_explode, learning_rate_too_high, learning_rate_too_low, still_improving, overfitting,
)  # fmt: skip
