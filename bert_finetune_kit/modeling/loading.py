"""Load an encoder by size, config or checkpoint, and name the weights that are newly initialized."""

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import transformers
from transformers import AutoConfig, BertConfig, PretrainedConfig, PreTrainedModel

from ..compat.hub import hub_failure, is_repo_id
from ..compat.transformers import save_under_own_names
from ..errors import ModelError
from .architecture import check_encoder, head_modules

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


NAME_FILE = "given_model.txt"
"""In the folder of a model that was given as an object: how messages name it."""


def shown_name(model_name_or_path: str | Path) -> str:
    """Return how messages name a checkpoint: as it was given, and the object where one was given."""
    given = was_given_as_object(model_name_or_path)
    return (Path(model_name_or_path) / NAME_FILE).read_text("utf-8") if given else str(model_name_or_path)


def was_given_as_object(model_name_or_path: str | Path) -> bool:
    """Return whether a checkpoint is that of a model which was given as an object."""
    return (Path(model_name_or_path) / NAME_FILE).is_file()


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


def config_from_scratch(
    model: PretrainedConfig | str | Path | None, vocab_size: int, pad_token_id: int | None = None
) -> PretrainedConfig | None:
    """Return the config of a model that is trained from scratch; None if `model` is a checkpoint.

    Args:
        model: a config, the name of a size of BERT (a folder of that name is `./tiny`), or a checkpoint.
        vocab_size: for a model given as a size.
        pad_token_id: of the tokenizer; the embedding of that id stays zero.

    >>> config_from_scratch("tiny", vocab_size=1000).vocab_size
    1000
    >>> config_from_scratch("google-bert/bert-base-uncased", vocab_size=1000)
    """
    config: PretrainedConfig
    if isinstance(model, PretrainedConfig):
        check_encoder(model, f"The {type(model).__name__}")
        config = copy.deepcopy(model)
    elif isinstance(model, str) and model in BERT_SIZES:
        config = sized_config(model, vocab_size)
    else:
        return None
    if pad_token_id is not None:
        config.pad_token_id = pad_token_id
    config.return_dict = True  # outputs are read by name
    return config


def checkpoint_config(model_name_or_path: str | Path) -> PretrainedConfig:
    """Return the config of a checkpoint on the Hub or in a folder.

    Raises:
        ModelError: there is no such checkpoint, or it is not an encoder.
    """
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(str(model_name_or_path))
    except Exception as error:
        failure = hub_failure(error)
        raise ModelError(_not_loaded(str(model_name_or_path), failure, error)) from (None if failure else error)
    check_encoder(config, shown_name(model_name_or_path))
    config.return_dict = True  # outputs are read by name
    return config


def _not_loaded(name: str, failure: str | None, error: Exception) -> str:
    """Return why a checkpoint cannot be loaded.

    Args:
        name: as it was given.
        failure: of the Hub, if it is one.
        error: that was raised.
    """
    path = Path(name).expanduser()
    reason = failure or str(error).strip().splitlines()[0]
    if path.exists():
        return f"{name!r} cannot be loaded as a checkpoint: {reason}"
    if not is_repo_id(name) or (path.parent.is_dir() and path.parent != Path(".")):
        return f"There is no folder {name!r}. Check its spelling, and where you are."
    sizes = "" if "/" in name else f"; it is no size, either ({', '.join(BERT_SIZES)})"
    return f"There is no folder {name!r}, and no model of this name could be loaded from the Hub{sizes}: {reason}"


def initial_config(model: Any, vocab_size: int = 1) -> PretrainedConfig:
    """Return the config of what a training starts from: new weights, or a checkpoint.

    Args:
        model: as for `config_from_scratch`.
        vocab_size: for a model given as a size.

    Raises:
        ModelError: there is no such checkpoint, or it is not an encoder.
    """
    return config_from_scratch(model, vocab_size) or checkpoint_config(model)


def hidden_size(model: Any) -> int:
    """Return the width of what a training starts from; see `initial_config`."""
    return int(initial_config(model).hidden_size)


def load_pretrained(
    head: type[Model], model_name_or_path: str, new_head: bool = False, **settings: Any
) -> tuple[Model, list[str]]:
    """Load a checkpoint with a head. It is saved under the names of its parameters, whatever the checkpoint calls them.

    Args:
        head: class of the model.
        model_name_or_path: Hub id or folder.
        new_head: whether the head is newly initialized where the checkpoint has weights of another shape for it; any
            other weight of another shape is an error.
        settings: further arguments of `from_pretrained`, such as `config`.

    Returns:
        The model, and the modules whose weights are newly initialized.

    Raises:
        ModelError: the checkpoint cannot be read, lacks weights of the encoder, or has weights of another shape.
    """
    settings = {"config": checkpoint_config(model_name_or_path)} | settings
    shown = shown_name(model_name_or_path)
    try:
        with quiet_transformers():  # the caller reports newly initialized weights, once
            loaded: Any = head.from_pretrained(
                model_name_or_path, output_loading_info=True, ignore_mismatched_sizes=True, **settings
            )  # weights of another shape are refused below, by name
    except Exception as error:
        failure = hub_failure(error)
        raise ModelError(
            f"The weights of {shown} cannot be loaded: "
            + (failure or f"{error} Check that the checkpoint is complete.")
        ) from (None if failure else error)
    model, loading = loaded
    mismatched = sorted(loading["mismatched_keys"])
    _check_shapes([row for row in mismatched if not new_head or _in_encoder(row[0], model)], shown)
    missing = sorted({*loading["missing_keys"], *(name for name, *_ in mismatched)})
    encoder = [key for key in missing if _in_encoder(key, model) and ".pooler." not in key]
    if encoder:
        raise ModelError(
            f"{len(encoder)} weights of the encoder are not in {shown} (such as {encoder[0]}) and would "
            "be randomly initialized. Check that it is such a checkpoint; to train from scratch, pass a config or "
            "the name of a size."
        )
    save_under_own_names(model)
    return model, modules_of_weights(missing)


def _in_encoder(key: str, model: PreTrainedModel) -> bool:
    return key.partition(".")[0] == model.base_model_prefix


def initialize_head(model: PreTrainedModel, new: Sequence[str]) -> list[str]:
    """Initialize the head of a model anew where loading has not, and return all modules that are new.

    Args:
        model: with the head that its checkpoint had.
        new: modules whose weights are newly initialized.
    """
    heads = head_modules(model)
    if all(any(part.split(".")[0] == head for part in new) for head in heads):
        return list(new)
    fresh: Any = type(model)(model.config)
    for head in heads:
        getattr(model, head).load_state_dict(getattr(fresh, head).state_dict())
    return sorted({*new, *heads})


def _check_shapes(mismatched: Sequence[tuple[str, Sequence[int], Sequence[int]]], checkpoint: str) -> None:
    """Raise a `ModelError` that shows the weights whose shape is not the one that the model has."""
    if not mismatched:
        return
    name, saved, needed = mismatched[0]
    more = f" and {len(mismatched) - 1} more" if len(mismatched) > 1 else ""
    raise ModelError(
        f"{checkpoint} has {name} of shape {tuple(saved)}, but its config.json asks for {tuple(needed)}{more}: the "
        "weights would be randomly initialized. Correct config.json (vocab_size is the number of rows of the word "
        "embeddings), or use a checkpoint whose weights and config belong together."
    )


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Disable the progress bars and warnings of transformers meanwhile, and restore their settings at the end."""
    verbosity = transformers.logging.get_verbosity()
    progress_bar = transformers.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(verbosity)
        if progress_bar:
            transformers.logging.enable_progress_bar()


@contextmanager
def names_in_memory(model: Any) -> Iterator[None]:
    """Let a model save its weights by the names that they have in memory, meanwhile.

    A few architectures, such as Jina's, are saved by the names of other code. The Trainer loads a checkpoint by those
    in memory, and passes over weights with other names.

    Args:
        model: of transformers; one that is wrapped saves names of its own.
    """
    if not isinstance(model, PreTrainedModel):
        yield
        return
    model.save_pretrained = partial(model.save_pretrained, save_original_format=False)  # type: ignore[method-assign]
    try:
        yield
    finally:
        del model.save_pretrained


def modules_of_weights(keys: Iterable[str]) -> list[str]:
    """Return the modules of weights, as a report names them.

    >>> modules_of_weights(["cls.predictions.bias", "cls.predictions.transform.dense.weight", "classifier.bias"])
    ['classifier', 'cls.predictions']
    """
    return sorted({_module_of(key) for key in keys})


def _module_of(key: str) -> str:
    return ".".join(key.split(".")[:-1][:2])
