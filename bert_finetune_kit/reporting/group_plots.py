"""Plots of question answering by kind of question."""

from .details import question_answering_details
from .schema import RunReport
from .svg import FIRST, Plot, printable, sketch

_MOST = 24  # groups of a plot


def group_plots(report: RunReport, name: str = "group") -> list[Plot]:
    """Draw F1 of each group of questions, such as by question word, with the number of its questions."""
    drawn = []
    for number, (kind, groups) in enumerate(question_answering_details(report.details).get("groups", {}).items()):
        if not 1 < len(groups) <= _MOST:
            continue
        with sketch(f"{name}-{number}", f"F1 by {kind}", height=0.8 + 0.27 * len(groups)) as figure:
            bars = figure.axes.barh(
                range(len(groups)), [group["f1"] for group in groups.values()], 0.7, color=FIRST, alpha=0.75
            )
            labels = [f"{group['f1']:.1f} ({group['questions']:,})" for group in groups.values()]
            figure.axes.bar_label(bars, labels, padding=4, fontsize=8.5)
            figure.axes.set_yticks(range(len(groups)), [printable(group) for group in groups])
            figure.axes.set_ylim(len(groups) - 0.4, -0.6)
            figure.axes.set_xlim(0, 122)
            figure.axes.set_xticks(range(0, 101, 20))
            figure.axes.grid(False, axis="y")
            figure.axes.set_xlabel("F1")
        caption = "Of all questions, at the threshold; in parentheses the number of questions."
        drawn.append(Plot(f"By {kind}", figure.svg, caption))
    return drawn
