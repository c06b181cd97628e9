"""Numbers, intervals, durations and excerpts as text."""

import math
import re
from collections.abc import Sequence

from .intervals import Interval, finite_interval
from .numbers import is_finite_number

UNDEFINED = "–"
"""What tables show of a score that is undefined, such as a correlation with targets that are all equal."""


def format_score(value: object, format_spec: str) -> str:
    """Return a score by its format; empty where it is missing, a dash where it is undefined (NaN).

    >>> format_score(0.7667, ".1%"), format_score(None, ".1%"), format_score("nan", ".1%"), format_score("inf", ".1%")
    ('76.7%', '', '–', 'inf')
    """
    if value == "nan" or (isinstance(value, float) and math.isnan(value)):
        return UNDEFINED
    return "" if value is None else format(value, format_spec) if isinstance(value, int | float) else str(value)


def format_interval(interval: Interval | Sequence[float] | None, format_spec: str) -> str:
    """Return both ends of an interval; empty where there is none, or an end is not finite.

    >>> format_interval((0.712, 0.815), ".1%"), format_interval(None, ".1%")
    ('71.2% to 81.5%', '')
    """
    ends = finite_interval(interval)
    return "" if ends is None else f"{ends[0]:{format_spec}} to {ends[1]:{format_spec}}"


def format_difference(value: float, format_spec: str) -> str:
    """Return a difference of two scores with its sign; of percentages in points.

    >>> format_difference(0.15, ".1%"), format_difference(-0.5, ".2f")
    ('+15.0 points', '-0.50')
    """
    return f"{100 * value:+.1f} points" if format_spec.endswith("%") else f"{value:+{format_spec}}"


def format_p_value(value: float) -> str:
    """Return a p value with two digits; very small ones as a bound.

    >>> format_p_value(0.0391), format_p_value(0.5), format_p_value(1e-6)
    ('0.039', '0.50', '< 0.001')
    """
    return "< 0.001" if value < 0.001 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def format_relative_change(change: float | None) -> str:
    """Return a relative change in percent, small ones with an exponent; empty where there is none, or it is undefined.

    >>> format_relative_change(0.0317), format_relative_change(4.2e-6), format_relative_change(0.0)
    ('3.17%', '4.2e-04%', '0%')
    """
    if not change or not is_finite_number(change):
        return "0%" if change == 0 else ""
    return f"{change:.2%}" if change >= 1e-4 else f"{100 * change:.1e}%"


def format_statistic(value: object) -> str:
    """Return a statistic of the data: counts in full, floats from 0 to 1 as shares; empty where it is missing.

    >>> format_statistic(1200), format_statistic(0.015), format_statistic(61.5), format_statistic(None)
    ('1,200', '1.50%', '61.5', '')
    """
    if isinstance(value, int):
        return f"{value:,}"
    if is_finite_number(value):
        return f"{value:.2%}" if 0 <= value <= 1 else f"{value:,.1f}"
    return "" if value is None else str(value)


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units.

    >>> format_duration(42), format_duration(150), format_duration(7500)
    ('42 s', '2 min 30 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def excerpt(text: str, around: Sequence[str] = (), length: int = 200) -> str:
    """Return the part of a text around a phrase, cut between words; a short text unchanged.

    Args:
        text: such as the context of a question.
        around: phrases; the first one that the text contains is shown, and without any the beginning.
        length: most characters of the text to show.

    >>> excerpt("The mill by the river closed in 1912 for good.", ["1912"], 24)
    '… closed in 1912 for good.'
    """
    if len(text) <= length:
        return text
    phrase = next((phrase for phrase in around if phrase and phrase in text), "")
    place, width = text.index(phrase), min(len(phrase), length)
    words = re.search(rf"\S*{re.escape(phrase)}\S*", text) if phrase else None
    if words is not None and len(words[0]) <= length:  # the phrase may be part of a word
        place, width = words.start(), len(words[0])
    start = max(0, min(place + (width - length) // 2, len(text) - length))  # the phrase is in the middle
    end = start + length
    if start:
        border = re.search(r"\s+", text[start - 1 : place if width < length else end])
        start = start - 1 + border.end() if border else start
        end = max(end, start + length) if width == length else end  # the place of a word that was left out
    if end < len(text):
        after = min(place + width, end)
        borders = [after + match.start() for match in re.finditer(r"\s+", text[after : end + 1])]
        borders = borders or [start + match.start() for match in re.finditer(r"(?<=\S)\s+", text[start : end + 1])]
        end = borders[-1] if borders else end
    return ("… " if start else "") + text[start:end].strip() + (" …" if end < len(text) else "")
