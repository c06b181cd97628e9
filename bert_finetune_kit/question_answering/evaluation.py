"""Predictions of a split → scores, with a threshold fitted on one half and evaluated on the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from transformers import EvalPrediction

from ..contract import Evaluation, Outputs
from ..reporting.details import QuestionAnsweringDetails
from ..reporting.intervals import interval_note
from .breakdown import groups, scores_by_group, worst_errors
from .calibration import calibration_details, fit_calibration, scored_spans
from .data import QAData
from .example_rows import example_rows
from .intervals import independent_units
from .metrics import score_answers
from .overlap import overlap_scores
from .predictions import SpanPredictions, decode
from .question_spans import WindowSpans
from .random_spans import answer_evidence
from .result import EvalResult
from .threshold import DEFAULT_THRESHOLD, fit_threshold, score_histogram


@dataclass(frozen=True, kw_only=True)
class QAEvaluation(Evaluation):
    """Evaluation of question answering, with its predictions."""

    spans: SpanPredictions
    result: EvalResult


def evaluate_predictions(
    predictions: SpanPredictions,
    references: Sequence[Sequence[str]],
    titles: Sequence[str],
    threshold: float | None = None,
) -> EvalResult:
    """Score the predictions of a split, and fit when to abstain, unless that is given.

    Where all questions have answers, or all have none, nothing can be fitted, and all questions are scored: with
    answers alone every question is answered, as in SQuAD v1.1.

    Args:
        predictions: the best spans of each question.
        references: answers of each question; none where there is no answer.
        titles: article of each question.
        threshold: of a trained model, by which all questions are scored; none means that it is fitted.
    """
    answers, no_answer = score_answers(predictions.texts, references), predictions.spans.no_answer
    everything = np.ones(len(no_answer), bool)
    units = independent_units(titles, predictions.contexts, everything)
    if threshold is not None:
        return EvalResult(answers, no_answer, threshold, everything, is_given=True, units=units)
    if answers.has_answer.all():
        return EvalResult(answers, no_answer, 1.0, everything, units=units)
    if not answers.has_answer.any():
        return EvalResult(answers, no_answer, DEFAULT_THRESHOLD, everything, units=units)
    fitted = fit_threshold(answers, no_answer, titles, predictions.contexts)
    units = independent_units(titles, predictions.contexts, ~fitted.fit)
    return EvalResult(answers, no_answer, fitted.threshold, ~fitted.fit, fitted.f1, fitted.split_by, units=units)


def score_outputs(data: QAData, outputs: Outputs) -> tuple[dict[str, float], SpanPredictions, EvalResult]:
    """Return the scores of an evaluation, the predictions, and their result.

    Args:
        data: of the run.
        outputs: of the validation split: losses (windows,), and the fields of `WindowSpans`.
    """
    losses, *spans = outputs
    split = data.validation_split
    predictions = decode(WindowSpans(*spans), split.windows, split.examples.tokens, split.contexts)
    result = evaluate_predictions(predictions, split.references, split.titles, data.threshold)
    in_loss = split.examples.in_loss
    assert in_loss is not None
    scores = {**result.epoch_scores(), "loss": float(losses.sum() / max(in_loss.sum(), 1))}
    if predictions.non_finite_windows:
        if predictions.non_finite_windows == len(losses):  # no score of such a model may be the best one
            scores = dict.fromkeys(scores, float("nan"))
        scores["non_finite_windows"] = predictions.non_finite_windows
    return scores, predictions, result


def answers_given(predictions: SpanPredictions, result: EvalResult) -> list[str]:
    """Return the answer to each question, empty where the model abstains."""
    return ["" if abstains else text for text, abstains in zip(predictions.texts, result.abstains, strict=True)]


def evaluate(data: QAData, outputs: Mapping[str, Outputs]) -> QAEvaluation:
    """Return what the saved weights score on the validation split, and the figures behind the report's tables.

    Args:
        data: of the run.
        outputs: of the validation split, as `score_outputs` takes them.
    """
    ((split, rows),) = outputs.items()
    scores, predictions, result = score_outputs(data, rows)
    details = details_of(data, predictions, result)
    fitted_on = None if result.fit_f1 is None else ~result.scored
    exact = result.by_question()["exact"]
    scored = scored_spans(data, predictions.spans, result.answers, result.abstains, exact, fitted_on)
    calibration = data.calibration or fit_calibration(scored)
    details |= calibration_details(scored, calibration)
    baselines = {}
    if result.is_mixed:
        baseline = result.no_answer_baseline
        baselines = {"always_abstain": {"exact": baseline, "f1": baseline, "HasAns_f1": 0.0, "NoAns_f1": 100.0}}
    return QAEvaluation(
        scores=scores,
        intervals=details["intervals"],
        baselines=baselines,
        details=details,
        evidence=answer_lengths(predictions, result, data.validation_split.references)
        | answer_evidence(result.answers, predictions.contexts, data.validation_split.references, result.units),
        predictions=partial(
            example_rows,
            split,
            data.validation_split,
            predictions,
            result.abstains,
            result.scored,
            result.by_question(),
            rows[0],
        ),
        spans=predictions,
        result=result,
        calibration=calibration,
    )


def eval_prediction(
    data: QAData, predictions: SpanPredictions | None = None, result: EvalResult | None = None
) -> EvalPrediction:
    """Return predictions and references as the metric `squad_v2` and a user's `compute_metrics` take them.

    Args:
        data: of the run.
        predictions: of the validation split; none means no answer to every question, to try a function.
        result: that goes with them.
    """
    rows = data.validation_split.rows
    ids, references = rows["id"][:], rows["answers"][:]
    texts, no_answer = [""] * len(ids), np.ones(len(ids))
    if predictions is not None and result is not None:
        texts, no_answer = answers_given(predictions, result), result.no_answer
    predicted: Any = [
        {"id": id_, "prediction_text": text, "no_answer_probability": probability}
        for id_, text, probability in zip(ids, texts, no_answer.tolist(), strict=True)
    ]
    expected: Any = [{"id": id_, "answers": answers} for id_, answers in zip(ids, references, strict=True)]
    return EvalPrediction(predicted, expected)


def details_of(data: QAData, predictions: SpanPredictions, result: EvalResult) -> QuestionAnsweringDetails:
    """Return the figures behind the tables of a report."""
    split = data.validation_split
    texts = answers_given(predictions, result)
    chosen = (result.scored & result.answers.has_answer).nonzero()[0].tolist()
    overlap, notes = overlap_scores([texts[n] for n in chosen], [split.references[n] for n in chosen])
    by_question = result.by_question()
    kinds = groups(split.rows["question"][:], split.contexts, split.references)
    details: QuestionAnsweringDetails = {
        "scores": result.scores,
        "intervals": result.intervals(),
        "interval_note": "" if result.units is None else interval_note(result.units.take(result.scored)),
        "no_answer_baseline": result.no_answer_baseline,
        "official": result.official,
        "threshold": result.threshold,
        "fitted": result.fit_f1 is not None,
        "given": result.is_given,
        "split_by": result.split_by,
        "abstained": 100.0 * float(result.abstains[result.scored].mean()),
        "overlap": overlap,
        "overlap_notes": notes,
        "groups": {kind: scores_by_group(by_question, ~result.abstains, names) for kind, names in kinds.items()},
        "worst_errors": worst_errors(
            by_question["f1"], result.answers.has_answer, result.abstains, predictions, split.rows
        ),
        "non_finite_windows": predictions.non_finite_windows,
        "answers_not_in_context": {
            name: part.check.missing for name, part in (("train", data.train_split), ("validation", split)) if part
        },
    }
    if result.is_mixed:
        details["no_answer_histogram"] = score_histogram(result.no_answer, result.answers.has_answer, result.threshold)
    return details


def answer_lengths(
    predictions: SpanPredictions, result: EvalResult, references: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Return the lengths of predictions and references in words.

    Returns:
        Of the questions with both an answer and a prediction `answers_compared`, the mean `predicted_words` with its
        standard error `predicted_words_error`, and the mean `answer_words`; and the `length_ratio` of all predicted
        words to all words of the closest answers, over the scored questions with an answer.
    """
    predicted = np.array([len(text.split()) for text in predictions.texts], float)
    lengths = [[len(answer.split()) for answer in answers] or [0] for answers in references]
    true = np.array([float(np.mean(counts)) for counts in lengths])
    closest = np.array(
        [counts[np.abs(np.array(counts) - count).argmin()] for counts, count in zip(lengths, predicted, strict=True)]
    )
    has_answer, abstains = result.answers.has_answer, result.abstains
    scored = result.scored & has_answer
    words = np.where(abstains, 0.0, predicted)[scored].sum()
    ratio = {"length_ratio": float(words / max(closest[scored].sum(), 1.0))}
    both = has_answer & ~abstains
    if not both.any():
        return ratio
    count = int(both.sum())
    return ratio | {
        "answers_compared": count,
        "predicted_words": float(predicted[both].mean()),
        "predicted_words_error": float(predicted[both].std() / count**0.5),
        "answer_words": float(true[both].mean()),
    }
