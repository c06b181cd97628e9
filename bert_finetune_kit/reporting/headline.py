"""The main scores of a run as figures that are read at a glance: value, interval, baselines, and a scale of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from xml.sax.saxutils import quoteattr

from .formatting import format_interval
from .intervals import Interval, finite_interval
from .numbers import finite_or_none, is_finite_number
from .schema import Score
from .svg import without_unprintable
from .tables import baseline_label

_MOST = 4  # figures
_WIDTH, _HEIGHT = 240, 16  # of a scale, in its own units


class Scored(Protocol):
    """A report of one run, or of several together."""

    @property
    def glossary(self) -> Sequence[Score]:
        """The scores in the order in which they are shown."""

    @property
    def result(self) -> Mapping[str, float | str]:
        """Values by key."""

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """95% intervals by key."""

    @property
    def baselines(self) -> Mapping[str, Mapping[str, float]]:
        """Scores without a model, by the name of the baseline."""


@dataclass(frozen=True)
class Headline:
    """One figure."""

    label: str
    value: str
    remarks: Sequence[str] = ()
    """Its interval and its baselines in words."""
    scale: str = ""
    """SVG of value, interval and baselines from the least to the greatest value; empty where there is no greatest."""
    address: str = ""
    """Of the page that it links to."""


def headlines(report: Scored, most: int = _MOST) -> list[Headline]:
    """Return the first scores of a report that have an interval or a baseline; where none has, the first with a value.

    Args:
        report: of a run, or of several.
        most: figures.
    """
    scores = [score for score in report.glossary if is_finite_number(report.result.get(score.key))]
    compared = [score for score in scores if _interval(report, score) or _baselines(report, score)]
    return [headline(report, score) for score in (compared or scores[:1])[:most]]


def headline(report: Scored, score: Score) -> Headline:
    """Return the figure of a score that has a finite value."""
    value, interval, baselines = float(report.result[score.key]), _interval(report, score), _baselines(report, score)
    remarks = [f"95% interval {format_interval(interval, score.format_spec)}"] if interval else []
    remarks += [f"{name} {baseline:{score.format_spec}}" for name, baseline in baselines.items()]
    label = f"{score.label[:1].upper()}{score.label[1:]}"
    text = f"{value:{score.format_spec}}"
    greatest = 1.0 if score.format_spec.endswith("%") else score.greatest
    scale = ""
    if greatest is not None and 0 <= value <= greatest:
        scale = scale_svg(value, greatest, interval, list(baselines.values()), "; ".join([f"{label} {text}", *remarks]))
    return Headline(label, text, remarks, scale)


def scale_svg(
    value: float, greatest: float, interval: Interval | None, baselines: Sequence[float], description: str
) -> str:
    """Draw a value on a line from 0 to the greatest one, with its interval as a bar and its baselines as marks.

    Args:
        value: from 0 to `greatest`.
        greatest: value at the right end.
        interval: of the value.
        baselines: other values.
        description: for screen readers.
    """

    def place(number: float) -> float:
        return round(_WIDTH * min(max(number / greatest, 0.0), 1.0), 1)

    middle = _HEIGHT / 2
    parts = [f'<rect x="0" y="{middle - 1.5}" width="{_WIDTH}" height="3" rx="1.5" fill="var(--line)"/>']
    if interval:
        low, high = map(place, interval)
        parts.append(
            f'<rect x="{low}" y="{middle - 4}" width="{max(high - low, 1):g}" height="8" rx="4" fill="var(--plot-1)" '
            'opacity="0.35"/>'
        )
    parts += [
        f'<rect x="{place(baseline) - 1:g}" y="1" width="2" height="{_HEIGHT - 2}" fill="var(--quiet)"/>'
        for baseline in baselines
    ]
    x = min(max(place(value), 5.0), _WIDTH - 5.0)
    parts.append(f'<circle cx="{x}" cy="{middle}" r="5" fill="var(--plot-1)"/>')
    label = quoteattr(without_unprintable(description))
    return f'<svg class="scale" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label={label}>{"".join(parts)}</svg>'


def _interval(report: Scored, score: Score) -> Interval | None:
    return finite_interval(report.intervals.get(score.key))


def _baselines(report: Scored, score: Score) -> dict[str, float]:
    """Return the finite baselines of a score by their names for a reader."""
    values = {name: finite_or_none(scores.get(score.key)) for name, scores in report.baselines.items()}
    return {baseline_label(name): value for name, value in values.items() if value is not None}
