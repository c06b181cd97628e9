"""Occlusion: what each word adds to a prediction, by predicting the text without it."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import DataError
from .explanation import Explanation, Stop, Stopped, WordAttribution, attributed_words
from .words import word_spans

Texts = tuple[str, ...]
"""A text, or the two of a pair."""
_TINY = 1e-12  # probabilities of 0 and 1 have no log-odds


def occlude(
    texts: Texts,
    predict: Callable[[list[Any]], Sequence[Any]],
    label: str | None = None,
    *,
    batch_size: int = 32,
    stop: Stop | None = None,
) -> Explanation:
    """Return what each word of a text or pair adds to a prediction.

    Args:
        texts: one, or two of a pair.
        predict: texts, or tuples of pairs → objects with `label`, `score` and `scores`, as `Prediction` has them.
        label: that is explained; none means the one that is predicted, of several the likeliest.
        batch_size: texts of one call of `predict`.
        stop: is asked before each call.

    Raises:
        DataError: there is no such label, a text is empty, or one has a single word, without which nothing remains.
        Stopped: `stop` said so.
    """
    spans = [word_spans(text) for text in texts]
    if min(map(len, spans)) < 2:
        raise DataError(
            "Occlusion compares a text with what remains without one of its words: each text needs two words or more."
        )
    changed = [
        (*texts[:part], without(text, *span), *texts[part + 1 :])
        for part, text in enumerate(texts)
        for span in spans[part]
    ]
    inputs: list[Any] = [variant[0] if len(texts) == 1 else variant for variant in (texts, *changed)]
    predictions: list[Any] = []
    for first in range(0, len(inputs), batch_size):
        if stop is not None and stop():
            raise Stopped
        predictions += predict(inputs[first : first + batch_size])
    label = chosen_label(predictions[0], label)
    output, *others = (log_odds(prediction, label) for prediction in predictions)
    words: list[WordAttribution] = []
    for part, text in enumerate(texts):
        values = [output - other for other in others[len(words) : len(words) + len(spans[part])]]
        words += attributed_words(text, values, part=part)
    return Explanation(label, "occlusion", tuple(words), output)


def without(text: str, start: int, end: int) -> str:
    """Return a text without one of its words, and without white space that would be left on both sides of it.

    >>> without("a cold soup, please", 2, 6), without("a cold soup, please", 11, 12)
    ('a soup, please', 'a cold soup please')
    """
    before, after = text[:start], text[end:]
    return before + (after.lstrip() if not before or before[-1].isspace() else after)


def chosen_label(prediction: Any, label: str | None) -> str | None:
    """Return the label to explain; none of a regression.

    Args:
        prediction: of the text.
        label: that is asked for; none means the predicted one, of several the likeliest.

    Raises:
        DataError: there is no such label.
    """
    if label is not None and label not in prediction.scores:
        names = ", ".join(prediction.scores) or "none, as the model predicts a number"
        raise DataError(f"There is no label {label!r} to explain: the labels are {names}.")
    if label is not None or not prediction.scores:
        return label
    return prediction.label if isinstance(prediction.label, str) else max(prediction.scores, key=prediction.scores.get)


def log_odds(prediction: Any, label: str | None) -> float:
    """Return the log-odds of a label by its probability; the number itself of a regression.

    Args:
        prediction: with `label`, a tuple of a task with several labels an example, `score` and `scores`.
        label: none of a regression.
    """
    if label is None:
        return float(prediction.score)
    probability = prediction.scores[label]
    # A sum of the others is exact where 1 - probability would be rounded to 0.
    others = [value for name, value in prediction.scores.items() if name != label]
    rest = 1 - probability if isinstance(prediction.label, tuple) else sum(others)
    return math.log(max(probability, _TINY)) - math.log(max(rest, _TINY))
