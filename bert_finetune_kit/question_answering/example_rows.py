"""Predictions of single questions as rows of `predictions.jsonl`."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..reporting.predictions import text_hash
from .data import QASplit
from .predictions import SpanPredictions


def example_rows(
    name: str,
    split: QASplit,
    predictions: SpanPredictions,
    abstains: np.ndarray,
    scored: np.ndarray,
    by_question: Mapping[str, np.ndarray],
    losses: np.ndarray,
) -> Iterator[dict[str, Any]]:
    """Yield one row a question, in the order of the split.

    Args:
        name: of the split.
        split: its questions and windows.
        predictions: the best spans of each question.
        abstains: (questions,) bool.
        scored: (questions,) bool: those that the scores of the report are of.
        by_question: exact match and F1 of each question at the threshold, (questions,) from 0 to 1.
        losses: of the windows, (windows,), 0 for those that are not in the loss.

    Yields:
        `split`; `row`, its number there; `id`; `group`, the article; `text_hash` of question and context,
        `context_hash` of the context alone;
        `reference`, the answers, none where there is none; `prediction`, empty where the model abstains; `start` of
        the prediction in the context; `score`, the probability of that prediction; `best_span` whatever the
        threshold; `no_answer`, the probability that is compared with it; `exact` and `f1` from 0 to 1; `scored`,
        whether it is in the scores of the report, and not one that the threshold was fitted on; `loss`, the mean of the
        windows that are in the loss, None where there is none.
    """
    spans, probabilities = predictions.spans, predictions.spans.probabilities()
    in_loss = np.ones(len(losses)) if split.examples.in_loss is None else split.examples.in_loss.astype(float)
    questions = split.windows.question
    sums, counts = (np.bincount(questions, values, len(split.rows)) for values in (losses * in_loss, in_loss))
    for number, row in enumerate(split.rows):
        abstained, text = bool(abstains[number]), predictions.text(number)
        yield {
            "split": name,
            "row": number,
            "id": row["id"],
            "group": row["title"],
            "text_hash": text_hash(row["question"], row["context"]),
            "context_hash": text_hash(row["context"]),
            "reference": list(dict.fromkeys(row["answers"]["text"])),
            "prediction": "" if abstained else text,
            "start": None if abstained else int(predictions.begin[number, 0]),
            "score": float(probabilities[number, -1 if abstained else 0]),
            "best_span": text,
            "no_answer": float(spans.no_answer[number]),
            **{score: float(values[number]) for score, values in by_question.items()},
            "scored": bool(scored[number]),
            "loss": float(sums[number] / counts[number]) if counts[number] else None,
        }
