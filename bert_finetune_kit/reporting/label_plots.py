"""Plots of labels: confusion, scores by label, label frequencies."""

from collections.abc import Mapping, Sequence
from typing import Any

from .details import ClassificationDetails, classification_details
from .numbers import is_finite_number
from .schema import RunReport
from .svg import FIRST, SECOND, THIRD, Plot, Sketch, legend_above, percent_axis, printable, sketch, squares

_MOST_COUNTS = 30  # labels of a confusion matrix whose counts can be read
_MOST_LABELS = 100  # of a confusion matrix
_MOST_ROWS = 60  # labels of a plot with a row for each
_HALF = 12  # labels of a matrix that has room in half of a page
_MOST_HORIZONTAL = 6  # labels whose names fit side by side
_SHADES = 8  # of a matrix without counts


def confusion_matrices(report: RunReport, name: str = "confusion") -> list[Plot]:
    """Draw the confusion matrix of each split; the colour of a cell is its share of the true label."""
    drawn = []
    for number, (split, details) in enumerate(classification_details(report.details).items()):
        labels = len(details.get("by_label", ()))
        if 1 < labels <= _MOST_LABELS and details.get("confusion"):
            svg = _confusion_matrix(details, f"{name}-{number}", split)
            caption = "Rows are true labels; the colour of a cell is its share of the row. Blue is correct."
            drawn.append(Plot(f"Confusion, {split}", svg, caption, is_wide=labels > _HALF))
    return drawn


def _confusion_matrix(details: ClassificationDetails, name: str, split: str) -> str:
    labels = [printable(label, 14) for label in details["by_label"]]
    count = len(labels)
    width = max(4.2, 2.0 + 0.42 * count) if count <= _HALF else 9.2
    height = 1.2 + 0.42 * max(count, 4) if count <= _HALF else 1.4 + 7.4 * max(count, 20) / max(count, 25)
    with sketch(name, f"confusion matrix, {split}", width=width, height=height) as figure:
        if count <= _MOST_COUNTS:
            _cells_with_counts(figure, details["confusion"])
        else:
            _cells(figure, details["confusion"])
        figure.axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5), aspect="auto")
        rotation: dict[str, Any] = {"rotation": 90} if count > _MOST_HORIZONTAL else {}
        font: dict[str, Any] = {"fontsize": max(4.5, min(8.5, 260 / count))} if count > _HALF else {}
        figure.axes.set_xticks(range(count), labels, **rotation, **font)
        figure.axes.set_yticks(range(count), labels, **font)
        figure.axes.grid(False)
        figure.axes.tick_params(length=0)
        figure.axes.spines[:].set_visible(False)
        figure.axes.set(xlabel="predicted", ylabel="true")
    return figure.svg


def _cells_with_counts(figure: Sketch, confusion: Sequence[Sequence[int]]) -> None:
    from matplotlib.patches import Rectangle

    many = len(confusion) > _HALF
    font: dict[str, Any] = {"fontsize": 6.5 if many else 7} if len(confusion) > 10 else {}
    for row, counts in enumerate(confusion):
        for column, count in enumerate(counts):
            if many and not count:
                continue
            alpha = 0.06 + 0.6 * count / max(sum(counts), 1)
            colour = FIRST if row == column else SECOND
            corner = (column - 0.48, row - 0.48)
            figure.axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=colour, alpha=alpha, linewidth=0))
            figure.axes.text(column, row, f"{count:,}", ha="center", va="center", **font)


def _cells(figure: Sketch, confusion: Sequence[Sequence[int]]) -> None:
    """Draw the cells in some shades, one element a shade: a matrix of 100 labels has 10,000 cells."""
    for colour, is_correct in ((FIRST, True), (SECOND, False)):
        shades: dict[int, list[tuple[float, float]]] = {}
        for row, counts in enumerate(confusion):
            for column, count in enumerate(counts):
                if count and (row == column) == is_correct:
                    shades.setdefault(-(-_SHADES * count // sum(counts)), []).append((column, row))
        for shade, places in sorted(shades.items()):
            squares(figure, places, 0.96, 0.96, color=colour, alpha=0.1 + 0.8 * shade / _SHADES)


def scores_by_label(report: RunReport, name: str = "by-label") -> list[Plot]:
    """Draw precision, recall and F1 of each label of each split."""
    drawn = []
    for number, (split, details) in enumerate(classification_details(report.details).items()):
        by_label: Mapping[str, Mapping[str, object]] = {**details.get("by_label", {})}
        if not 2 < len(by_label) <= _MOST_ROWS:
            continue
        with sketch(f"{name}-{number}", f"scores by label, {split}", height=1.1 + 0.22 * len(by_label)) as figure:
            for key, colour, marker in (("precision", SECOND, "<"), ("recall", THIRD, ">"), ("f1", FIRST, "o")):
                places = [
                    (value, row)
                    for row, scores in enumerate(by_label.values())
                    if is_finite_number(value := scores.get(key))
                ]
                label = "F1" if key == "f1" else key
                figure.axes.scatter(
                    [value for value, _ in places], [row for _, row in places], 26, color=colour, marker=marker,
                    label=label, alpha=0.85, linewidths=0,
                )  # fmt: skip
            _label_rows(figure, list(by_label))
            figure.axes.set_xlim(-0.02, 1.02)
            percent_axis(figure.axes.xaxis)
            legend_above(figure)
        drawn.append(Plot(f"By label, {split}", figure.svg))
    return drawn


def label_shares(report: RunReport, name: str = "labels") -> Plot | None:
    """Draw the share of each label in each split."""
    shares = {split: values["label_shares"] for split, values in report.data.items() if "label_shares" in values}
    columns = {split: column for split, column in list(shares.items())[:3] if isinstance(column, dict)}
    labels = list(next(iter(columns.values()), {}))
    if not 1 < len(labels) <= _MOST_ROWS:
        return None
    row_height = 0.3 if len(labels) <= _HALF else 0.22
    with sketch(name, "share of each label", height=1.1 + row_height * len(labels)) as figure:
        thickness = 0.8 / len(columns)
        for number, ((split, column), colour) in enumerate(zip(columns.items(), (FIRST, SECOND, THIRD), strict=False)):
            places = [place + (number - (len(columns) - 1) / 2) * thickness for place in range(len(labels))]
            widths = [column.get(label, 0) for label in labels]
            figure.axes.barh(places, widths, 0.9 * thickness, color=colour, alpha=0.75, label=printable(split))
        _label_rows(figure, labels)
        figure.axes.set_xlabel("share of the examples")
        percent_axis(figure.axes.xaxis)
        legend_above(figure)
    return Plot("Label frequencies", figure.svg)


def _label_rows(figure: Sketch, labels: Sequence[str]) -> None:
    font: dict[str, Any] = {"fontsize": 8} if len(labels) > _HALF else {}
    figure.axes.set_yticks(range(len(labels)), [printable(label) for label in labels], **font)
    figure.axes.set_ylim(len(labels) - 0.4, -0.6)
    figure.axes.grid(False, axis="y")
