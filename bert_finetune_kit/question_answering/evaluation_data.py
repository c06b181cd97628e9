"""Questions with answers to score a trained model on → data with its own threshold."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..calibration.saved import NOT_CALIBRATED
from ..contract import LoadedModel
from ..data.questions import load_to_evaluate
from ..data.sequences import sequence_formats
from ..data.sources import QuestionSource
from ..errors import ConfigError
from ..modeling.architecture import takes_token_types
from .collator import DataCollatorForQuestionAnswering
from .config import QAConfig
from .data import QAData, build_split, glossary, missing_notes
from .predict import NO_THRESHOLD


def evaluation_data(
    given: Any,
    config: QAConfig,
    trained: LoadedModel,
    lengths: Sequence[int] | None,
    source: QuestionSource,
    trained_on: QAData | None,
) -> QAData:
    """Return questions as the data of an evaluation, all of which are scored at the threshold of the model.

    Args:
        given: as `load_to_evaluate` takes it.
        config: lengths and search of spans.
        trained: the model, with the probability of no answer above which it abstains.
        lengths: that batches may have; none means any.
        source: of the recipe.
        trained_on: data of the training, if it was one of this process.

    Raises:
        DataError: it cannot be read, or has no answers.
        ConfigError: the threshold is not known.
    """
    if trained.usage is None:
        raise ConfigError(NO_THRESHOLD)
    tokenizer = trained.tokenizer
    questions = load_to_evaluate(given, source)
    _, pair = sequence_formats(tokenizer, takes_token_types(trained.model.config))
    split = build_split(questions.rows, config, tokenizer, pair, train=False)
    has_answer = [bool(answers) for answers in split.references]
    no_windows = split.windows.take(np.arange(0))
    return QAData(
        name=questions.name,
        tokenizer=tokenizer,
        initial_model="",
        train=replace(split.examples, windows=no_windows) if trained_on is None else trained_on.train,
        validation={questions.split: split.examples},
        collator=DataCollatorForQuestionAnswering(tokenizer.pad_token_id, pair, lengths),
        glossary=glossary(any(has_answer) and not all(has_answer)),
        notes=(*questions.notes, *missing_notes({questions.split: split})),
        train_split=None if trained_on is None else trained_on.train_split,
        validation_split=split,
        own_splits=(),
        threshold=trained.usage,
        calibration=trained.calibration or NOT_CALIBRATED,
    )
