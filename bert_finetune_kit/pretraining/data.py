"""Documents of a source → the data of a run: corpora split, cleaned and turned into examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..contract import PreparedData
from ..data.corpus import Corpus
from ..data.sequences import sequence_formats
from ..data.splits import held_out_note, hold_out
from ..errors import ConfigError, DataError
from .collator import DataCollatorForPreTraining
from .config import PretrainConfig
from .corpus import TokenizedCorpus, tokenize_corpus
from .examples import PretrainingExamples, usable_documents
from .metrics import GLOSSARY

# A convention: where most documents have one sentence, something other than documents was separated.
_MANY_SINGLE = 0.5
_SEPARATE = "Set how documents are separated (documents='blank_lines', 'headings' or 'records')"


@dataclass(frozen=True, kw_only=True)
class PretrainData(PreparedData):
    """Data of a pretraining; `train` and `validation` hold the corpora and the config by which examples are made."""

    train: PretrainingExamples
    validation: Mapping[str, PretrainingExamples]
    collator: DataCollatorForPreTraining
    validation_split: str | None = None
    """Published split that is evaluated on as a whole; none where text was held out, limited or given."""

    def with_config(self, config: PretrainConfig, lengths: Sequence[int] | None) -> "PretrainData":
        """Return the same corpora as examples of another config, such as that of a second phase.

        Args:
            config: how examples are made.
            lengths: that batches may have; none means any.
        """
        return replace(
            self,
            train=replace(self.train, config=config),
            validation={split: replace(examples, config=config) for split, examples in self.validation.items()},
            collator=build_collator(self.tokenizer, config, lengths),
        )


@dataclass(frozen=True)
class SplitCorpora:
    """Tokenized documents to train and to evaluate on."""

    train: TokenizedCorpus
    validation: TokenizedCorpus
    notes: tuple[str, ...] = ()


def split_corpora(corpus: Corpus, tokenizer: Any, validation_share: float, config: PretrainConfig) -> SplitCorpora:
    """Tokenize the documents of a source, skip those too short for an example, and hold a share out for validation.

    Args:
        corpus: documents as text.
        tokenizer: of the model.
        validation_share: share of the documents to hold out where there is no validation split.
        config: objective and pairs.

    Raises:
        DataError: there are too few documents.
    """
    notes: list[str] = []
    train = _usable(tokenize_corpus(corpus.train, tokenizer), config, "train", notes)
    minimum = _min_documents(config)
    if corpus.validation is not None:
        validation = _usable(tokenize_corpus(corpus.validation, tokenizer), config, "validation", notes)
    else:
        _check_count(train, 2 * minimum, config, "train")  # both parts need the minimum
        kept, held_out = hold_out(len(train), validation_share, unit="document", min_items=minimum)
        notes.append(held_out_note(len(held_out), len(train), "document"))
        train, validation = train.subset(kept), train.subset(held_out)
    _check_count(train, minimum, config, "train")
    _check_count(validation, minimum, config, "validation")
    notes += _single_sentence_notes(train, config)
    return SplitCorpora(train, validation, tuple(notes))


def usable_corpus(corpus: TokenizedCorpus, config: PretrainConfig, split: str, notes: list[str]) -> TokenizedCorpus:
    """Return the documents of a split that are long enough for an example, enough of them for the objective.

    Args:
        corpus: of the split.
        config: objective and pairs.
        split: its name.
        notes: gets a note where documents are skipped.

    Raises:
        DataError: there are too few.
    """
    usable = _usable(corpus, config, split, notes)
    _check_count(usable, _min_documents(config), config, split)
    return usable


def _min_documents(config: PretrainConfig) -> int:
    return 2 if config.objective == "nsp" else 1


def _usable(corpus: TokenizedCorpus, config: PretrainConfig, split: str, notes: list[str]) -> TokenizedCorpus:
    usable = usable_documents(corpus, config)
    if len(usable) == 0:
        needed = "two sentences" if config.pairs == "sentences" else "two tokens"
        raise DataError(
            f"No document of the {split} split is long enough for an example, which needs {needed}. {_SEPARATE}, or "
            "add text."
        )
    if len(usable) == len(corpus):
        return corpus
    notes.append(f"{len(corpus) - len(usable):,} documents of the {split} split are too short for an example")
    return corpus.subset(usable)


def _check_count(corpus: TokenizedCorpus, minimum: int, config: PretrainConfig, split: str) -> None:
    if len(corpus) >= minimum:
        return
    needs = f"at least {minimum} are needed"
    choices = "add text"
    if config.objective == "nsp":
        needs += ", since next sentence prediction takes random segments from another document"
        choices += ", or choose objective 'sop' or 'none'" if len(corpus) >= minimum // 2 else ""
    raise DataError(
        f"The {split} split has {len(corpus)} usable document{'s' * (len(corpus) != 1)}, and {needs}. {_SEPARATE}, or "
        f"{choices}."
    )


def _single_sentence_notes(corpus: TokenizedCorpus, config: PretrainConfig) -> list[str]:
    """Return a note where most documents have one sentence, of which a pair objective can only compare the halves."""
    single = int((corpus.sentence_counts == 1).sum())
    if config.objective == "none" or single <= _MANY_SINGLE * len(corpus):
        return []
    return [
        f"{single:,} of {len(corpus):,} documents of the train split are a single sentence, and their pairs are the "
        "two halves of it. Leave blank lines between documents only, not between sentences, or set objective='none'"
    ]


def build_data(
    corpora: SplitCorpora,
    config: PretrainConfig,
    tokenizer: Any,
    takes_types: bool,
    seed: int,
    lengths: Sequence[int] | None,
    **fields: Any,
) -> PretrainData:
    """Return the data of a run.

    Args:
        corpora: of `split_corpora`.
        config: how examples are made.
        tokenizer: of the model.
        takes_types: whether the model has token types.
        seed: of all draws.
        lengths: that batches may have; none means any.
        fields: further fields of `PretrainData`.

    Raises:
        ConfigError: whole words are to be masked, and the tokenizer knows none.
    """
    if config.whole_word_masking and tokenizer.backend_tokenizer.pre_tokenizer is None:
        raise ConfigError(
            "whole_word_masking is set, and the tokenizer does not divide a text into words (it has no pre-tokenizer). "
            "Set it to false, or use another tokenizer."
        )
    single, pair = sequence_formats(tokenizer, takes_types)
    format = single if config.objective == "none" else pair
    train, validation = (
        PretrainingExamples(corpus, config, format, seed) for corpus in (corpora.train, corpora.validation)
    )
    notes = (*fields.pop("notes", ()), *corpora.notes)
    if takes_types and not pair.tells_texts_apart and config.objective != "none":
        notes += (
            "the tokenizer gives the segments of a pair no token types (model_input_names), so the model tells them "
            "apart by the special tokens between them alone",
        )
    return PretrainData(
        tokenizer=tokenizer,
        train=train,
        validation={"validation": validation},
        collator=build_collator(tokenizer, config, lengths),
        glossary=GLOSSARY,
        notes=notes,
        **fields,
    )


def build_collator(tokenizer: Any, config: PretrainConfig, lengths: Sequence[int] | None) -> DataCollatorForPreTraining:
    """Return the collator of a config."""
    return DataCollatorForPreTraining(
        tokenizer,
        mlm_probability=config.mlm_probability,
        whole_word_masking=config.whole_word_masking,
        max_predictions=config.max_predictions,
        lengths=lengths,
        with_positions=True,
    )
