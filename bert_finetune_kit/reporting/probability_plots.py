"""Plots of predicted probabilities: reliability, and the probability of no answer."""

import math
from collections.abc import Sequence
from typing import Any

from .details import classification_details, question_answering_details
from .schema import RunReport
from .svg import FIRST, INK, SECOND, Plot, legend_above, percent_axis, sketch

_ODDS = (0.5, 0.1, 0.9, 0.01, 0.99, 1e-3, 0.999, 1e-4, 0.9999, 1e-5, 0.99999)  # the most useful ticks first
_CLOSEST = 0.13  # of two ticks, as a share of the axis
_FEWEST = 3  # ticks
_MOST_SHORT = 12  # bins whose counts fit side by side


def reliability_diagrams(report: RunReport, name: str = "reliability") -> list[Plot]:
    """Draw the accuracy by confidence of each split (Guo et al. 2017), with the number of predictions of each bin."""
    drawn = []
    for number, (split, details) in enumerate(classification_details(report.details).items()):
        if not details.get("reliability"):
            continue
        bins, error = details["reliability"]["bins"], details["reliability"]["calibration_error"]
        with sketch(f"{name}-{number}", f"accuracy by confidence, {split}", height=3.0) as figure:
            middles, width = [(group["low"] + group["high"]) / 2 for group in bins], bins[0]["high"] - bins[0]["low"]
            accuracies = [group["accuracy"] for group in bins]
            figure.axes.bar(middles, accuracies, 0.92 * width, color=FIRST, alpha=0.35, label="accuracy")
            low = max(0.0, bins[0]["low"] - width)
            line: dict[str, Any] = {"color": INK, "linestyle": "--", "linewidth": 1.1, "label": "perfect calibration"}
            figure.axes.plot([low, 1], [low, 1], **line)
            confidences = [group["confidence"] for group in bins]
            figure.axes.scatter(confidences, accuracies, 22, color=FIRST, zorder=3)
            font = 8.5 if (1 - low) / width <= _MOST_SHORT else 6.5
            for middle, group in zip(middles, bins, strict=True):
                figure.axes.text(middle, 1.035, f"{group['count']:,}", ha="center", va="bottom", fontsize=font)
            figure.axes.set(xlim=(low, 1), ylim=(0, 1.12), xlabel="confidence", ylabel="accuracy")
            figure.axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
            percent_axis(figure.axes.xaxis)
            percent_axis(figure.axes.yaxis)
            legend_above(figure)
        caption = (
            "Where bars end below the line, the model is over-confident. Dots are at the mean confidence of a bar, "
            f"numbers above it count its predictions. The expected calibration error is {error:.1%}."
        )
        drawn.append(Plot(f"Reliability, {split}", figure.svg, caption))
    return drawn


def no_answer_histogram(report: RunReport, name: str = "no-answer") -> Plot | None:
    """Draw the probability of no answer of answerable and of unanswerable questions, with the threshold."""
    histogram = question_answering_details(report.details).get("no_answer_histogram")
    if not histogram:
        return None
    edges = [_log_odds(edge) for edge in histogram["edges"]]
    with sketch(name, "probability of no answer of answerable and unanswerable questions", height=3.0) as figure:
        for kind, counts, colour in (
            ("answerable", histogram["answerable"], FIRST), ("unanswerable", histogram["unanswerable"], SECOND),
        ):  # fmt: skip
            figure.axes.stairs(counts, edges, fill=True, color=colour, alpha=0.3)
            figure.axes.stairs(counts, edges, color=colour, linewidth=1.4, label=f"{kind} ({sum(counts):,})")
        threshold = histogram["threshold"]
        line: dict[str, Any] = {
            "color": INK,
            "linestyle": "--",
            "linewidth": 1.2,
            "label": f"threshold {threshold:.3g}",
        }
        figure.axes.axvline(_log_odds(threshold), **line)
        ticks = probability_ticks(histogram["edges"][0], histogram["edges"][-1])
        figure.axes.set_xticks([_log_odds(value) for value, _ in ticks], [label for _, label in ticks])
        figure.axes.set(xlabel="probability of no answer (log-odds scale)", xlim=(edges[0], edges[-1]))
        figure.axes.set_ylim(bottom=0)
        figure.axes.set_ylabel("questions")
        figure.axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value == round(value) else "")
        legend_above(figure)
    caption = "The model abstains to the right of the threshold. The less the two distributions overlap, the better."
    return Plot("Probability of no answer", figure.svg, caption)


def probability_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return probabilities to mark on an axis of log-odds, each with its exact label, none too close to another.

    Args:
        low: probability at the left end, above 0.
        high: probability at the right end, below 1.

    >>> [label for _, label in probability_ticks(0.004, 0.97)]
    ['0.01', '0.1', '0.5', '0.9']
    >>> [label for _, label in probability_ticks(0.48, 0.52)]
    ['0.49', '0.5', '0.51']
    """
    ticks = _apart([value for value in _ODDS if low < value < high], low, high)
    for step in _steps(high - low):
        if len(ticks) >= _FEWEST:
            break
        multiples = range(math.ceil(low / step), math.floor(high / step) + 1)
        ticks = _apart([*ticks, *(round(step * place, 12) for place in multiples)], low, high)
    return [(value, f"{value:.10g}") for value in sorted(ticks)]


def _apart(candidates: Sequence[float], low: float, high: float) -> list[float]:
    """Return the candidates that are not too close to an earlier one, or to an end, on an axis of log-odds."""
    left, right = _log_odds(low), _log_odds(high)
    closest, ends = _CLOSEST * (right - left), 0.03 * (right - left)
    kept: list[float] = []
    for value in candidates:
        place = _log_odds(value)
        if left + ends <= place <= right - ends and all(abs(place - _log_odds(other)) >= closest for other in kept):
            kept.append(value)
    return kept


def _steps(width: float) -> list[float]:
    """Return steps of round numbers within a width, the largest first."""
    size: float = 10.0 ** math.floor(math.log10(width))
    return [size, size / 2, size / 5, size / 10, size / 20, size / 50]


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(inside / (1 - inside))
