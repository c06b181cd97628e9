"""Outputs of the saved weights → scores with intervals, and baselines without a model."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from ..contract import Evaluation, Outputs
from ..data.clusters import cluster_numbers
from ..data.vocabulary import vocabulary_size
from ..reporting.intervals import interval_note
from ..reporting.statistics.clusters import Units, choose_units, single_units
from .data import PretrainData
from .example_rows import example_rows
from .examples import PretrainingExamples
from .metrics import baseline_scores, pretraining_scores, score_intervals


def evaluate(data: PretrainData, outputs: Mapping[str, Outputs]) -> Evaluation:
    """Return the scores of the validation split with intervals, and the uniform and unigram baselines.

    Where the training text is not known, the unigram baseline is fitted to the evaluated text itself.

    Args:
        data: of the run.
        outputs: of the validation split, as `pretraining_scores` takes them.
    """
    ((split, rows),) = outputs.items()
    examples = data.validation[split]
    vocab_size, special = vocabulary_size(data.tokenizer), data.tokenizer.all_special_ids
    train = data.train if len(data.train) else examples
    counts = [part.corpus.token_counts(vocab_size) for part in (train, examples)]
    for count in counts:
        count[special] = 0  # never masked, so in no score
    train_counts, eval_counts = counts
    units = independent_units(examples)
    return Evaluation(
        scores=pretraining_scores(rows),
        intervals=score_intervals(rows, units),
        details={"interval_note": interval_note(units)},
        baselines=baseline_scores(train_counts, eval_counts, pairs=examples.config.objective != "none"),
        predictions=partial(example_rows, split, examples, rows),
    )


def independent_units(examples: PretrainingExamples) -> Units:
    """Return what is independent: documents, of which a repeated one counts once; of fewer than four the examples."""
    corpus = examples.corpus
    texts = cluster_numbers([corpus.input_ids(number).tobytes() for number in range(len(corpus))])
    documents = np.unique(texts[examples.documents], return_inverse=True)[1]
    return choose_units(np.ones(len(examples), bool), Units("documents", documents), single_units(len(examples)))
