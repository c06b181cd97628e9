"""F1 of the best spans, and of spans at random places: whether a model has learnt to find answers at all."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..reporting.statistics.clusters import Units, single_units
from .intervals import score_intervals
from .metrics import AnswerScores, f1_score

_DRAWS = 2000  # spans in all, so that the mean of few questions is steady


def answer_evidence(
    answers: AnswerScores, contexts: Sequence[str], references: Sequence[Sequence[str]], units: Units | None = None
) -> dict[str, Any]:
    """Return the F1 in percent of the answerable questions before any threshold, and that of random spans.

    Args:
        answers: scores of the best span of each question.
        contexts: of each question.
        references: answers of each question.
        units: of the questions that are independent of each other; None where all of them are.

    Returns:
        `answers_f1` with its 95% interval `answers_f1_interval`, `answers_scored` and `random_span_f1`; nothing without
        an answerable question.
    """
    chosen = np.flatnonzero(answers.has_answer).tolist()
    if not chosen:
        return {}
    f1 = 100.0 * float(answers.f1[answers.has_answer].mean())
    values = {"exact": answers.exact, "f1": answers.f1}
    bounds = score_intervals(values, {"": answers.has_answer}, units or single_units(len(answers.f1)))
    return {
        "answers_f1": f1,
        "answers_f1_interval": bounds.get("f1", (f1, f1)),
        "answers_scored": len(chosen),
        "random_span_f1": random_span_f1([contexts[n] for n in chosen], [references[n] for n in chosen]),
    }


def random_span_f1(contexts: Sequence[str], references: Sequence[Sequence[str]], seed: int = 0) -> float:
    """Return the mean F1 in percent of spans that begin at a random word of their context and have as many words as the
    answer to a random question.

    Args:
        contexts: of each question.
        references: answers of each question, at least one.
        seed: of the draws.

    >>> random_span_f1(["the mill"], [["mill"]]) < 100
    True
    """
    rng = np.random.default_rng(seed)
    lengths = np.array([max(len(answers[0].split()), 1) for answers in references])
    scores = []
    for _ in range(-(-_DRAWS // len(contexts))):
        for context, answers, length in zip(contexts, references, rng.permutation(lengths).tolist(), strict=True):
            words = context.split()
            start = int(rng.integers(max(len(words) - length, 0) + 1))
            span = " ".join(words[start : start + length])
            scores.append(max(f1_score(span, answer) for answer in answers))
    return 100.0 * float(np.mean(scores))
