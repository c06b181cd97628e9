"""What the diagnosis of a pretraining needs, in numbers."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..data.duplicates import shared_texts
from .corpus import TokenizedCorpus
from .features import PretrainingExamples

_LOOKED_AT = 16


def masks_repeating(
    examples: PretrainingExamples, collator: Callable[[list[Any]], dict[str, Any]], sampled: int = _LOOKED_AT
) -> float:
    """Return the share of examples that get the same masks in the second epoch as in the first.

    The text of an example may differ between epochs, so the masks of the second are laid over the text of the first.

    Args:
        examples: of the train split.
        collator: what masks them.
        sampled: how many to look at, evenly chosen.
    """
    chosen = np.unique(np.linspace(0, len(examples) - 1, min(sampled, len(examples))).astype(int)).tolist()
    same = 0
    for index in chosen:
        first, second = (examples[(epoch, index, True)] for epoch in (0, 1))
        again = first | ({"draw": second["draw"]} if "draw" in second else {})
        same += bool((collator([first])["labels"] == collator([again])["labels"]).all())
    return same / len(chosen)


def shared_documents(train: TokenizedCorpus, validation: TokenizedCorpus) -> dict[str, Any]:
    """Return how many documents of the validation split stand in the training split; see `shared_texts`."""
    return shared_texts(_documents(train), _documents(validation), "documents")


def _documents(corpus: TokenizedCorpus) -> Iterator[bytes]:
    return (corpus.input_ids(number).tobytes() for number in range(len(corpus)))
