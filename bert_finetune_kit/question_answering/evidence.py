"""What the diagnosis of question answering needs, in numbers."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..data.duplicates import shared_texts
from .decoding import Told
from .features import TokenizedQuestions
from .judging import Judgement


def answer_lengths(told: Told, judgement: Judgement, references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return how many words answers have, beside the true ones.

    Returns:
        Of the questions that have an answer and got one `answers_compared`, the mean `said_words` with its standard
        error `said_words_error`, and the mean `answer_words`; and the `length_ratio` of all words said to all words of
        the closest answers, over those that have an answer and count in the scores.
    """
    texts = told.texts
    said = np.array([len(text.split()) for text in texts], float)
    lengths = [[len(answer.split()) for answer in answers] or [0] for answers in references]
    true = np.array([float(np.mean(one)) for one in lengths])
    closest = np.array([one[np.abs(np.array(one) - count).argmin()] for one, count in zip(lengths, said, strict=True)])
    has_answer, silent = judgement.answers.has_answer, judgement.abstains
    scored = judgement.scored & has_answer
    spoken = np.where(silent, 0.0, said)[scored].sum()
    found = {"length_ratio": float(spoken / max(closest[scored].sum(), 1.0))}
    both = has_answer & ~silent
    if not both.any():
        return found
    count = int(both.sum())
    return found | {
        "answers_compared": count,
        "said_words": float(said[both].mean()),
        "said_words_error": float(said[both].std() / count**0.5),
        "answer_words": float(true[both].mean()),
    }


def shared_contexts(train: TokenizedQuestions, validation: TokenizedQuestions) -> dict[str, Any]:
    """Return how many questions of the validation split are on a context of the train split; see `shared_texts`."""
    return shared_texts(_contexts(train), _contexts(validation), "questions (by their context)")


def _contexts(tokens: TokenizedQuestions) -> Iterator[bytes]:
    return (tokens.context(number).tobytes() for number in range(len(tokens)))
