"""Prediction: questions and contexts → answers, in memory and as the files of the official scripts."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from ..calibration.saved import NOT_CALIBRATED
from ..compat.datasets import no_progress_bars
from ..contract import Forward, LoadedModel
from ..data.memory import as_dataset
from ..data.question_rows import as_questions, to_answer
from ..data.row_stream import stream_rows
from ..data.sequences import sequence_formats
from ..errors import ConfigError, DataError
from ..inference.batches import run_batches
from ..inference.choices import Choices
from ..inference.path_warning import warn_of_paths
from ..modeling.architecture import takes_token_types
from ..text_files import write_text
from .collator import DataCollatorForQuestionAnswering
from .config import QAConfig
from .examples import QAExamples
from .predictions import EMPTY, Answer, SpanPredictions, decode, question_texts, refuse, to_answers
from .predictions import to_row as to_row
from .question_spans import WindowSpans
from .tokens import tokenize_questions
from .windows import build_windows

PREDICTIONS_FOLDER = "predictions"
NO_THRESHOLD = "No abstention threshold: call train() or evaluate(), or load by from_pretrained."


def to_rows(inputs: Any, question: Any, context: Any) -> Dataset | None:
    """Return the inputs of `predict` as rows of questions; none where there are none.

    Args:
        inputs: a `Dataset`, a DataFrame, a list of dicts or the `Path` of a file with the columns question and context;
            or a list of (question, context); or none.
        question: a question or a list of them.
        context: the context of all, or a list with one for each question.

    Raises:
        DataError: it is none of these, or a question or context is not a text.
    """
    if inputs is not None:
        if question is not None or context is not None:
            raise DataError("Give rows of questions, or question= and context=: not both.")
        given = stream_rows(inputs) if isinstance(inputs, Path) else as_dataset(inputs)
        if isinstance(given, Dataset | Iterator):
            rows = list(given)
            return to_answer(rows, str(inputs) if isinstance(inputs, Path) else "the given data") if rows else None
        if not isinstance(given, list | tuple) or not all(isinstance(pair, list | tuple) for pair in given):
            raise DataError(
                f"predict() does not accept a {type(given).__name__}: give question and context, or a list of dicts, "
                "a DataFrame, a Dataset or a Path with columns of these names."
            )
        if not all(len(pair) == 2 for pair in given):
            raise DataError("A list of pairs must have a question and a context in each of them.")
        question, context = [pair[0] for pair in given], [pair[1] for pair in given]
    questions, contexts = question_texts(question, context)
    warn_of_paths(dict.fromkeys([*questions, *contexts]))
    return as_questions({"question": questions, "context": contexts}) if questions else None


def predict_rows(
    rows: Dataset,
    config: QAConfig,
    trained: LoadedModel,
    lengths: Sequence[int] | None,
    batch_size: int,
    choices: Choices,
) -> list[Answer]:
    """Return the answer to each question, `EMPTY` for empty ones.

    Args:
        rows: of questions.
        config: lengths and search of spans.
        trained: the model, with its threshold.
        lengths: that batches may have; none means any.
        batch_size: windows per batch.
        choices: which answers to refuse.

    Raises:
        ConfigError: the threshold is not known.
    """
    if trained.usage is None:
        raise ConfigError(NO_THRESHOLD)
    usable = [number for number, question in enumerate(rows["question"]) if question.strip()]
    answers = [EMPTY] * len(rows)
    if not usable:
        return answers
    with no_progress_bars():
        chosen = rows if len(usable) == len(rows) else rows.select(usable).flatten_indices()
    tokens = tokenize_questions(chosen, trained.tokenizer, cached=False)
    _, pair = sequence_formats(trained.tokenizer, takes_token_types(trained.model.config))
    windows = build_windows(tokens, config, pair)
    collator = DataCollatorForQuestionAnswering(trained.tokenizer.pad_token_id, pair, lengths)
    examples = QAExamples(tokens, windows)
    spans = predict_spans(trained.model, trained.forward, examples, collator, config, batch_size)
    predictions = decode(spans, windows, tokens, chosen["context"][:])
    calibration = trained.calibration or NOT_CALIBRATED
    predicted = to_answers(predictions, trained.usage, calibration.fitted)
    for number, answer in zip(usable, refuse(predicted, choices.selection), strict=True):
        answers[number] = answer
    return answers


def predict_spans(
    model: Any,
    forward: Forward,
    examples: QAExamples,
    collator: Callable[[list[Any]], Any],
    config: QAConfig,
    batch_size: int,
) -> WindowSpans:
    """Return the best spans of all windows."""
    shape = (len(examples), config.n_best)
    scores, null = np.zeros(shape, np.float32), np.zeros(shape[0], np.float32)
    starts, ends = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for rows, output in run_batches(model, examples, examples.windows.lengths, collator, batch_size, forward):
        scores[rows] = output.span_scores.float().cpu().numpy()
        starts[rows], ends[rows] = output.span_starts.cpu().numpy(), output.span_ends.cpu().numpy()
        null[rows] = output.null_scores.float().cpu().numpy()
    return WindowSpans(scores, starts, ends, null)


def write_predictions(
    predictions: SpanPredictions, abstains: np.ndarray, ids: Sequence[str], folder: str | Path
) -> None:
    """Write the predictions of a split into `folder`/predictions.

    - `predictions.json`: the answer to each question by id, empty for no answer: the input of `evaluate-v2.0.py` and
      `evaluate-v1.1.py`.
    - `best_spans.json` and `na_prob.json`: the best span of each question whatever the threshold, and its probability
      of no answer. `evaluate-v2.0.py DATA best_spans.json --na-prob-file na_prob.json --na-prob-thresh THRESHOLD`
      prints the figures of the report, the oracle `best_*` among them.
    - `nbest_predictions.json`: by id a list of `text` and `probability`, no answer (empty) among them.

    Args:
        predictions: the best spans of each question.
        abstains: (questions,) bool.
        ids: of the questions.
        folder: of the run.
    """
    texts, shares = predictions.texts, predictions.spans.probabilities()
    n_best = {}
    for number, question_id in enumerate(ids):
        values = enumerate(shares[number, :-1])
        spans = [(predictions.text(number, rank), value) for rank, value in values if value]
        spans.append(("", shares[number, -1]))
        spans.sort(key=lambda span: -span[1])
        n_best[question_id] = [{"text": text, "probability": round(float(value), 6)} for text, value in spans]
    answers = ["" if abstained else text for text, abstained in zip(texts, abstains.tolist(), strict=True)]
    target = Path(folder) / PREDICTIONS_FOLDER
    target.mkdir(parents=True, exist_ok=True)
    files = {
        "predictions.json": dict(zip(ids, answers, strict=True)),
        "best_spans.json": dict(zip(ids, texts, strict=True)),
        "na_prob.json": dict(zip(ids, predictions.spans.no_answer.tolist(), strict=True)),
        "nbest_predictions.json": n_best,
    }
    for name, content in files.items():
        write_text(target / name, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
