"""The few lengths that batches may have on devices that compile every new shape."""

from collections.abc import Sequence

_SHORTEST = 32


def buckets(max_length: int) -> tuple[int, ...]:
    """Return the lengths to pad batches to, ascending: powers of two from 32 up, and `max_length`.

    Every length is a shape, and every shape a compilation, which takes seconds to minutes. With `max_length` alone
    there is one, and short texts pay for padding in every step. With a bucket for every few tokens most of them are
    met so seldom that they never earn back their compilation; what counts is the longest sequence of a batch, so
    random batches of long texts nearly all fall into the last one anyway. With powers of two a batch is padded to less
    than twice its longest sequence, with six lengths at most up to 1,024 tokens. Those below 32 would save little.

    >>> buckets(128), buckets(384), buckets(20)
    ((32, 64, 128), (32, 64, 128, 256, 384), (20,))
    """
    powers = [_SHORTEST]
    while powers[-1] * 2 < max_length:
        powers.append(powers[-1] * 2)
    return (*(power for power in powers if power < max_length), max_length)


def bucket_of(longest: int, lengths: Sequence[int] | None) -> int:
    """Return the least of `lengths` that holds `longest` tokens; where there are no lengths to keep to, `longest`.

    >>> bucket_of(33, (32, 64, 128)), bucket_of(33, None)
    (64, 33)
    """
    return longest if lengths is None else next(length for length in lengths if length >= longest)
