"""Plots of an outcome: confusion, reliability, abstention, label frequencies, change of the weights."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .details import ClassificationDetails, classification_details, question_answering_details
from .numbers import is_finite_number
from .records import ModuleChange
from .schema import RunReport
from .svg import FIRST, INK, MUTED, SECOND, THIRD, Plot, printable, sketch

if TYPE_CHECKING:
    from matplotlib.axis import Axis

_MOST_LABELS = 20  # of a readable plot
_MOST_HORIZONTAL = 6  # labels whose names fit side by side
_PROBABILITIES = (1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1 - 1e-4, 1 - 1e-5)


def confusion_matrices(report: RunReport, name: str = "confusion") -> list[Plot]:
    """Draw the confusion matrix of each split; the colour of a cell is its share of the true label."""
    drawn = []
    for number, (split, details) in enumerate(classification_details(report.details).items()):
        if 1 < len(details.get("by_label", ())) <= _MOST_LABELS and details.get("confusion"):
            svg = _confusion_matrix(details, f"{name}-{number}", split)
            caption = "Rows are true labels; the colour of a cell is its share of the row. Blue is correct."
            drawn.append(Plot(f"Confusion, {split}", svg, caption))
    return drawn


def _confusion_matrix(details: ClassificationDetails, name: str, split: str) -> str:
    from matplotlib.patches import Rectangle

    labels = [printable(label, 14) for label in details["by_label"]]
    size = 1.2 + 0.42 * max(len(labels), 4)
    with sketch(name, f"confusion matrix, {split}", width=max(size + 0.8, 4.2), height=size) as figure:
        font: dict[str, Any] = {"fontsize": 7} if len(labels) > 10 else {}
        for row, counts in enumerate(details["confusion"]):
            for column, count in enumerate(counts):
                alpha = 0.06 + 0.6 * count / max(sum(counts), 1)
                colour = FIRST if row == column else SECOND
                corner = (column - 0.48, row - 0.48)
                figure.axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=colour, alpha=alpha, linewidth=0))
                figure.axes.text(column, row, f"{count:,}", ha="center", va="center", **font)
        figure.axes.set(xlim=(-0.5, len(labels) - 0.5), ylim=(len(labels) - 0.5, -0.5), aspect="auto")
        rotated = len(labels) > _MOST_HORIZONTAL
        rotation: dict[str, Any] = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"} if rotated else {}
        figure.axes.set_xticks(range(len(labels)), labels, **rotation)
        figure.axes.set_yticks(range(len(labels)), labels)
        figure.axes.grid(False)
        figure.axes.tick_params(length=0)
        figure.axes.spines[:].set_visible(False)
        figure.axes.set(xlabel="predicted", ylabel="true")
    return figure.svg


def reliability_diagrams(report: RunReport, name: str = "reliability") -> list[Plot]:
    """Draw the accuracy by confidence of each split (Guo et al. 2017)."""
    drawn = []
    for number, (split, details) in enumerate(classification_details(report.details).items()):
        if not details.get("reliability"):
            continue
        bins, error = details["reliability"]["bins"], details["reliability"]["calibration_error"]
        total = sum(group["count"] for group in bins)
        with sketch(f"{name}-{number}", f"accuracy by confidence, {split}") as figure:
            middles, width = [(group["low"] + group["high"]) / 2 for group in bins], bins[0]["high"] - bins[0]["low"]
            accuracies = [group["accuracy"] for group in bins]
            figure.axes.bar(middles, accuracies, 0.92 * width, color=FIRST, alpha=0.35, label="accuracy")
            sizes = [8 + 120 * group["count"] / total for group in bins]
            figure.axes.scatter([group["confidence"] for group in bins], accuracies, sizes, color=FIRST)
            low = max(0.0, bins[0]["low"] - width)
            line: dict[str, Any] = {"color": INK, "linestyle": "--", "linewidth": 1.1, "label": "perfect calibration"}
            figure.axes.plot([low, 1], [low, 1], **line)
            figure.axes.set(xlim=(low, 1), ylim=(0, 1.03), xlabel="confidence", ylabel="accuracy")
            _percent_axis(figure.axes.xaxis)
            _percent_axis(figure.axes.yaxis)
            figure.axes.legend(loc="upper left")
        caption = (
            "Below the line the model is over-confident. The size of a dot is its share of the predictions; the "
            f"expected calibration error is {error:.1%}."
        )
        drawn.append(Plot(f"Reliability, {split}", figure.svg, caption))
    return drawn


def no_answer_histogram(report: RunReport, name: str = "no-answer") -> Plot | None:
    """Draw the probability of no answer of answerable and of unanswerable questions, with the threshold."""
    histogram = question_answering_details(report.details).get("no_answer_histogram")
    if not histogram:
        return None
    edges = [_log_odds(edge) for edge in histogram["edges"]]
    with sketch(name, "probability of no answer of answerable and unanswerable questions") as figure:
        for kind, counts, colour in (
            ("answerable", histogram["answerable"], FIRST), ("unanswerable", histogram["unanswerable"], SECOND),
        ):  # fmt: skip
            shares = [count / max(sum(counts), 1) for count in counts]
            figure.axes.stairs(shares, edges, fill=True, color=colour, alpha=0.3)
            figure.axes.stairs(shares, edges, color=colour, linewidth=1.4, label=f"{kind} ({sum(counts):,})")
        threshold = histogram["threshold"]
        line: dict[str, Any] = {
            "color": INK,
            "linestyle": "--",
            "linewidth": 1.2,
            "label": f"threshold {threshold:.3g}",
        }
        figure.axes.axvline(_log_odds(threshold), **line)
        ticks = [value for value in _PROBABILITIES if edges[0] <= _log_odds(value) <= edges[-1]]
        if len(ticks) >= 3:
            figure.axes.set_xticks([_log_odds(value) for value in ticks], [f"{value:g}" for value in ticks])
        else:
            figure.axes.xaxis.set_major_formatter(lambda value, _: f"{1 / (1 + math.exp(-value)):.2g}")
        figure.axes.set(xlabel="probability of no answer (log-odds)", xlim=(edges[0], edges[-1]))
        _percent_axis(figure.axes.yaxis)
        figure.axes.set_ylabel("share of the questions")
        figure.figure.legend(loc="outside upper center", ncols=3, handlelength=1.2, columnspacing=1.2)
    caption = "The model abstains to the right of the threshold. The less the two distributions overlap, the better."
    return Plot("Probability of no answer", figure.svg, caption)


def label_shares(report: RunReport, name: str = "labels") -> Plot | None:
    """Draw the share of each label in each split."""
    shares = {split: values["label_shares"] for split, values in report.data.items() if "label_shares" in values}
    columns = {split: column for split, column in list(shares.items())[:3] if isinstance(column, dict)}
    labels = list(next(iter(columns.values()), {}))
    if not 1 < len(labels) <= _MOST_LABELS:
        return None
    with sketch(name, "share of each label", height=1.0 + 0.3 * len(labels)) as figure:
        thickness = 0.8 / len(columns)
        for number, ((split, column), colour) in enumerate(zip(columns.items(), (FIRST, SECOND, THIRD), strict=False)):
            places = [place + (number - (len(columns) - 1) / 2) * thickness for place in range(len(labels))]
            widths = [column.get(label, 0) for label in labels]
            figure.axes.barh(places, widths, 0.9 * thickness, color=colour, alpha=0.75, label=printable(split))
        figure.axes.set_yticks(range(len(labels)), [printable(label) for label in labels])
        figure.axes.invert_yaxis()
        figure.axes.grid(False, axis="y")
        figure.axes.set_xlabel("share of the examples")
        _percent_axis(figure.axes.xaxis)
        figure.figure.legend(loc="outside lower center", ncols=3)
    return Plot("Label frequencies", figure.svg)


def weight_change(report: RunReport, name: str = "change") -> Plot | None:
    """Draw the relative change of the weights by layer."""
    layers = _changes_by_layer(report.change.get("modules", []))
    if not layers:
        return None
    with sketch(name, "relative change of the weights by layer", height=0.8 + 0.24 * len(layers)) as figure:
        means = [_mean_change(group) for group in layers.values()]
        frozen = [not any(module.get("trainable") for module in group) for group in layers.values()]
        bars = figure.axes.barh(range(len(layers)), means, 0.75, color=[MUTED if fixed else FIRST for fixed in frozen])
        labels = [
            f"{mean:.2%}" if mean else "frozen" if fixed else "0" for mean, fixed in zip(means, frozen, strict=True)
        ]
        figure.axes.bar_label(bars, labels, padding=3, fontsize=8.5)
        figure.axes.set_yticks(range(len(layers)), [printable(layer, 28) for layer in layers])
        figure.axes.invert_yaxis()
        figure.axes.margins(x=0.15)
        figure.axes.grid(False, axis="y")
        figure.axes.set_xlabel("relative change")
        figure.axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    caption = "‖saved - initial‖ / ‖initial‖; of several modules the mean, weighted by their parameters."
    return Plot("Change of the weights", figure.svg, caption)


def _changes_by_layer(changes: Sequence[ModuleChange]) -> dict[str, list[ModuleChange]]:
    """Return the modules with a finite change by their layer, and those outside of the layers by their name."""
    layers: dict[str, list[ModuleChange]] = {}
    for module in changes:
        if is_finite_number(module.get("relative_change")):
            layer = module.get("layer")
            name = module["name"] if layer is None else f"layer {layer}"
            layers.setdefault(name, []).append(module)
    return layers


def _mean_change(group: Sequence[ModuleChange]) -> float:
    """Return the mean of the relative changes, weighted by the parameters."""
    changes = [module["relative_change"] or 0.0 for module in group]
    weights = [module.get("after") or 0 for module in group]
    if not sum(weights):
        return sum(changes) / len(changes)
    return sum(change * weight for change, weight in zip(changes, weights, strict=True)) / sum(weights)


def _percent_axis(axis: "Axis") -> None:
    axis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(inside / (1 - inside))
