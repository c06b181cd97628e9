"""What a corpus and its examples are like, in numbers."""

from typing import Any

import numpy as np

from .features import PretrainingExamples

_SAMPLED = 2_000


def corpus_statistics(examples: PretrainingExamples, tokenizer: Any, batch_size: int) -> dict[str, Any]:
    """Count a corpus, and describe its examples from up to 2,000 of epoch 0, evenly chosen.

    Returns:
        `documents`, `sentences`, `tokens`, `unknown_tokens` (share), `examples_per_epoch`; of the examples the
        `mean_length` in tokens, `truncated_tokens` (share cut away to fit), `random_next` (share of label 1),
        `padding_to_longest` (share of padding in random batches of `batch_size`) and `padding_to_max_length`.
    """
    corpus, config = examples.corpus, examples.config
    tokens = int(corpus.lengths.sum())
    unknown = int(corpus.token_counts(len(tokenizer))[tokenizer.unk_token_id])
    chosen = np.unique(np.linspace(0, len(examples) - 1, min(_SAMPLED, len(examples))).astype(int))
    pairs = [examples.pair(0, int(index)) for index in chosen]
    special = config.max_length - examples.room
    lengths = np.array([len(pair.segment_a) + len(pair.segment_b) + special for pair in pairs])
    truncated = sum(pair.truncated for pair in pairs)
    labels = {"random_next": float(np.mean([pair.label for pair in pairs]))} if config.objective == "nsp" else {}
    shuffled = np.random.default_rng(0).permutation(lengths)
    padded = sum(
        int(batch.max()) * len(batch) for batch in np.array_split(shuffled, max(1, len(shuffled) // batch_size))
    )
    return {
        "documents": len(corpus),
        "sentences": int(corpus.sentence_counts.sum()),
        "tokens": tokens,
        "unknown_tokens": unknown / tokens,
        "examples_per_epoch": len(examples),
        "mean_length": float(lengths.mean()),
        "truncated_tokens": truncated / (truncated + int(lengths.sum()) - special * len(pairs)),
        **labels,
        "padding_to_longest": 1 - float(lengths.sum()) / padded,
        "padding_to_max_length": 1 - float(lengths.mean()) / config.max_length,
    }
