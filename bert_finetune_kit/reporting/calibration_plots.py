"""Plots of calibration: reliability before and after, and risk by coverage."""

from collections.abc import Mapping
from typing import Any

from .details import (
    CalibrationDetails,
    ReliabilityBin,
    RiskCoverage,
    classification_details,
    question_answering_details,
)
from .intervals import Interval, wilson
from .schema import RunReport
from .svg import FIRST, INK, SECOND, Plot, legend_above, percent_axis, sketch

_DASHED: dict[str, Any] = {"color": INK, "linestyle": "--", "linewidth": 1.1}


def calibrations(report: RunReport) -> dict[str, CalibrationDetails]:
    """Return the calibrations of a report by what the probabilities are of: a split, answers, no answer."""
    answers = question_answering_details(report.details)
    named = {split: part["calibration"] for split, part in _splits(report).items() if "calibration" in part}
    if "no_answer_calibration" in answers:
        named["no answer"] = answers["no_answer_calibration"]
    return {"answers": answers["calibration"], **named} if "calibration" in answers else named


def risk_curves(report: RunReport) -> dict[str, RiskCoverage]:
    """Return the curves of risk by coverage of a report, by split; that of answers has no name."""
    answers = question_answering_details(report.details)
    curves = {split: part["risk_coverage"] for split, part in _splits(report).items() if "risk_coverage" in part}
    return {"": answers["risk_coverage"], **curves} if "risk_coverage" in answers else curves


def _splits(report: RunReport) -> Mapping[str, Any]:
    return {} if report.recipe == "question_answering" else classification_details(report.details)


def calibration_diagrams(report: RunReport, name: str = "calibration") -> list[Plot]:
    """Draw accuracy by confidence before and after calibration, over bins of as many predictions each."""
    return [
        _diagram(details, f"{name}-{number}", f"Reliability, {what}")
        for number, (what, details) in enumerate(calibrations(report).items())
    ]


def _diagram(details: CalibrationDetails, name: str, title: str) -> Plot:
    before, after = details["before"], details["after"]
    changed = any(value != 1 for value in details["temperatures"].values())
    with sketch(name, f"accuracy by confidence before and after calibration, {title}", height=3.0) as figure:
        low = min(side["bins"][0]["confidence"] for side in (before, after))
        low = max(0.0, low - 0.05)
        figure.axes.plot([low, 1], [low, 1], label="perfect calibration", **_DASHED)
        sides = [("of the logits", before, SECOND, "s")]
        sides += [("calibrated", after, FIRST, "o")] if changed else []
        for label, side, colour, marker in sides:
            points = [(part["confidence"], part["accuracy"]) for part in side["bins"]]
            figure.axes.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=4, linewidth=1.2,
                             label=label)  # fmt: skip
            figure.axes.vlines(
                [confidence for confidence, _ in points], *zip(*map(bin_interval, side["bins"]), strict=True),
                color=colour, alpha=0.45, linewidth=1.2,
            )  # fmt: skip
        figure.axes.set(xlim=(low, 1.01), ylim=(-0.02, 1.02), xlabel="confidence", ylabel="accuracy")
        figure.axes.set_xticks([tick for tick in figure.axes.get_xticks() if low <= tick <= 1])
        percent_axis(figure.axes.xaxis)
        percent_axis(figure.axes.yaxis)
        legend_above(figure)
    figures = f"Over these points, the expected calibration error is {before['calibration_error']:.1%}"
    if changed:
        figures += f" before and {after['calibration_error']:.1%} after"
    caption = (
        "Points below the line are over-confident. Each stands for as many of the predictions for "
        f"{details['judged_on']:,} examples that nothing was fitted on; its bar is the 95% interval of its accuracy. "
        f"{figures}; a calibrated model would have at most {after['by_chance']:.1%} by chance."
    )
    return Plot(title, figure.svg, caption)


def bin_interval(part: ReliabilityBin) -> Interval:
    """Return the 95% interval of the accuracy of a bin (Wilson 1927).

    >>> low, high = bin_interval({"low": 0.5, "high": 0.6, "count": 10, "confidence": 0.55, "accuracy": 0.5})
    >>> round(low, 4), round(high, 4)
    (0.2366, 0.7634)
    """
    return wilson(round(part["accuracy"] * part["count"]), part["count"])


def risk_coverage_curves(report: RunReport, name: str = "risk") -> list[Plot]:
    """Draw the share of wrong predictions by the share that is kept, the surest ones first."""
    drawn = []
    for number, (split, curve) in enumerate(risk_curves(report).items()):
        title = f"Risk by coverage, {split}" if split else "Risk by coverage"
        with sketch(f"{name}-{number}", f"share of wrong predictions by coverage, {split}", height=2.6) as figure:
            all_of_them = curve["risk"][-1]
            figure.axes.axhline(all_of_them, label="refusing at random", **_DASHED)
            figure.axes.plot(
                curve["coverage"], curve["risk"], color=FIRST, linewidth=1.6, label="refusing the least sure"
            )
            top = max([*curve["risk"], 0.01])
            figure.axes.set(xlim=(0, 1), ylim=(0, 1.1 * top), xlabel="kept predictions", ylabel="wrong among them")
            percent_axis(figure.axes.xaxis)
            percent_axis(figure.axes.yaxis)
            legend_above(figure)
        caption = (
            "The more predictions are refused (to the left), the fewer of the others should be wrong. At few kept "
            f"predictions the line is noisy. Without refusing any, {all_of_them:.1%} are wrong."
        )
        drawn.append(Plot(title, figure.svg, caption))
    return drawn
