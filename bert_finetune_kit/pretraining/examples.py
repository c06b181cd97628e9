"""Tokenized documents → pretraining examples, each a pure function of (seed, epoch, index).

One epoch takes from every document as many windows as are needed to cover it, so it holds about as many tokens as the
corpus. A window starts at a sentence and is filled with whole sentences to the target length; A is a random number of
its first sentences, B its rest or, for half of the examples of next sentence prediction, sentences of another
document. This is `create_pretraining_data.py` of google-research/bert, made random access: there, where an example
starts depends on all the draws before it in its document; here windows lie on a grid that a random shift moves in each
epoch.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..data.examples import Key, split_key
from ..data.randomness import MovableRng, Stream
from ..data.sequences import SequenceFormat
from .config import PretrainConfig
from .corpus import TokenizedCorpus, continues_word, token_ids

IS_NEXT, IS_RANDOM = 0, 1


@dataclass(frozen=True)
class Pair:
    """Two segments of tokens of the corpus; `segment_b` is empty where there is no pair objective."""

    segment_a: np.ndarray  # (tokens_a,) int32
    segment_b: np.ndarray  # (tokens_b,) int32
    label: int  # 0 = B follows A; 1 = B is from another document (nsp), or A and B are swapped (sop)
    truncated: int  # tokens cut off to fit the length


@dataclass
class PretrainingExamples:
    """All examples of a corpus in every epoch: a map-style dataset that stores none of them.

    `examples[i]` is example i of epoch 0 and `examples[epoch, i, in_loss]` that of any epoch. An example is a dict:

    - `input_ids`: A and B with the special tokens of the format, (seq,) int64
    - `token_type_ids`: (seq,) int64; absent where the format has no types
    - `continues_word`: tokens that are not the first of their word, (seq,) bool
    - `next_sentence_label`: 0 or 1; absent where the objective is none
    - `rng_key`: (seed, epoch, index), by which the collator draws its masks
    - `in_loss`: whether it is in the loss
    """

    corpus: TokenizedCorpus
    config: PretrainConfig
    format: SequenceFormat
    seed: int = 42

    def __len__(self) -> int:
        return int(self._first_example[-1])

    def __getitem__(self, key: Key) -> dict[str, Any]:
        epoch, index, in_loss = split_key(key)
        if not 0 <= index < len(self):
            raise IndexError(f"example {index} of {len(self)}")
        pair = self.pair(epoch, index)
        with_pair = self.config.objective != "none"
        tokens = self.format.join(pair.segment_a, pair.segment_b if with_pair else None)
        second = len(pair.segment_a) + self.format.second_text if with_pair else len(tokens)
        label = {"next_sentence_label": pair.label} if with_pair else {}
        return {
            "input_ids": token_ids(tokens).astype(np.int64),
            **self.format.sequence_types(second, len(tokens)),
            "continues_word": continues_word(tokens),
            **label,
            "rng_key": (self.seed, epoch, index),
            "in_loss": in_loss,
        }

    def digest(self) -> str:
        """Return a hash of the text of all documents."""
        return self.corpus.digest()

    def pair(self, epoch: int, index: int) -> Pair:
        """Draw the segments of one example."""
        document = int(np.searchsorted(self._first_example, index, side="right")) - 1
        number = index - int(self._first_example[document])
        rng = self._pair_rng.at(self.seed, epoch, index)
        target = self.max_tokens
        if self.config.pairs == "sentences":
            segment_a, segment_b = self._sentence_pair(document, number)
        else:
            if rng.random() < self.config.short_sequence_probability:
                target = int(rng.integers(2, self.max_tokens + 1))
            segment_a, segment_b = self._window(epoch, document, number, target, rng)
        label = 0
        if self.config.objective == "nsp" and rng.random() < 0.5:
            label = IS_RANDOM
            segment_b = self._random_segment(document, target - len(segment_a), rng)
        elif self.config.objective == "sop" and rng.random() < 0.5:
            label = 1
            segment_a, segment_b = segment_b, segment_a
        return truncate_pair(segment_a, segment_b, label, self.max_tokens, rng)

    @property
    def max_tokens(self) -> int:
        """Tokens of A and B that fit beside the special tokens."""
        return self.config.max_length - self.format.special_tokens

    @property
    def documents(self) -> np.ndarray:
        """Number of the document of each example, (examples,) int64, rising."""
        return np.repeat(np.arange(len(self.corpus)), np.diff(self._first_example))

    @cached_property
    def _pair_rng(self) -> MovableRng:
        return MovableRng(Stream.PAIR)

    @cached_property
    def _document_rng(self) -> MovableRng:
        return MovableRng(Stream.DOCUMENT)

    @cached_property
    def _first_example(self) -> np.ndarray:
        """Number of the first example of each document, and the total, (documents + 1,)."""
        if self.config.pairs == "sentences":
            examples = np.maximum(self.corpus.sentence_counts - 1, 0)
        else:
            examples = -(-self.corpus.lengths // self.max_tokens)
        return np.concatenate([[0], np.cumsum(examples)])

    def _sentence_pair(self, document: int, number: int) -> tuple[np.ndarray, np.ndarray]:
        ids = self.corpus.tokens(document)
        borders = np.append(self.corpus.sentence_starts(document)[number : number + 3], len(ids))
        return ids[borders[0] : borders[1]], ids[borders[1] : borders[2]]

    def _window(
        self, epoch: int, document: int, number: int, target: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fill a window with whole sentences to `target` tokens and cut it into A and B at a random sentence."""
        ids, starts = self.corpus.tokens(document), self.corpus.sentence_starts(document)
        shift = self._document_rng.at(self.seed, epoch, document).random()
        first = np.searchsorted(starts, window_start(len(ids), self.max_tokens, number, shift), side="right") - 1
        borders = np.append(starts[first:], len(ids))
        last = int(np.searchsorted(borders, borders[0] + target))
        borders = borders[: last + 1]
        if self.config.objective == "none":
            return ids[borders[0] : borders[-1]], ids[:0]
        cut = self._cut(ids, borders, rng)
        return ids[borders[0] : cut], ids[cut : borders[-1]]

    def _cut(self, ids: np.ndarray, borders: np.ndarray, rng: np.random.Generator) -> int:
        """Choose where B starts: at a sentence, within a single sentence at a word, within a single word at a piece."""
        if len(borders) > 2:
            return int(borders[1 + rng.integers(len(borders) - 2)])
        inner = np.arange(borders[0] + 1, borders[-1])
        words = inner[~continues_word(ids[inner])]
        places = words if len(words) else inner
        return int(places[rng.integers(len(places))])

    def _random_segment(self, document: int, wanted: int, rng: np.random.Generator) -> np.ndarray:
        """Return sentences of another document, from a random one on, filled to about `wanted` tokens."""
        source = int(rng.integers(len(self.corpus) - 1))
        source += source >= document
        ids, starts = self.corpus.tokens(source), self.corpus.sentence_starts(source)
        borders = np.append(starts, len(ids))
        if self.config.pairs == "sentences":
            first = int(rng.integers(len(starts)))
            return ids[borders[first] : borders[first + 1]]
        # From any sentence with enough text after it, so that the length does not reveal whether B is random.
        candidates = max(1, int(np.searchsorted(starts, len(ids) - wanted, side="right")))
        first = int(rng.integers(candidates))
        last = int(np.searchsorted(borders, borders[first] + max(wanted, 1)))
        return ids[borders[first] : borders[min(last, len(borders) - 1)]]


def window_start(length: int, max_tokens: int, number: int, shift: float) -> int:
    """Return where a window of a document of `length` tokens starts.

    The n = ceil(length / max_tokens) windows are `max_tokens` long and cover the document, the first from its start and
    the last to its end; those between move left together by `shift` (0 to 1) times the tokens by which they overlap.

    >>> [window_start(300, 100, number, 0.0) for number in range(3)]
    [0, 100, 200]
    >>> [window_start(250, 100, number, 0.6) for number in range(3)]
    [0, 70, 150]
    """
    overlap = -length % max_tokens
    return min(max(number * max_tokens - round(shift * overlap), 0), max(length - max_tokens, 0))


def truncate_pair(
    segment_a: np.ndarray, segment_b: np.ndarray, label: int, max_tokens: int, rng: np.random.Generator
) -> Pair:
    """Cut tokens off random ends of the longer segment until both fit into `max_tokens`.

    `truncate_seq_pair` of google-research/bert, in one step.
    """
    excess = len(segment_a) + len(segment_b) - max_tokens
    if excess <= 0:
        return Pair(segment_a, segment_b, label, 0)
    cut_a, cut_b = _tokens_to_cut(len(segment_a), len(segment_b), excess)
    return Pair(_cut_ends(segment_a, cut_a, rng), _cut_ends(segment_b, cut_b, rng), label, excess)


def _tokens_to_cut(length_a: int, length_b: int, excess: int) -> tuple[int, int]:
    """Return how many tokens each segment loses if the longer one loses one at a time, B where they are equal."""
    lead = min(excess, abs(length_a - length_b))
    rest = excess - lead
    cut_a, cut_b = rest // 2, rest - rest // 2
    return (cut_a + lead, cut_b) if length_a > length_b else (cut_a, cut_b + lead)


def _cut_ends(segment: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    front = int(rng.binomial(count, 0.5))
    return segment[front : len(segment) - (count - front)]


def usable_documents(corpus: TokenizedCorpus, config: PretrainConfig) -> np.ndarray:
    """Return the numbers of the documents that are long enough: two tokens, or two sentences for sentence pairs."""
    if config.pairs == "sentences":
        return np.flatnonzero(corpus.sentence_counts >= 2)
    return np.flatnonzero(corpus.lengths >= (1 if config.objective == "none" else 2))
