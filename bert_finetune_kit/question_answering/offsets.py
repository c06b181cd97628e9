"""Places of tokens in their texts, in numpy alone."""

import numpy as np


def trimmed_offsets(text: str, offsets: np.ndarray) -> np.ndarray:
    """Return the offsets of tokens, (tokens, 2), without the white space that some tokenizers count to a token.

    Args:
        text: that was tokenized.
        offsets: first character of each token, and the one after its last, (tokens, 2) int.
    """
    offsets = offsets.reshape(-1, 2)
    is_space = np.array([*map(str.isspace, text), False])
    while (blank := is_space[offsets[:, 0]] & (offsets[:, 0] < offsets[:, 1])).any():
        offsets[blank, 0] += 1
    while (blank := is_space[offsets[:, 1] - 1] & (offsets[:, 0] < offsets[:, 1])).any():
        offsets[blank, 1] -= 1
    return offsets


def characters_of(
    lengths: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    context_of: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the characters of spans of tokens in their contexts: the first, and the one after the last.

    Args:
        lengths: tokens of each context, (contexts,) int.
        starts: first character of the tokens of all contexts, one after another, and any last value.
        ends: the characters after their last.
        context_of: number of the context of each question, (questions,) int.
        first: number of the first token of each span in the context, (questions, ...) int.
        last: of the last token, (questions, ...) int; undefined where a context has no such token.
    """
    begin = (np.cumsum(lengths) - lengths)[context_of]
    begin = begin.reshape(-1, *[1] * (first.ndim - 1))
    return starts[np.minimum(begin + first, len(starts) - 1)], ends[np.minimum(begin + last, len(ends) - 1)]
