"""Where a model is right and where it is wrong: scores by kind of question, and the worst errors."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np

from .decoding import Told
from .judging import Judgement

_QUESTION_WORD = re.compile(r"\b(how many|how much|what|who|whom|whose|when|where|which|why|how)\b", re.IGNORECASE)
_SAME_WORD = {"whom": "who", "whose": "who", "how much": "how many"}
_ANSWER_WORDS = (1, 2, 4, 8)  # the fewest words of each group but "no answer"
_CONTEXT_WORDS = (1, 101, 151, 201)
_EXCERPT = 200  # characters of a context around what matters


def question_word(question: str) -> str:
    """Return the first question word of a question.

    >>> question_word("In which year did it close?"), question_word("Name the mill.")
    ('which', 'none')
    """
    found = _QUESTION_WORD.search(question)
    word = found[0].lower() if found else "none"
    return _SAME_WORD.get(word, word)


def length_group(words: int, fewest: Sequence[int]) -> str:
    """Return the group that a number of words belongs to.

    >>> length_group(3, (1, 2, 4)), length_group(1, (1, 2, 4)), length_group(9, (1, 2, 4))
    ('2 to 3', '1', '4 and more')
    """
    place = max(bisect_right(fewest, words) - 1, 0)
    if place == len(fewest) - 1:
        return f"{fewest[place]} and more"
    last = fewest[place + 1] - 1
    return f"{fewest[place]} to {last}" if last > fewest[place] else str(last)


def groups(
    questions: Sequence[str], contexts: Sequence[str], references: Sequence[Sequence[str]]
) -> dict[str, list[str]]:
    """Return by what questions are told apart: for each way the group of every question."""
    answers = [length_group(len(texts[0].split()), _ANSWER_WORDS) if texts else "no answer" for texts in references]
    return {
        "question word": [question_word(question) for question in questions],
        "words of the answer": answers,
        "words of the context": [length_group(len(context.split()), _CONTEXT_WORDS) for context in contexts],
    }


def scores_by_group(judgement: Judgement, named: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return of each group `questions`, `exact`, `f1` and `answered` in percent, the largest group first."""
    names = np.array(named, object)
    values = judgement.by_question() | {"answered": ~judgement.abstains}
    found = {}
    for name in sorted(set(named), key=lambda one: (-int((names == one).sum()), one)):
        chosen = names == name
        shares = {key: 100.0 * float(column[chosen].mean()) for key, column in values.items()}
        found[name] = {"questions": int(chosen.sum()), **shares}
    return found


def worst_errors(judgement: Judgement, told: Told, rows: Any, each: int = 4) -> list[dict[str, Any]]:
    """Return the errors that the model is surest of, some of each kind.

    Returns:
        Dicts of `kind`, `id`, `question`, `answers`, `prediction` (empty for no answer), `probability` that the model
        gives it, and `context`.
    """
    wrong = judgement.by_question()["f1"] == 0
    has_answer, abstains = judgement.answers.has_answer, judgement.abstains
    probabilities = told.spans.probabilities()
    sure = np.where(abstains, probabilities[:, -1], probabilities[:, 0])
    kinds = {
        "answered what has no answer": wrong & ~has_answer & ~abstains,
        "another answer": wrong & has_answer & ~abstains,
        "no answer to what has one": wrong & has_answer & abstains,
    }
    found = []
    for kind, chosen in kinds.items():
        numbers = np.flatnonzero(chosen)
        for number in numbers[np.argsort(-sure[numbers], kind="stable")][:each].tolist():
            row = rows[number]
            found.append(
                {
                    "kind": kind,
                    "id": row["id"],
                    "question": row["question"],
                    "answers": list(dict.fromkeys(row["answers"]["text"])),
                    "prediction": "" if abstains[number] else told.text(number),
                    "probability": float(sure[number]),
                    "context": row["context"],
                }
            )
    return found


def excerpt(context: str, texts: Sequence[str]) -> str:
    """Return the part of a context around the first of `texts` that it holds, else its beginning.

    >>> excerpt("a" * 300 + " mill " + "b" * 300, ["mill"]).count("mill")
    1
    """
    place = next((context.index(text) for text in texts if text and text in context), 0)
    begin = max(0, min(place - _EXCERPT // 2, len(context) - _EXCERPT))
    part = context[begin : begin + _EXCERPT]
    return ("… " if begin else "") + part.strip() + (" …" if begin + _EXCERPT < len(context) else "")
