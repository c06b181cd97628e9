"""BERT by name, config or checkpoint, with a word about every weight that is new."""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import transformers
from transformers import AutoConfig, BertConfig, PreTrainedModel

from ..errors import ModelError

Model = TypeVar("Model", bound=PreTrainedModel)

# (layers, hidden) of google-research/bert; heads are hidden / 64 and the feed-forward is 4 * hidden wide.
BERT_SIZES = {
    "tiny": (2, 128),
    "mini": (4, 256),
    "small": (4, 512),
    "medium": (8, 512),
    "base": (12, 768),
    "large": (24, 1024),
}


def sized_config(size: str, vocab_size: int = 30_522, **settings: Any) -> BertConfig:
    """Return the `BertConfig` of a size by name.

    >>> config = sized_config("mini")
    >>> config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.intermediate_size
    (4, 256, 4, 1024)
    """
    layers, hidden = BERT_SIZES[size]
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        intermediate_size=4 * hidden,
        **settings,
    )


def bert_config(given: Any, vocab_size: int, pad_token_id: int | None = None) -> BertConfig | None:
    """Return the config that `given` asks fresh weights for, or none if it names a checkpoint.

    Args:
        given: a `BertConfig`, the name of a size (a folder of that name is `./tiny`), or a checkpoint.
        vocab_size: size of the vocabulary, for a model named by its size.
        pad_token_id: of the tokenizer; the embedding of that id stays zero.
    """
    if isinstance(given, BertConfig):
        config = copy.deepcopy(given)
    elif isinstance(given, str) and given in BERT_SIZES:
        config = sized_config(given, vocab_size)
    else:
        return None
    if pad_token_id is not None:
        config.pad_token_id = pad_token_id
    return config


def checkpoint_config(given: str | Path) -> BertConfig:
    """Return the config of a checkpoint on the Hub or in a folder.

    Raises:
        ModelError: there is none, or it is not a BERT.
    """
    try:
        config = AutoConfig.from_pretrained(str(given))
    except Exception as error:
        raise ModelError(
            f"{str(given)!r} is no size ({', '.join(BERT_SIZES)}), and as a checkpoint it cannot be loaded: "
            f"{str(error).strip().splitlines()[0]} Check the spelling of the folder, or the network for a Hub id."
        ) from error
    if config.model_type != "bert":
        raise ModelError(f"{given} is a {config.model_type} checkpoint; the kit trains BERT (model type bert).")
    return config


def load_pretrained(head: type[Model], given: str, **settings: Any) -> tuple[Model, list[str]]:
    """Load a checkpoint under a head and name the parts whose weights it did not hold.

    Args:
        head: class of the model.
        given: Hub id or folder.
        settings: further arguments of `from_pretrained`, such as `config`.

    Raises:
        ModelError: the checkpoint cannot be read, or weights of the encoder are missing from it.
    """
    checkpoint_config(given)
    try:
        with quiet_transformers():  # what is missing is said by the caller, once and in words
            loaded: Any = head.from_pretrained(given, output_loading_info=True, **settings)
    except Exception as error:
        raise ModelError(f"The weights of {given} cannot be loaded: {error}") from error
    model, loading = loaded
    missing = sorted(loading["missing_keys"])
    encoder = [key for key in missing if ".encoder." in key or ".embeddings." in key]
    if encoder:
        raise ModelError(
            f"{len(encoder)} weights of the encoder are not in {given} (such as {encoder[0]}): it would start from "
            "random numbers. Is this a BERT checkpoint? For fresh weights give a BertConfig or a size by name."
        )
    return model, new_parts(missing)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep the progress bars and warnings of transformers off while inside; leave them as they were after."""
    verbosity = transformers.logging.get_verbosity()
    shown = transformers.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(verbosity)
        if shown:
            transformers.logging.enable_progress_bar()


def new_parts(missing: Iterable[str]) -> list[str]:
    """Name modules for the reader of a report instead of single weights.

    >>> new_parts(["cls.predictions.bias", "cls.predictions.transform.dense.weight", "classifier.bias"])
    ['classifier', 'cls.predictions']
    """
    return sorted({".".join(key.split(".")[:-1][:2]) for key in missing})
