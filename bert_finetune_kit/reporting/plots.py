"""What a report shows as pictures: each is drawn from the report alone, and absent where that holds nothing of it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .report import RunReport, Score
from .svg import FIRST, INK, MUTED, SECOND, THIRD, Sketch, printable, sketch

_MOST_LABELS = 20  # in a picture that can be read
_NAMES_FROM = 7  # labels from which on their names do not fit beside each other
_PROBABILITIES = (1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1 - 1e-4, 1 - 1e-5)


@dataclass(frozen=True)
class Plot:
    """A picture for a page."""

    title: str
    svg: str
    caption: str = ""


def plots(report: RunReport) -> tuple[list[Plot], list[Plot]]:
    """Return the pictures of the training, and those of what came out; the ids in them do not clash."""
    curves = (loss_curve, score_curve, learning_rate_curve, gradient_norm_curve)
    drawn = [draw(report) for draw in curves]
    outcome = [*confusion(report), *reliability_diagram(report)]
    for draw in (no_answer_histogram, label_shares):
        outcome += [plot for plot in (draw(report),) if plot is not None]
    return [plot for plot in drawn if plot is not None], outcome


def loss_curve(report: RunReport, name: str = "loss") -> Plot | None:
    """Draw the loss of the training batches beside that of the validation split, by step."""
    training = _points(report, report.history, "loss")
    keys = {"loss": "validation"} if any("loss" in row for row in report.scores) else {}
    keys = keys or {score.key: score.label for score in report.glossary if score.label.startswith("loss")}
    validation = {label: _points(report, report.scores, key) for key, label in keys.items()}
    if len(training[0]) < 2:
        return None
    with sketch(name, "loss of training and validation by step") as one:
        one.axes.plot(*training, color=FIRST, label="training", alpha=0.9)
        for colour, (label, points) in zip((SECOND, THIRD, INK), validation.items(), strict=False):
            one.axes.plot(*points, color=colour, marker="o", markersize=4, label=printable(label))
        _by_step(one)
        one.axes.set_ylabel("loss (nats)" if "mse" not in report.result else "loss")
        one.axes.legend()
    return Plot("Loss", one.svg)


def score_curve(report: RunReport, name: str = "score") -> Plot | None:
    """Draw the first score of the glossary after each evaluation, of each validation split, beside the baselines."""
    first = next((score for score in report.glossary if any(score.key in row for row in report.scores)), None)
    if first is None:
        return None
    metric = first.label.split(" (")[0]
    shown = [score for score in report.glossary if score.label.split(" (")[0] == metric]
    curves = {score: _points(report, report.scores, score.key) for score in shown}
    guesses = {guess: values[first.key] for guess, values in report.baselines.items() if first.key in values}
    values = [value for _, points in curves.values() for value in points] + list(guesses.values())
    if not any(points for points, _ in curves.values()):
        return None
    with sketch(name, f"{metric} after each evaluation") as one:
        for colour, (score, points) in zip((FIRST, SECOND, THIRD), curves.items(), strict=False):
            one.axes.plot(*points, color=colour, marker="o", markersize=4, label=printable(score.label))
            _draw_interval(one, report, score, colour)
        for style, (guess, value) in zip(("--", ":", "-."), guesses.items(), strict=False):
            one.axes.axhline(value, color=INK, linestyle=style, linewidth=1.1, label=f"{guess} guess")
        if min(values) > 0 and max(values) > 5 * min(values):
            one.axes.set_yscale("log")
            _plain_log(one)
        else:
            one.axes.yaxis.set_major_formatter(lambda value, _: _short(value, first.form))
        _by_step(one)
        one.axes.set_ylabel(metric)
        if guesses or len(curves) > 1:
            one.axes.legend()
    title = metric[:1].upper() + metric[1:]
    interval = "The bar is the 95% interval of the weights that were saved." if report.intervals.get(first.key) else ""
    return Plot(f"{title} after each evaluation", one.svg, interval)


def learning_rate_curve(report: RunReport, name: str = "learning-rate") -> Plot | None:
    """Draw the learning rate by step."""
    points = _points(report, report.history, "learning_rate")
    if len(points[0]) < 2:
        return None
    with sketch(name, "learning rate by step") as one:
        one.axes.plot(*points, color=FIRST)
        one.axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        one.axes.set_ylim(bottom=0)
        _by_step(one)
    return Plot("Learning rate", one.svg)


def gradient_norm_curve(report: RunReport, name: str = "gradient-norm") -> Plot | None:
    """Draw the norm of the gradient by step, and where it is clipped."""
    points = _points(report, report.history, "grad_norm")
    if len(points[0]) < 2:
        return None
    clipped = report.settings.get("training", {}).get("max_grad_norm") or 0
    with sketch(name, "norm of the gradient by step") as one:
        one.axes.plot(*points, color=FIRST)
        one.axes.set_ylim(bottom=0)
        if 0 < clipped < 1.5 * max(points[1]):
            one.axes.axhline(clipped, color=INK, linestyle="--", linewidth=1.1, label=f"clipped to {clipped:g}")
            one.axes.legend()
        _by_step(one)
    return Plot("Norm of the gradient", one.svg)


def confusion(report: RunReport, name: str = "confusion") -> list[Plot]:
    """Draw which label is taken for which, of each split; the colour is the share of the true label."""
    from matplotlib.patches import Rectangle

    drawn = []
    for number, (split, one) in enumerate(_splits(report, "confusion")):
        labels = [printable(label, 14) for label in one["by_label"]]
        if not 1 < len(labels) <= _MOST_LABELS:
            continue
        size = 1.2 + 0.42 * max(len(labels), 4)
        with sketch(f"{name}-{number}", f"confusion of labels, {split}", width=max(size + 0.8, 4.2), height=size) as it:
            for row, counts in enumerate(one["confusion"]):
                for column, count in enumerate(counts):
                    share = count / max(sum(counts), 1)
                    box = {"facecolor": FIRST if row == column else SECOND, "alpha": 0.06 + 0.6 * share, "linewidth": 0}
                    it.axes.add_patch(Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, **box))
                    small = {"fontsize": 7} if len(labels) > 10 else {}
                    it.axes.text(column, row, f"{count:,}", ha="center", va="center", **small)
            it.axes.set(xlim=(-0.5, len(labels) - 0.5), ylim=(len(labels) - 0.5, -0.5), aspect="auto")
            turned = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"} if len(labels) >= _NAMES_FROM else {}
            it.axes.set_xticks(range(len(labels)), labels, **turned)
            it.axes.set_yticks(range(len(labels)), labels)
            it.axes.grid(False)
            it.axes.tick_params(length=0)
            it.axes.spines[:].set_visible(False)
            it.axes.set(xlabel="said", ylabel="true")
        caption = "Rows are true labels; the stronger a colour, the larger the share of its row. Blue is right."
        drawn.append(Plot(f"Confusion, {split}", it.svg, caption))
    return drawn


def reliability_diagram(report: RunReport, name: str = "reliability") -> list[Plot]:
    """Draw how many predictions are right beside how sure the model is of them, of each split (Guo et al. 2017)."""
    drawn = []
    for number, (split, found) in enumerate(_splits(report, "reliability")):
        bins = found["reliability"]["bins"]
        total = sum(one["count"] for one in bins)
        with sketch(f"{name}-{number}", f"accuracy by confidence, {split}") as it:
            middles, wide = [(one["low"] + one["high"]) / 2 for one in bins], bins[0]["high"] - bins[0]["low"]
            accuracies = [one["accuracy"] for one in bins]
            it.axes.bar(middles, accuracies, 0.92 * wide, color=FIRST, alpha=0.35, label="share that is right")
            sizes = [8 + 120 * one["count"] / total for one in bins]
            it.axes.scatter([one["confidence"] for one in bins], accuracies, sizes, color=FIRST)
            least = max(0.0, bins[0]["low"] - wide)
            it.axes.plot([least, 1], [least, 1], color=INK, linestyle="--", linewidth=1.1, label="as sure as right")
            it.axes.set(xlim=(least, 1), ylim=(0, 1.03), xlabel="confidence", ylabel="accuracy")
            it.axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
            it.axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
            it.axes.legend(loc="upper left")
        error = found["reliability"]["calibration_error"]
        caption = f"Below the line it is surer than it is right. Dots are as large as their share of the predictions; the expected calibration error is {error:.1%}."  # noqa: E501
        drawn.append(Plot(f"Reliability, {split}", it.svg, caption))
    return drawn


def no_answer_histogram(report: RunReport, name: str = "no-answer") -> Plot | None:
    """Draw the probability of no answer of questions that have one and of those that have none, with the threshold."""
    found = report.details.get("no_answer_histogram")
    if not found:
        return None
    edges = [_log_odds(edge) for edge in found["edges"]]
    with sketch(name, "probability of no answer, by whether there is one") as one:
        for kind, colour in (("answerable", FIRST), ("unanswerable", SECOND)):
            counts = [value / max(sum(found[kind]), 1) for value in found[kind]]
            label = f"{kind} ({sum(found[kind]):,})"
            one.axes.stairs(counts, edges, fill=True, color=colour, alpha=0.3)
            one.axes.stairs(counts, edges, color=colour, linewidth=1.4, label=label)
        threshold = found["threshold"]
        one.axes.axvline(
            _log_odds(threshold), color=INK, linestyle="--", linewidth=1.2, label=f"threshold {threshold:.3g}"
        )
        ticks = [value for value in _PROBABILITIES if edges[0] <= _log_odds(value) <= edges[-1]]
        if len(ticks) >= 3:
            one.axes.set_xticks([_log_odds(value) for value in ticks], [f"{value:g}" for value in ticks])
        else:
            one.axes.xaxis.set_major_formatter(lambda value, _: f"{1 / (1 + math.exp(-value)):.2g}")
        one.axes.set(xlabel="probability of no answer (log-odds)", xlim=(edges[0], edges[-1]))
        one.axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        one.axes.set_ylabel("share of its kind")
        one.figure.legend(loc="outside upper center", ncols=3, handlelength=1.2, columnspacing=1.2)
    caption = "Questions to the right of the threshold go unanswered. The further apart the two heaps, the better."
    return Plot("When it abstains", one.svg, caption)


def label_shares(report: RunReport, name: str = "labels") -> Plot | None:
    """Draw how frequent each label is in each split."""
    keys = [key for key in next(iter(report.data.values()), {}) if key.startswith("label ")]
    if not 1 < len(keys) <= _MOST_LABELS:
        return None
    splits = list(report.data)[:3]
    with sketch(name, "share of each label", height=1.0 + 0.3 * len(keys)) as one:
        thick = 0.8 / len(splits)
        for number, (split, colour) in enumerate(zip(splits, (FIRST, SECOND, THIRD), strict=False)):
            places = [place + (number - (len(splits) - 1) / 2) * thick for place in range(len(keys))]
            shares = [report.data[split].get(key, 0) for key in keys]
            one.axes.barh(places, shares, 0.9 * thick, color=colour, alpha=0.75, label=printable(split))
        one.axes.set_yticks(range(len(keys)), [printable(key.removeprefix("label ")) for key in keys])
        one.axes.invert_yaxis()
        one.axes.grid(False, axis="y")
        one.axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        one.figure.legend(loc="outside lower center", ncols=3)
    return Plot("How frequent the labels are", one.svg)


def weight_change(report: RunReport, name: str = "change") -> Plot | None:
    """Draw how far the weights of each layer moved: the norm of the difference by that before."""
    layers: dict[str, list[dict[str, Any]]] = {}
    for module in report.change.get("modules", ()):
        moved = module.get("moved")
        if isinstance(moved, int | float) and math.isfinite(moved):
            layer = module.get("layer")
            layers.setdefault(f"layer {layer}" if isinstance(layer, int) else str(layer or module["name"]), []).append(
                module
            )
    if not layers:
        return None
    means = [
        _mean([one["moved"] for one in group], [one.get("after") or 0 for one in group]) for group in layers.values()
    ]
    frozen = [not any(one.get("trainable") for one in group) for group in layers.values()]
    with sketch(name, "relative change of the weights by layer", height=0.8 + 0.24 * len(layers)) as one:
        colours = [MUTED if still else FIRST for still in frozen]
        bars = one.axes.barh(range(len(layers)), means, 0.75, color=colours)
        labels = [
            f"{mean:.2%}" if mean else "frozen" if still else "0" for mean, still in zip(means, frozen, strict=True)
        ]
        one.axes.bar_label(bars, labels, padding=3, fontsize=8.5)
        one.axes.set_yticks(range(len(layers)), [printable(layer, 28) for layer in layers])
        one.axes.invert_yaxis()
        one.axes.margins(x=0.15)
        one.axes.grid(False, axis="y")
        one.axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    caption = "Norm of the difference by the norm before; of several modules their mean, weighted by parameters."
    return Plot("How far the weights moved", one.svg, caption)


def _points(report: RunReport, rows: Sequence[dict[str, Any]], key: str) -> tuple[list[float], list[float]]:
    """Return the steps, counted through all phases, and the values of what is finite."""
    found = [(_offset(report, row) + row.get("step", 0), row[key]) for row in rows if _finite(row.get(key))]
    return [step for step, _ in found], [value for _, value in found]


def _offset(report: RunReport, row: dict[str, Any]) -> int:
    """Return the steps of the phases before that of a row."""
    phase, rows = row.get("phase", 1), [*report.history, *report.scores]
    ends = (
        max((one.get("step", 0) for one in rows if one.get("phase", 1) == before), default=0)
        for before in range(1, phase)
    )
    return sum(ends)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _by_step(one: Sketch) -> None:
    one.axes.set_xlabel("step")
    one.axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value == round(value) else "")


def _plain_log(one: Sketch) -> None:
    """Label a logarithmic axis with plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = one.axes.get_ylim()
    one.axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 200 * low else (1,), numticks=12))
    one.axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    one.axes.yaxis.set_minor_formatter(NullFormatter())


def _short(value: float, form: str) -> str:
    """Return a value as its score is written, without zeros at its end: 0.5, 50%."""
    if form.endswith("%"):
        return f"{100 * value:g}%"
    return f"{value:,g}"


def _draw_interval(one: Sketch, report: RunReport, score: Score, colour: str) -> None:
    """Draw the interval of the weights that were saved where their score is."""
    interval, points = report.intervals.get(score.key), _points(report, [report.result], score.key)
    if interval and points[0] and all(_finite(end) for end in interval):
        (step,), (value,) = points
        ends = [[max(value - interval[0], 0)], [max(interval[1] - value, 0)]]
        one.axes.errorbar([step], [value], yerr=ends, color=colour, capsize=4, linewidth=1.2)


def _splits(report: RunReport, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the details of each split that has some of a kind."""
    for split, one in report.details.items():
        if isinstance(one, dict) and one.get(key):
            yield split, one


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(inside / (1 - inside))


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    total = sum(weights)
    return (
        sum(value * weight for value, weight in zip(values, weights, strict=True)) / total
        if total
        else sum(values) / len(values)
    )
