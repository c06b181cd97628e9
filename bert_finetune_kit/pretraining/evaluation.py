"""Outputs of the saved weights → scores with intervals, and baselines without a model."""

from collections.abc import Mapping

from ..contract import Evaluation, Outputs
from ..data.vocabulary import vocabulary_size
from .data import PretrainData
from .metrics import baseline_scores, pretraining_scores, score_intervals


def evaluate(data: PretrainData, outputs: Mapping[str, Outputs]) -> Evaluation:
    """Return the scores of the validation split with intervals, and the uniform and unigram baselines.

    Args:
        data: of the run.
        outputs: of the validation split, as `pretraining_scores` takes them.
    """
    ((split, rows),) = outputs.items()
    vocab_size, special = vocabulary_size(data.tokenizer), data.tokenizer.all_special_ids
    counts = [examples.corpus.token_counts(vocab_size) for examples in (data.train, data.validation[split])]
    for count in counts:
        count[special] = 0  # never masked, so in no score
    train_counts, eval_counts = counts
    return Evaluation(
        scores=pretraining_scores(rows),
        intervals=score_intervals(rows),
        baselines=baseline_scores(train_counts, eval_counts, pairs=data.train.config.objective != "none"),
    )
