"""A pretraining run in statistics, sentences and tables."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, cast

import numpy as np
from torch import nn

from ..contract import Description, Evaluation
from ..data.checks import shared_texts
from ..data.opening import HUB_NAMES
from ..data.padding import padding_shares
from ..data.sources import TextSource
from ..data.vocabulary import vocabulary_size
from ..modeling.parameters import model_phrase
from ..reporting.known_scores import KNOWN_SCORES
from ..reporting.origin import data_origin, hub_id
from ..reporting.plain import describe_settings
from ..reporting.records import CorpusStatistics, SharedTexts
from ..reporting.schema import ReportTable
from ..reporting.summary import baseline_sentence, opening_sentence, score_sentence
from ..reporting.tables import result_table
from .data import PretrainData
from .examples import PretrainingExamples
from .metrics import GLOSSARY

_SAMPLED = 2_000
_PAIR_NAMES = {"nsp": "NSP", "sop": "SOP"}
_ARCHITECTURE = (
    "num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "max_position_embeddings",
    "vocab_size", "hidden_dropout_prob", "attention_probs_dropout_prob",
)  # fmt: skip


def describe(
    data: PretrainData,
    model: nn.Module,
    evaluation: Evaluation,
    steps: int | None,
    batch_size: int,
    settings: Mapping[str, Mapping[str, Any]],
) -> Description:
    """Return the parts of the report that are about pretraining.

    Args:
        data: of the run.
        model: as it was trained.
        evaluation: of the saved weights.
        steps: of the optimizer, in all phases; none for an evaluation without a training.
        batch_size: sequences in a batch on a device.
        settings: of source and model.
    """
    ((split, validation),) = data.validation.items()
    splits = {split: validation} if steps is None else {"train": data.train, split: validation}
    statistics = {name: corpus_statistics(examples, data.tokenizer, batch_size) for name, examples in splits.items()}
    architecture = {name: getattr(model.config, name) for name in _ARCHITECTURE if hasattr(model.config, name)}
    tables = [_result(evaluation)] if evaluation.scores else []
    return Description(
        summary=summarize(data, model, evaluation, steps),
        data=cast("Mapping[str, Mapping[str, Any]]", statistics),
        settings={
            **settings,
            "recipe": asdict(validation.config),
            "model": {**settings["model"], **architecture},
        },
        tables=tables,
        evidence={"leak": {split: shared_documents(data.train, validation)}} if len(data.train) else {},
    )


def source_settings(data: PretrainData, source: TextSource, model: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the settings of source and model for the report.

    Args:
        data: of the run.
        source: as the recipe was given it.
        model: settings of the model.
    """
    aliases = {name: dataset for name, (dataset, _) in HUB_NAMES.items()}
    hub_config = source.train if isinstance(source.train, str) and source.train in HUB_NAMES else source.hub_config
    splits = [data.validation_split] if data.validation_split else []
    origin = data_origin(data.name, hub_id(source.train, aliases), hub_config, splits)
    return {
        "source": {**describe_settings(source), **origin},
        "model": model,
    }


def corpus_statistics(examples: PretrainingExamples, tokenizer: Any, batch_size: int) -> CorpusStatistics:
    """Count a corpus, and describe its examples from up to 2,000 of epoch 0, evenly spaced.

    Returns:
        `documents`, `sentences`, `tokens`, `unknown_tokens` (share), `examples_per_epoch`; of the examples the
        `mean_length` in tokens, `truncated_tokens` (share cut off to fit), `random_next` (share of label 1),
        `padding_to_longest` (share of padding in random batches of `batch_size`) and `padding_to_max_length`.
    """
    corpus, config = examples.corpus, examples.config
    tokens = int(corpus.lengths.sum())
    unk_token_id = tokenizer.unk_token_id
    unknown = 0 if unk_token_id is None else int(corpus.token_counts(vocabulary_size(tokenizer))[unk_token_id])
    chosen = np.unique(np.linspace(0, len(examples) - 1, min(_SAMPLED, len(examples))).astype(int))
    pairs = [examples.pair(0, int(index)) for index in chosen]
    special = config.max_length - examples.max_tokens
    lengths = np.array([len(pair.segment_a) + len(pair.segment_b) + special for pair in pairs])
    truncated = sum(pair.truncated for pair in pairs)
    padding = padding_shares(lengths, config.max_length, batch_size)
    statistics: CorpusStatistics = {
        "documents": len(corpus),
        "sentences": int(corpus.sentence_counts.sum()),
        "tokens": tokens,
        "unknown_tokens": unknown / tokens,
        "examples_per_epoch": len(examples),
        "mean_length": float(lengths.mean()),
        "truncated_tokens": truncated / (truncated + int(lengths.sum()) - special * len(pairs)),
        "padding_to_longest": padding["padding_to_longest"],
        "padding_to_max_length": padding["padding_to_max_length"],
    }
    if config.objective == "nsp":
        statistics["random_next"] = float(np.mean([pair.label for pair in pairs]))
    return statistics


def shared_documents(train: PretrainingExamples, validation: PretrainingExamples) -> SharedTexts:
    """Return how many documents of the validation split are in the training split; see `shared_texts`."""
    return shared_texts(_documents(train), _documents(validation), "documents")


def _documents(examples: PretrainingExamples) -> Iterator[bytes]:
    return (examples.corpus.input_ids(number).tobytes() for number in range(len(examples.corpus)))


def summarize(data: PretrainData, model: nn.Module, evaluation: Evaluation, steps: int | None) -> list[str]:
    """Return what was trained on what, and the scores with their baselines."""
    sentences = [opening_sentence("pretrained", model_phrase(model), data.name, steps)]
    scores, intervals, declared = evaluation.scores, evaluation.intervals, KNOWN_SCORES["pretraining"]
    if "perplexity" not in scores:
        if "non_finite_examples" in scores:
            sentences.append("No example of the evaluation has a finite loss: these weights are unusable.")
        return sentences
    perplexities = {name: values["perplexity"] for name, values in evaluation.baselines.items()}
    label = "perplexity of masked words on held-out text"
    sentences.append(
        score_sentence(declared["perplexity"], scores["perplexity"], intervals.get("perplexity"), label=label)
    )
    sentences.append(baseline_sentence(declared["perplexity"], perplexities))
    (examples,) = data.validation.values()
    if examples.config.objective in _PAIR_NAMES:
        label = f"{_PAIR_NAMES[examples.config.objective]} accuracy"
        sentences.append(
            score_sentence(
                declared["pair_accuracy"],
                scores["pair_accuracy"],
                intervals.get("pair_accuracy"),
                chance=0.5,
                label=label,
            )
        )
    return sentences


def _result(evaluation: Evaluation) -> ReportTable:
    """Return the scores of the saved weights with their intervals and baselines."""
    note = str(evaluation.details.get("interval_note", ""))
    return result_table(GLOSSARY, evaluation.scores, evaluation.intervals, evaluation.baselines, note=note)
