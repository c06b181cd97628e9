"""The figures that plots draw as a whole: a picture of them is made where all are finite."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .numbers import is_non_finite
from .schema import RunReport

_DRAWN = (
    "calibration", "confusion", "groups", "label_shares", "no_answer_calibration", "no_answer_histogram",
    "predicted_against_true", "reliability", "risk_coverage",
)  # fmt: skip
"""Parts of the details or of the statistics of a split."""


def drawable(report: RunReport) -> RunReport:
    """Return a report without the figures that cannot be drawn, since one of them is NaN or infinite."""
    data = {split: _without(values) for split, values in report.data.items()}
    return replace(report, details=_without(report.details), data=data)


def not_drawable(report: RunReport) -> Iterator[tuple[str, str, object]]:
    """Yield of the figures that cannot be drawn the part, the split (empty where there is one alone), and the first
    value that is not finite.
    """
    for split, values in (("", report.details), *report.details.items(), *report.data.items()):
        for name, value in values.items() if isinstance(values, Mapping) and split not in _DRAWN else ():
            if name in _DRAWN and (found := list(_non_finite(value))):
                yield name.replace("_", " "), split, found[0]


def _without(details: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in details.items() if name not in _DRAWN or not any(_non_finite(value))}
    return {name: _without(value) if isinstance(value, dict) and "scores" in value else value
            for name, value in kept.items()}  # fmt: skip


def _non_finite(value: object) -> Iterator[object]:
    """Yield the values in mappings and lists that are NaN or infinite."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _non_finite(item)
    elif is_non_finite(value):
        yield value
