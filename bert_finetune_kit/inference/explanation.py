"""What the words of a text add to a prediction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .words import word_spans

Stop = Callable[[], bool]
"""Is asked while an explanation is computed; true ends it."""
MAX_STEPS = 256
"""Of an integral, unless another number is given."""


class Stopped(Exception):
    """An explanation was ended before it was complete."""


@dataclass(frozen=True)
class WordAttribution:
    """What one word adds to a prediction."""

    text: str
    start: int
    """First character of the word in its text."""
    end: int
    """The character after its last."""
    value: float
    """What it adds to the log-odds of the label, in a regression to the number; below 0 where it speaks against it."""
    part: int = 0
    """0 in the text, 1 in the second text of a pair."""
    is_read: bool = True
    """Whether the model reads the word; of a long text what is truncated adds nothing."""


@dataclass(frozen=True)
class Explanation:
    """What the words of a text or pair add to a prediction."""

    label: str | None
    """That is explained; none in a regression."""
    method: str
    """`integrated gradients` (Sundararajan et al. 2017), or `occlusion`, which leaves out one word at a time."""
    words: tuple[WordAttribution, ...]
    output: float
    """Log-odds of the label by its calibrated probability; in a regression the number."""
    baseline: float | None = None
    """The same where each token of the texts is `[MASK]`, or `[PAD]` where that does not exist; none of occlusion."""
    completeness_error: float | None = None
    """How far the sum of all values is from `output` − `baseline`; none of occlusion, whose values have no such sum."""
    steps: int | None = None
    """Points between baseline and text at which gradients were computed; none of occlusion."""


def attributed_words(
    text: str, values: Sequence[float], is_read: Sequence[bool] | None = None, part: int = 0
) -> list[WordAttribution]:
    """Return the words of a text with what they add.

    Args:
        text: the text.
        values: of its words, in their order.
        is_read: whether the model reads each of them; none means all.
        part: as in `WordAttribution`.
    """
    spans = word_spans(text)
    read = [True] * len(spans) if is_read is None else is_read
    return [
        WordAttribution(text[start:end], start, end, float(value), part, bool(seen))
        for (start, end), value, seen in zip(spans, values, read, strict=True)
    ]
