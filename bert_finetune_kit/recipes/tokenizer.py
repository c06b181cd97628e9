"""Which tokenizer a run uses, and how large the vocabulary of new weights is."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig

from ..compat.datasets import content_hash
from ..compat.hub import local_folder_note
from ..data.vocabulary import check_ids, load_tokenizer, open_tokenizer, train_tokenizer
from ..modeling.architecture import takes_token_types
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


def check_tokenizer(model: Any, tokenizer: Any) -> None:
    """Load the tokenizer that is given, or that of the checkpoint, as a check before data are prepared.

    Args:
        model: as for `choose_tokenizer`.
        tokenizer: as for `choose_tokenizer`.

    Raises:
        ModelError: it cannot be loaded.
    """
    if tokenizer is not None or config_from_scratch(model, vocab_size=_VOCABULARY) is None:
        load_tokenizer(tokenizer if tokenizer is not None else model)


def choose_tokenizer(
    model: Any, tokenizer: Any, texts: Iterable[str], fingerprint: str, folder: str | Path
) -> TokenizerChoice:
    """Return the tokenizer given, else that of the checkpoint, else for new weights one trained on `texts`.

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
        model = with_special_tokens(model, opened.tokenizer)
        return TokenizerChoice(opened.tokenizer, model, (*opened.notes, *folders))
    path = Path(folder) / f"vocabulary-{content_hash([fingerprint, fresh.vocab_size, fresh.model_type])}"
    if not path.exists():  # another process, or the run that is resumed, may have made it of the same text
        part = path.with_suffix(".part")
        train_tokenizer(texts, fresh).save_pretrained(part)
        part.replace(path)
    loaded = load_tokenizer(path)
    notes = [f"the tokenizer was trained on the text: {len(loaded):,} pieces"]
    if isinstance(model, PretrainedConfig) and model.vocab_size != len(loaded):
        notes.append(f"the vocabulary of the config, {model.vocab_size:,}, was set to that size")
        model = copy.deepcopy(model)
        model.vocab_size = len(loaded)
    return TokenizerChoice(loaded, with_special_tokens(model, loaded), tuple(notes))


def with_special_tokens(model: Any, tokenizer: Any) -> Any:
    """Return the config of new weights with the ids of a tokenizer's special tokens in place of those that it has.

    Heads read them: Longformer's for questions looks for the separators of a pair. Anything else is returned as it is.
    """
    if not isinstance(model, PretrainedConfig):
        return model
    ids = {
        "bos_token_id": tokenizer.cls_token_id, "cls_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.sep_token_id, "sep_token_id": tokenizer.sep_token_id,
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
