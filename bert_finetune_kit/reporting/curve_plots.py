"""Curves over the steps of a training: loss, score, learning rate, gradient norm."""

from collections.abc import Mapping, Sequence
from typing import Any

from .intervals import finite_interval
from .naming import capitalized
from .numbers import finite_or_none, is_finite_number
from .schema import RunReport, Score
from .svg import FIRST, INK, SECOND, THIRD, Plot, Sketch, legend_above, printable, sketch
from .tables import baseline_label

_INTERVAL_CAPTION = "The bar is the 95% interval of the saved weights."
_FEW = 12  # points of a curve that are marked


def loss_curve(report: RunReport, name: str = "loss") -> Plot | None:
    """Draw the training loss and the validation loss by step, as points where there are few of them."""
    training = points(report, report.history, "loss")
    keys = {"loss": "validation"} if any("loss" in row for row in report.scores) else {}
    keys = keys or {score.key: score.label for score in report.glossary if score.label.startswith("loss")}
    validation = {label: points(report, report.scores, key) for key, label in keys.items()}
    if not training[0] and not any(steps for steps, _ in validation.values()):
        return None
    with sketch(name, "training loss and validation loss by step") as figure:
        if training[0]:
            figure.axes.plot(*training, color=FIRST, label="training", alpha=0.9, **_marked(training))
        for colour, (label, values) in zip((SECOND, THIRD, INK), validation.items(), strict=False):
            figure.axes.plot(*values, color=colour, marker="o", markersize=4, label=printable(label))
        _by_step(figure)
        figure.axes.set_ylabel("loss (nats)" if "mse" not in report.result else "loss")
        legend_above(figure)
    return Plot("Loss", figure.svg)


def score_curve(report: RunReport, name: str = "score") -> Plot | None:
    """Draw the first score of the glossary by step, for each validation split, with the baselines."""
    first = next((score for score in report.glossary if any(score.key in row for row in report.scores)), None)
    if first is None:
        return None
    metric = first.label.split(" (")[0]
    shown = [score for score in report.glossary if score.label.split(" (")[0] == metric]
    curves = {score: points(report, report.scores, score.key) for score in shown}
    found = {name: finite_or_none(scores.get(first.key)) for name, scores in report.baselines.items()}
    baselines = {name: value for name, value in found.items() if value is not None}
    values = [value for _, column in curves.values() for value in column] + list(baselines.values())
    if not any(steps for steps, _ in curves.values()):
        return None
    with sketch(name, f"{metric} by step") as figure:
        for colour, (score, curve) in zip((FIRST, SECOND, THIRD), curves.items(), strict=False):
            figure.axes.plot(*curve, color=colour, marker="o", markersize=4, label=printable(score.label))
            _draw_interval(figure, report, score, colour)
        for style, (baseline, value) in zip(("--", ":", "-."), baselines.items(), strict=False):
            figure.axes.axhline(value, color=INK, linestyle=style, linewidth=1.1, label=baseline_label(baseline))
        if min(values) > 0 and max(values) > 5 * min(values):
            figure.axes.set_yscale("log")
            _plain_log(figure)
        else:
            figure.axes.yaxis.set_major_formatter(lambda value, _: _tick(value, first.format_spec))
        _by_step(figure)
        figure.axes.set_ylabel(metric)
        if baselines or len(curves) > 1:
            legend_above(figure)
    caption = _INTERVAL_CAPTION if finite_interval(report.intervals.get(first.key)) else ""
    return Plot(f"{capitalized(metric)} by step", figure.svg, caption)


def learning_rate_curve(report: RunReport, name: str = "learning-rate") -> Plot | None:
    """Draw the learning rate by step: that of the schedule, since logs are too rare to show its peak."""
    curve = points(report, report.schedule or report.history, "learning_rate")
    if len(curve[0]) < 2:
        return None
    with sketch(name, "learning rate by step") as figure:
        figure.axes.plot(*curve, color=FIRST, **_marked(curve))
        figure.axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        figure.axes.set_ylim(bottom=0)
        figure.axes.set_ylabel("learning rate")
        _by_step(figure)
    return Plot("Learning rate", figure.svg)


def gradient_norm_curve(report: RunReport, name: str = "gradient-norm") -> Plot | None:
    """Draw the gradient norm by step, and the norm that it is clipped to."""
    curve = points(report, report.history, "grad_norm")
    if len(curve[0]) < 2:
        return None
    max_norm = report.settings.get("training", {}).get("max_grad_norm")
    with sketch(name, "gradient norm by step") as figure:
        figure.axes.plot(*curve, color=FIRST, **_marked(curve))
        figure.axes.set_ylim(bottom=0)
        figure.axes.set_ylabel("gradient norm")
        if is_finite_number(max_norm) and 0 < max_norm < 1.5 * max(curve[1]):
            figure.axes.axhline(max_norm, color=INK, linestyle="--", linewidth=1.1, label=f"clipped to {max_norm:g}")
            legend_above(figure)
        _by_step(figure)
    return Plot("Gradient norm", figure.svg)


def points(report: RunReport, rows: Sequence[Mapping[str, object]], key: str) -> tuple[list[float], list[float]]:
    """Return steps, counted through all phases, and values of a column, without those that are not finite."""
    steps, values = [], []
    for row in rows:
        step, value = row.get("step", 0), row.get(key)
        if is_finite_number(value) and is_finite_number(step):
            steps.append(_steps_before(report, row) + step)
            values.append(value)
    return steps, values


def _steps_before(report: RunReport, row: Mapping[str, object]) -> int:
    """Return the steps of the phases before that of a row."""
    phase = row.get("phase", 1)
    rows: list[Mapping[str, object]] = [*report.history, *report.scores]
    last: dict[int, int] = {}
    for other in rows:
        number, step = other.get("phase", 1), other.get("step", 0)
        if isinstance(number, int) and isinstance(step, int) and isinstance(phase, int) and number < phase:
            last[number] = max(last.get(number, 0), step)
    return sum(last.values())


def _by_step(figure: Sketch) -> None:
    figure.axes.set_xlabel("step")
    figure.axes.set_xlim(0, 1.04 * max(figure.axes.dataLim.x1, 1))
    figure.axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value == round(value) else "")


def _plain_log(figure: Sketch) -> None:
    """Label a logarithmic axis with plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = figure.axes.get_ylim()
    figure.axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 200 * low else (1,), numticks=12))
    figure.axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    figure.axes.yaxis.set_minor_formatter(NullFormatter())


def _tick(value: float, format_spec: str) -> str:
    """Return the label of a tick, as the score is formatted but without trailing zeros: 0.5, 50%."""
    return f"{100 * value:.6g}%" if format_spec.endswith("%") else f"{value:,.10g}"


def _draw_interval(figure: Sketch, report: RunReport, score: Score, colour: str) -> None:
    """Draw the interval of the score of the saved weights."""
    interval = finite_interval(report.intervals.get(score.key))
    steps, values = points(report, [report.result], score.key)
    if interval is not None and steps:
        ends = [[max(values[0] - interval[0], 0)], [max(interval[1] - values[0], 0)]]
        figure.axes.errorbar(steps, values, yerr=ends, color=colour, capsize=4, linewidth=1.2)


def _marked(curve: tuple[Sequence[float], Sequence[float]]) -> dict[str, Any]:
    """Return the style of a curve whose points are marked where they are few: one alone makes no line."""
    return {"marker": "o", "markersize": 3.5} if len(curve[0]) <= _FEW else {}
