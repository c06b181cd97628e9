"""Plots of a regression: predicted against true values."""

import math

from .details import PredictedAgainstTrue, classification_details
from .known_scores import known_score
from .numbers import is_finite_number
from .schema import RunReport
from .svg import FIRST, INK, Plot, Sketch, legend_above, sketch, squares

_SHADES = 10


def scatter_plots(report: RunReport, name: str = "scatter") -> list[Plot]:
    """Draw the predicted against the true values of each split, with the line on which both are the same.

    Many examples are drawn as a grid, whose colour is the number of examples.
    """
    drawn = []
    for number, (split, details) in enumerate(classification_details(report.details).items()):
        values = details.get("predicted_against_true")
        if not values:
            continue
        with sketch(f"{name}-{number}", f"predicted against true values, {split}", width=4.4, height=4.0) as figure:
            low, high = _draw(figure, values)
            figure.axes.plot(
                [low, high], [low, high], color=INK, linestyle="--", linewidth=1.1, label="predicted = true"
            )
            figure.axes.set(xlabel="true", ylabel="predicted", xlim=(low, high), ylim=(low, high))
            figure.axes.set_aspect("equal")
            legend_above(figure)
        scores = [
            f"{score.label} {value:{score.format_spec}}"
            for score in (known_score("classification", key) for key in ("pearson", "spearman", "mae"))
            if is_finite_number(value := details["scores"].get(score.key))
        ]
        caption = f"{details['examples']:,} examples{': ' * bool(scores)}{', '.join(scores)}."
        drawn.append(Plot(f"Predicted against true, {split}", figure.svg, caption))
    return drawn


def _draw(figure: Sketch, values: PredictedAgainstTrue) -> tuple[float, float]:
    """Draw points or grid; return the ends of both axes."""
    if "points" in values:
        true, predicted = [point[0] for point in values["points"]], [point[1] for point in values["points"]]
        low, high = min(*true, *predicted), max(*true, *predicted)
        size, alpha = (16, 0.55) if len(true) <= 300 else (8, 0.35)
        figure.axes.scatter(true, predicted, size, color=FIRST, alpha=alpha, linewidths=0)
        return _wider(low, high)
    edges, counts = values["edges"], values["counts"]
    width, most = edges[1] - edges[0], max(max(row) for row in counts)
    shades: dict[int, list[tuple[float, float]]] = {}
    for column, of_true in enumerate(counts):
        for row, count in enumerate(of_true):
            if count:
                shade = math.ceil(_SHADES * math.sqrt(count / most))  # few examples are seen beside many
                shades.setdefault(shade, []).append((edges[column] + width / 2, edges[row] + width / 2))
    for shade, places in sorted(shades.items()):
        label = f"most: {most:,} examples" if shade == _SHADES else None
        squares(figure, places, width, width, color=FIRST, alpha=0.12 + 0.85 * shade / _SHADES, label=label)
    return edges[0], edges[-1]


def _wider(low: float, high: float) -> tuple[float, float]:
    margin = 0.04 * (high - low) or 0.5
    return low - margin, high + margin
