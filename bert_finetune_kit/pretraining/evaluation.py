"""Outputs of the saved weights → scores with intervals, and baselines without a model."""

from collections.abc import Mapping
from functools import partial

from ..contract import Evaluation, Outputs
from ..data.vocabulary import vocabulary_size
from .data import PretrainData
from .example_rows import example_rows
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
    return Evaluation(
        scores=pretraining_scores(rows),
        intervals=score_intervals(rows),
        baselines=baseline_scores(train_counts, eval_counts, pairs=examples.config.objective != "none"),
        predictions=partial(example_rows, split, examples, rows),
    )
