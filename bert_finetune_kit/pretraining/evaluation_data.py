"""Text to score a pretrained model on → the data of an evaluation."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..contract import LoadedModel
from ..data.corpus import load_to_evaluate
from ..data.sources import TextSource
from ..modeling.architecture import takes_token_types
from .config import PretrainConfig
from .corpus import tokenize_corpus
from .data import PretrainData, SplitCorpora, build_data, usable_corpus

_OWN_BASELINE = (
    "the training text is not known here: the unigram baseline is fitted to the evaluated text itself, which makes it "
    "a little harder to beat"
)


def evaluation_data(
    given: Any,
    source: TextSource,
    config: PretrainConfig,
    trained: LoadedModel,
    seed: int,
    lengths: Sequence[int] | None,
    trained_on: PretrainData | None,
) -> PretrainData:
    """Return text as the data of an evaluation, with the masks and pairs that its seed determines.

    Args:
        given: as `load_to_evaluate` takes it.
        source: column of the text, and how documents are separated.
        config: objective, lengths and masking.
        trained: the model.
        seed: of all draws.
        lengths: that batches may have; none means any.
        trained_on: data of the training, if it was one of this process.

    Raises:
        DataError: it cannot be read, or has too few documents.
    """
    name, split, documents, notes = load_to_evaluate(given, source)
    tokenizer, takes_types = trained.tokenizer, takes_token_types(trained.model.config)
    skipped: list[str] = []
    corpus = usable_corpus(tokenize_corpus(documents, tokenizer), config, split, skipped)
    none = corpus.subset(np.arange(0))
    data = build_data(
        SplitCorpora(none, corpus, tuple(skipped)), config, tokenizer, takes_types, seed, lengths, name=name,
        initial_model="", notes=notes if trained_on is not None else (*notes, _OWN_BASELINE),
    )  # fmt: skip
    train = data.train if trained_on is None else trained_on.train
    return replace(data, train=train, validation={split: data.validation["validation"]})
