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

from ..data.randomness import Stream, stateless_rng
from .config import PretrainConfig
from .corpus import TokenizedCorpus

IS_NEXT, IS_RANDOM = 0, 1

# Which example: its number, or (epoch, number, whether it counts). A sampler for several processes fills its last batch
# with examples that do not count.
Key = int | tuple[int, int, bool]


@dataclass(frozen=True)
class Pair:
    """Two segments of token ids; `segment_b` is empty where there is no pair objective."""

    segment_a: np.ndarray  # (tokens_a,) int32
    segment_b: np.ndarray  # (tokens_b,) int32
    label: int  # 0 = B follows A; 1 = B comes from another document (nsp), or A and B are swapped (sop)
    truncated: int  # tokens cut away to fit the length


@dataclass
class PretrainingExamples:
    """All examples of a corpus in every epoch: a map-style dataset that stores none of them.

    `examples[i]` is example i of epoch 0 and `examples[epoch, i, counts]` that of any epoch. An example is a dict:

    - `input_ids`: `[CLS] A [SEP] B [SEP]`, (seq,) int64
    - `token_type_ids`: 0 up to and with the first `[SEP]`, then 1, (seq,) int64
    - `next_sentence_label`: 0 or 1; absent where the objective is none
    - `draw`: (seed, epoch, index), by which the collator draws its masks
    - `counts`: whether it counts in the loss
    """

    corpus: TokenizedCorpus
    config: PretrainConfig
    cls_token_id: int
    sep_token_id: int
    continuation: np.ndarray  # (vocab,) bool: the piece continues a word
    seed: int = 42

    def __len__(self) -> int:
        return int(self._first_example[-1])

    def __getitem__(self, key: Key) -> dict[str, Any]:
        epoch, index, counts = (0, int(key), True) if isinstance(key, int | np.integer) else key
        if not 0 <= index < len(self):
            raise IndexError(f"example {index} of {len(self)}")
        pair = self.pair(epoch, index)
        with_pair = self.config.objective != "none"
        parts: list[Any] = [[self.cls_token_id], pair.segment_a, [self.sep_token_id]]
        input_ids = np.concatenate([*parts, pair.segment_b, [self.sep_token_id]] if with_pair else parts)
        token_type_ids = np.zeros(len(input_ids), np.int64)
        token_type_ids[len(pair.segment_a) + 2 :] = 1
        label = {"next_sentence_label": pair.label} if with_pair else {}
        return {
            "input_ids": input_ids.astype(np.int64),
            "token_type_ids": token_type_ids,
            **label,
            "draw": (self.seed, epoch, index),
            "counts": counts,
        }

    def pair(self, epoch: int, index: int) -> Pair:
        """Draw the segments of one example."""
        document = int(np.searchsorted(self._first_example, index, side="right")) - 1
        place = index - int(self._first_example[document])
        rng = stateless_rng(self.seed, epoch, index, Stream.PAIR)
        target = self.room
        if self.config.pairs == "sentences":
            segment_a, segment_b = self._sentence_pair(document, place)
        else:
            if rng.random() < self.config.short_sequence_probability:
                target = int(rng.integers(2, self.room + 1))
            segment_a, segment_b = self._window(epoch, document, place, target, rng)
        label = 0
        if self.config.objective == "nsp" and rng.random() < 0.5:
            label = IS_RANDOM
            segment_b = self._random_segment(document, target - len(segment_a), rng)
        elif self.config.objective == "sop" and rng.random() < 0.5:
            label = 1
            segment_a, segment_b = segment_b, segment_a
        return truncate_pair(segment_a, segment_b, label, self.room, rng)

    @property
    def room(self) -> int:
        """Tokens of A and B that fit beside the special tokens."""
        return self.config.max_length - (2 if self.config.objective == "none" else 3)

    @cached_property
    def _first_example(self) -> np.ndarray:
        """Number of the first example of each document, and the total, (documents + 1,)."""
        if self.config.pairs == "sentences":
            examples = np.maximum(self.corpus.sentence_counts - 1, 0)
        else:
            examples = -(-self.corpus.lengths // self.room)
        return np.concatenate([[0], np.cumsum(examples)])

    def _sentence_pair(self, document: int, place: int) -> tuple[np.ndarray, np.ndarray]:
        ids = self.corpus.input_ids(document)
        borders = np.append(self.corpus.sentence_starts(document)[place : place + 3], len(ids))
        return ids[borders[0] : borders[1]], ids[borders[1] : borders[2]]

    def _window(
        self, epoch: int, document: int, place: int, target: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fill a window with whole sentences to `target` tokens and cut it into A and B at a random sentence."""
        ids, starts = self.corpus.input_ids(document), self.corpus.sentence_starts(document)
        shift = stateless_rng(self.seed, epoch, document, Stream.DOCUMENT).random()
        first = np.searchsorted(starts, window_start(len(ids), self.room, place, shift), side="right") - 1
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
            return int(rng.choice(borders[1:-1]))
        inner = np.arange(borders[0] + 1, borders[-1])
        words = inner[~self.continuation[ids[inner]]]
        return int(rng.choice(words if len(words) else inner))

    def _random_segment(self, document: int, wanted: int, rng: np.random.Generator) -> np.ndarray:
        """Return sentences of another document, from a random one on, filled to about `wanted` tokens."""
        other = int(rng.integers(len(self.corpus) - 1))
        other += other >= document
        ids, starts = self.corpus.input_ids(other), self.corpus.sentence_starts(other)
        borders = np.append(starts, len(ids))
        if self.config.pairs == "sentences":
            first = int(rng.integers(len(starts)))
            return ids[borders[first] : borders[first + 1]]
        # From any sentence after which there is enough text, so that length does not tell a random B from a true one.
        roomy = max(1, int(np.searchsorted(starts, len(ids) - wanted, side="right")))
        first = int(rng.integers(roomy))
        last = int(np.searchsorted(borders, borders[first] + max(wanted, 1)))
        return ids[borders[first] : borders[min(last, len(borders) - 1)]]


def window_start(length: int, room: int, place: int, shift: float) -> int:
    """Return where window `place` of a document of `length` tokens starts.

    The n = ceil(length / room) windows are `room` tokens long, cover the document, the first from its start and the
    last to its end; those between move left together by `shift` (0 to 1) times the room that is over.

    >>> [window_start(300, 100, place, 0.0) for place in range(3)]
    [0, 100, 200]
    >>> [window_start(250, 100, place, 0.6) for place in range(3)]
    [0, 70, 150]
    """
    over = -length % room
    return int(np.clip(place * room - round(shift * over), 0, max(length - room, 0)))


def truncate_pair(
    segment_a: np.ndarray, segment_b: np.ndarray, label: int, room: int, rng: np.random.Generator
) -> Pair:
    """Cut tokens off random ends of the longer segment until both fit into `room`.

    `truncate_seq_pair` of google-research/bert, in one step.
    """
    over = len(segment_a) + len(segment_b) - room
    if over <= 0:
        return Pair(segment_a, segment_b, label, 0)
    cut_a, cut_b = _shares(len(segment_a), len(segment_b), over)
    return Pair(_cut_ends(segment_a, cut_a, rng), _cut_ends(segment_b, cut_b, rng), label, over)


def _shares(length_a: int, length_b: int, over: int) -> tuple[int, int]:
    """How many tokens each segment loses when each time the longer one loses one, B where they are equal."""
    lead = min(over, abs(length_a - length_b))
    rest = over - lead
    cut_a, cut_b = rest // 2, rest - rest // 2
    return (cut_a + lead, cut_b) if length_a > length_b else (cut_a, cut_b + lead)


def _cut_ends(segment: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    front = int(rng.binomial(count, 0.5))
    return segment[front : len(segment) - (count - front)]


def usable_documents(corpus: TokenizedCorpus, config: PretrainConfig) -> np.ndarray:
    """Return the numbers of the documents that can give an example: two tokens, or two sentences for sentence pairs."""
    if config.pairs == "sentences":
        return np.flatnonzero(corpus.sentence_counts >= 2)
    return np.flatnonzero(corpus.lengths >= (1 if config.objective == "none" else 2))


def split_held_out(documents: int, share: float, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide document numbers into (train, held out). The same documents are held out whatever the seed of the run."""
    order = stateless_rng(0, 0, 0, Stream.HELD_OUT).permutation(documents)
    held_out = max(least, round(documents * share))
    return np.sort(order[held_out:]), np.sort(order[:held_out])
