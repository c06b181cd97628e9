"""Rules on how a training went: losses, gradients and learning rate. Each is a function of the report alone."""

from typing import Any

import numpy as np

from ..report import Finding, RunReport
from .view import broken, curve, losses, number, quarters, reach, setting

# Weights of BERT are drawn with this standard deviation (Devlin et al. 2019), and stay of that size.
_WEIGHT_SIZE = 0.02
# A share of that size which, moved at most, leaves a model as it was.
_STANDING_STILL = 0.02
# From here on BERT is usually fine-tuned (Devlin et al. 2019, appendix A.3): what did not move had too few steps.
_USUAL_RATE = 2e-5
# Fewer logs than this are no curve: a quarter would be a log or two.
_CURVE = 8
# In units of the noise of a mean: three standard errors, one false alarm in several hundred runs.
_SURE = 3.0
# Norms grow by a factor of a few as a model learns, and shrink to nothing as its loss does: so one is held against the
# highest before it, not against the usual one. A model that leaves the plateau of guessing makes them ten times as
# large in a few steps; a hundred times is a convention.
_JUMP = 100.0


def loss_not_finite(report: RunReport) -> Finding | None:
    """Losses or logits are NaN or infinite."""
    rows = sum(any(broken(value) for value in row.values()) for row in report.scores)
    logs = sum(broken(log.get("loss")) for log in report.history)
    parts = {name: int(number(report.result.get(name)) or 0) for name in ("non_finite_examples", "non_finite_windows")}
    if not rows + logs + sum(parts.values()):
        return None
    told = [f"{count:,} {name.removeprefix('non_finite_')} of the evaluation" for name, count in parts.items() if count]
    told += [f"{rows} of {len(report.scores)} evaluations"] * bool(rows)
    told += [f"{logs} of {len(report.history)} logs of the training"] * bool(logs)
    return Finding(
        "LOSS_NOT_FINITE", "error", f"Not a number or infinite: {', '.join(told)}.",
        {**parts, "evaluations": rows, "logs": logs},
        ["the learning rate is too high", "fp16 overflows", "a weight of the checkpoint is broken"],
        ["Lower the learning rate to a third.", "Train in bf16 or fp32 instead of fp16.",
         "Check the checkpoint that was started from."],
    )  # fmt: skip


def gradients_explode(report: RunReport) -> Finding | None:
    """After the first quarter of the run a gradient norm is a hundred times all before it, or it is not finite."""
    logs = [log for log in report.history if number(log.get("grad_norm")) is not None]
    norms, infinite = curve(logs, "grad_norm"), sum(broken(log.get("grad_norm")) for log in report.history)
    before = np.maximum.accumulate(norms) if len(norms) else norms
    jumps = [place for place in range(max(len(norms) // 4, 2), len(norms)) if norms[place] > _JUMP * before[place - 1]]
    if not infinite and (not jumps or len(norms) < _CURVE):
        return None
    highest, usual, step = 0.0, float(np.median(norms)) if len(norms) else 0.0, 0
    told = f"{infinite} of {len(report.history)} logs have a gradient norm that is not finite."
    if jumps:
        highest, step = float(norms[jumps[0]]), int(logs[jumps[0]]["step"])
        told = (
            f"The gradient norm was {highest:,.3g} at step {step:,}, and at most {before[jumps[0] - 1]:,.3g} until "
            "then." + (f" {told}" if infinite else "")
        )
    return Finding(
        "GRADIENTS_EXPLODE", "warning", told,
        {"highest": highest, "median": usual, "step": step, "not_finite": infinite},
        ["the learning rate is too high", "there is no warm-up", "single examples are broken",
         "class weights are extreme"],
        ["Lower the learning rate, and warm up over a tenth of the steps.", "Keep max_grad_norm=1.0.",
         "Look at the examples of that step."],
    )  # fmt: skip


def learning_rate_too_high(report: RunReport) -> Finding | None:
    """The training loss ended above where it had been, or rose above its start and never came below it again.

    Both by three standard errors of the logs and by a tenth, which the logs of a loss at its floor scatter by.
    """
    values = curve(report.history, "loss")
    if len(values) < _CURVE or len({log.get("phase") for log in report.history}) > 1:
        return None
    means = [float(part.mean()) for part in quarters(values)]
    start, last, noise = float(values[0]), means[-1], _noise(values)
    lowest, highest = min(means[:-1]), max(means)
    error = _SURE * noise * np.sqrt(2 / (len(values) // 4))
    rose_again = last - lowest > max(error, 0.1 * lowest)
    # The first log is of a single step, whose noise is that of a log and not of a mean.
    never_fell = highest - start > max(_SURE * noise, 0.1 * start) and last > 0.95 * start
    if not rose_again and not never_fell:
        return None
    peak = max((number(log.get("learning_rate")) or 0.0) for log in report.history)
    return Finding(
        "LEARNING_RATE_TOO_HIGH", "error",
        f"The training loss started at {start:.3f}; its means over quarters of the run are "
        f"{', '.join(f'{mean:.3f}' for mean in means)}, at a learning rate of up to {peak:.1e}.",
        {"start": start, "quarters": means, "learning_rate": peak},
        ["the learning rate is too high", "there is no warm-up", "the batch is too small for this learning rate"],
        [f"Lower the learning rate to {peak / 5:.0e}.", "Warm up over a tenth of the steps (warmup_steps=0.1).",
         "Enlarge the effective batch by gradient_accumulation_steps."],
    )  # fmt: skip


def learning_rate_too_low(report: RunReport) -> Finding | None:
    """The weights can hardly have moved, and the training loss did not fall.

    The learning rates of all steps sum up to less than a fiftieth of the size of BERT's weights: by Adam's steps no
    weight can have changed by more than that.
    """
    furthest, values = reach(report), curve(report.history, "loss")
    if furthest is None or len(values) < 2 or furthest >= _STANDING_STILL * _WEIGHT_SIZE:
        return None
    half = len(values) // 2
    before, after = float(values[:half].mean()), float(values[half:].mean())
    if after < 0.9 * before:  # weights that were trained before may need no more
        return None
    peak = max((number(log.get("learning_rate")) or 0.0) for log in report.history)
    steps = report.history[-1]["step"]
    causes = ["the learning rate is too low", "there are too few steps", "most steps are warm-up"]
    advice = ["Use 2e-5 to 5e-5 to fine-tune, 1e-4 to pretrain, 1e-3 for small models with fresh weights.",
              "Train for more steps.", "Shorten the warm-up."]  # fmt: skip
    return Finding(
        "LEARNING_RATE_TOO_LOW", "warning",
        f"At a learning rate of up to {peak:.1e} over {steps:,} steps no weight can move by more than {furthest:.1e}, "
        f"{furthest / _WEIGHT_SIZE:.1%} of the usual size of a weight; the training loss went from {before:.3f} to "
        f"{after:.3f}.",
        {"reach": furthest, "learning_rate": peak, "steps": steps, "loss_before": before, "loss_after": after},
        causes if peak < _USUAL_RATE else causes[1:] + causes[:1],
        advice if peak < _USUAL_RATE else advice[1:] + advice[:1],
    )  # fmt: skip


def still_improving(report: RunReport) -> Finding | None:
    """The validation loss still fell at the end, at half its mean pace or more."""
    name, values = losses(report)
    if len(values) < 3:
        return None
    fall, last = float(values[0] - values[-1]), float(values[-2] - values[-1])
    if fall < 0.02 * values[0] or last < 0.5 * fall / (len(values) - 1):
        return None
    return Finding(
        "STILL_IMPROVING", "note",
        f"The last evaluation lowered the validation loss from {values[-2]:.4f} to {values[-1]:.4f}; over all "
        f"{len(values)} it fell by {fall / (len(values) - 1):.4f} each on average.",
        {"score": name, "last_fall": last, "mean_fall": fall / (len(values) - 1)},
        ["the training ended before the model had learnt what it can"],
        ["Train for more epochs.", "Raise the learning rate a little."],
    )  # fmt: skip


def overfitting(report: RunReport) -> Finding | None:
    """The validation loss rose again while the training loss went on falling.

    A rise counts from a tenth of the lowest loss and 0.05 nats on: a probability 5% lower for what is true. Where the
    saved weights score better for all that, the rise is over-confidence and not forgetting, and no finding.
    """
    name, _ = losses(report)
    trained = curve(report.history, "loss")
    if len(trained) >= _CURVE and quarters(trained)[-1].mean() >= quarters(trained)[0].mean():
        return None
    saved, before = number(report.result.get(name)), _until_saved(report)
    values = curve(before, name)
    if saved is None or len(values) < 2:
        return None
    lowest = float(values.min())
    if saved - lowest < max(0.1 * lowest, 0.05) or _scores_better(report, before, name):
        return None
    row = next(row for row in before if number(row.get(name)) == lowest)
    return Finding(
        "OVERFITTING", "warning",
        f"The validation loss was lowest after epoch {round(row.get('epoch') or 0, 2):g} ({lowest:.4f}); that "
        f"of the saved weights is {saved:.4f}.",
        {"lowest": lowest, "saved": saved, "epoch": row.get("epoch")},
        ["too many epochs for so little text", "the learning rate is too high", "too little dropout or weight decay"],
        ["Keep the best checkpoint: load_best_model_at_end=True.", "Train for fewer epochs, or stop early.",
         "Add data."],
    )  # fmt: skip


def _until_saved(report: RunReport) -> list[dict[str, Any]]:
    """Return the evaluations of the last phase up to that of the saved weights."""
    rows = [row for row in report.scores if row.get("phase") == report.scores[-1].get("phase")]
    return rows[: rows.index(report.result) + 1] if report.result in rows else rows


def _scores_better(report: RunReport, rows: list[dict[str, Any]], loss: str) -> bool:
    """Return whether the saved weights beat those of the lowest loss by the score that the best are chosen by."""
    chosen = setting(report, "metric_for_best_model") or (report.glossary[0].key if report.glossary else loss)
    chosen = chosen.removeprefix("eval_")
    if chosen in (loss, "loss", "perplexity"):
        return False
    least = min((row for row in rows if number(row.get(loss)) is not None), key=lambda row: float(row[loss]))
    ours, theirs = number(report.result.get(chosen)), number(least.get(chosen))
    if ours is None or theirs is None:
        return False
    lower = any(score.key == chosen and score.lower_is_better for score in report.glossary)
    return ours < theirs if lower else ours > theirs


def _noise(values: np.ndarray) -> float:
    """Return the standard deviation of a log around its curve, from neighbours.

    From the median of their differences, which a jump does not move: for normal noise it is 0.6745 · √2 of that.
    """
    return float(np.median(np.abs(np.diff(values))) / (0.6745 * np.sqrt(2)))


RULES = (
    loss_not_finite, gradients_explode, learning_rate_too_high, learning_rate_too_low, still_improving, overfitting,
)  # fmt: skip
