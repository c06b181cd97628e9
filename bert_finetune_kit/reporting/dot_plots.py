"""Plots of runs side by side: a dot for the value of each, and a bar for its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

from .intervals import Interval, finite_interval
from .naming import capitalized
from .svg import FIRST, INK, MUTED, SECOND, Plot, distinct_labels, percent_axis, plain_axis, sketch

_MOST = 12  # scores


@dataclass(frozen=True)
class ComparedScore:
    """A score of several runs."""

    label: str
    format_spec: str
    values: Sequence[float | None]
    """Of each run; None where it has none that is finite."""
    intervals: Sequence[Interval | None]


def dot_plots(
    names: Sequence[str], scores: Sequence[ComparedScore], caption: str = "", last: bool = False
) -> list[Plot]:
    """Draw each score, the first run on top.

    Args:
        names: of the runs.
        scores: in the order to show them; one without values is omitted.
        caption: of each plot.
        last: whether the last row sums up the others, and is drawn in another colour.
    """
    drawn: list[Plot] = []
    for number, score in enumerate(scores):
        rows = [(row, value) for row, value in enumerate(score.values) if value is not None]
        if not rows or len(drawn) == _MOST:
            continue
        with sketch(f"dots-{number}", f"{score.label} of each run", height=0.75 + 0.27 * len(names)) as figure:
            axes = figure.axes
            for row, value in rows:
                colour = SECOND if last and row == len(names) - 1 else FIRST
                interval = finite_interval(score.intervals[row])
                if interval is not None:
                    axes.plot(interval, [row, row], color=colour, linewidth=4, alpha=0.35, solid_capstyle="round")
                axes.scatter([value], [row], 34, color=colour, zorder=3)
                text = f"{value:{score.format_spec}}"
                axes.text(1.02, row, text, transform=axes.get_yaxis_transform(), va="center", fontsize=9, color=INK)
            axes.axvline(rows[-1 if last else 0][1], color=MUTED, linestyle=":", linewidth=1)
            axes.set_yticks(range(len(names)), distinct_labels(names, 26))
            axes.set_ylim(len(names) - 0.5, -0.5)
            axes.grid(False, axis="y")
            axes.margins(x=0.08)
            axes.locator_params(axis="x", nbins=5)
            if score.format_spec.endswith("%"):
                percent_axis(axes.xaxis)
            else:
                plain_axis(axes.xaxis)
        drawn.append(Plot(capitalized(score.label), figure.svg, caption))
    return drawn
