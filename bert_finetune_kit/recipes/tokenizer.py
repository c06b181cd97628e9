"""Which tokenizer a run uses, and how large the vocabulary of new weights is."""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig
from transformers.tokenization_utils_base import LARGE_INTEGER

from ..compat.datasets import content_hash
from ..compat.hub import local_folder_note
from ..data.sequences import sequence_formats
from ..data.tokenizer_kinds import train_tokenizer
from ..data.vocabulary import check_ids, is_padded, load_tokenizer, open_tokenizer, vocabulary_size
from ..modeling.architecture import max_positions, takes_token_types
from ..modeling.loading import config_from_scratch, initial_config
from ..reporting.schema import REPORT_FILE

_VOCABULARY = 30_522  # of bert-base-uncased


@dataclass(frozen=True)
class TokenizerChoice:
    """A tokenizer, and the model that goes with it."""

    tokenizer: Any
    model: Any
    """As it was given; a config for new weights has the size of the vocabulary."""
    notes: tuple[str, ...] = ()

    @property
    def takes_types(self) -> bool:
        """Whether the model tells the texts of a pair apart by token types."""
        return takes_token_types(initial_config(self.model))


def check_tokenizer(model: Any, tokenizer: Any, needed: Sequence[str] = ("pad_token",)) -> None:
    """Load the tokenizer that is given, or that of the checkpoint, as a check before data are prepared.

    Args:
        model: as for `choose_tokenizer`.
        tokenizer: as for `choose_tokenizer`.
        needed: as for `open_tokenizer`.

    Raises:
        ModelError: it cannot be loaded, lacks a special token that is needed, or puts none around a text.
    """
    if tokenizer is not None or config_from_scratch(model, vocab_size=_VOCABULARY) is None:
        loaded = load_tokenizer(tokenizer if tokenizer is not None else model, needed)
        sequence_formats(loaded, takes_types=False)


def choose_tokenizer(
    model: Any, tokenizer: Any, texts: Iterable[str], fingerprint: str, folder: str | Path
) -> TokenizerChoice:
    """Return the tokenizer given, else that of the checkpoint, else for new weights one trained on `texts`.

    A tokenizer that knows no longest sequence gets that of the model, which `truncation=True` needs. The config of new
    weights gets the size and the special tokens of the tokenizer.

    Args:
        model: a checkpoint, a config, or the name of a size.
        tokenizer: a Hub id, folder, vocab.txt or tokenizer; none means to choose one.
        texts: all training texts, read as a stream.
        fingerprint: identifies these texts.
        folder: of the run, in which a trained vocabulary is kept.
    """
    fresh = config_from_scratch(model, vocab_size=_VOCABULARY)
    if tokenizer is not None or fresh is None:
        opened = open_tokenizer(tokenizer if tokenizer is not None else model)
        names = [given for given in (model, tokenizer) if not _is_run(given)]
        folders = dict.fromkeys(sum(map(local_folder_note, names), ()))
        loaded, notes = opened.tokenizer, (*opened.notes, *folders)
    else:
        loaded = _train(texts, fresh, Path(folder) / f"vocabulary-{_identity(fingerprint, fresh)}")
        notes = (f"the tokenizer was trained on the text: {len(loaded):,} pieces",)
    size = vocabulary_size(loaded)
    if isinstance(model, PretrainedConfig) and not is_padded(model.vocab_size, size):
        notes += (
            f"the vocabulary of the config, {model.vocab_size:,}, was set to the size of the tokenizer, {size:,}",
        )
        model = copy.deepcopy(model)
        model.vocab_size = size
    if loaded.model_max_length > LARGE_INTEGER:
        config = config_from_scratch(model, size, loaded.pad_token_id) or initial_config(model)
        loaded.model_max_length = _longest(config) or loaded.model_max_length
    return TokenizerChoice(loaded, with_special_tokens(model, loaded), notes)


def _identity(fingerprint: str, config: PretrainedConfig) -> str:
    return content_hash([fingerprint, config.vocab_size, config.model_type])


def _train(texts: Iterable[str], config: PretrainedConfig, folder: Path) -> Any:
    """Return a tokenizer trained on `texts` and kept in a folder."""
    if not folder.exists():  # another process, or the run that is resumed, may have made it of the same text
        part = folder.with_suffix(".part")
        train_tokenizer(texts, config).save_pretrained(part)
        part.replace(folder)
    return load_tokenizer(folder)


def _longest(config: PretrainedConfig) -> int | None:
    """Return the largest number of tokens of a sequence; none where nothing says it."""
    return max_positions(config) or getattr(config, "max_position_embeddings", None)


def with_special_tokens(model: Any, tokenizer: Any) -> Any:
    """Return the config of new weights with the ids of a tokenizer's special tokens in place of those that it has.

    Heads read them: Longformer's for questions looks for the separators of a pair. Anything else is returned as it is.
    """
    if not isinstance(model, PretrainedConfig):
        return model
    single, _ = sequence_formats(tokenizer, takes_types=False)
    first, last = single.before[0], single.after[-1]
    ids = {
        "bos_token_id": first, "cls_token_id": first, "eos_token_id": last, "sep_token_id": last
    }  # fmt: skip
    config = copy.deepcopy(model)
    for name, token in ids.items():
        if getattr(config, name, None) is not None:
            setattr(config, name, token)
    return config


def _is_run(given: Any) -> bool:
    """Whether a folder is that of a run, which nobody takes for a name on the Hub."""
    return isinstance(given, str | Path) and (Path(given) / REPORT_FILE).exists()


def trained_tokenizer(folder: str | Path, vocab_size: int) -> Any:
    """Return the tokenizer of a trained model.

    Args:
        folder: of the model, or its Hub id.
        vocab_size: rows of its embedding.

    Raises:
        ModelError: it cannot be loaded, or has ids without a row.
    """
    tokenizer = load_tokenizer(str(folder))
    check_ids(tokenizer, vocab_size)
    return tokenizer
