"""The folder of an exported model → the object that predicts."""

from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import ConfigError, ModelError, raise_faults
from .arguments import count_faults
from .encoder import ExportedEncoder
from .session import Session, open_session
from .settings import TOKENIZER_FILE, ExportedSettings, load_settings

# Name of the recipe → the module and the class of what predicts; the module of one recipe imports nothing of others.
_EXPORTED = {
    "classification": ("classification", "ExportedClassifier"),
    "question_answering": ("question_answering", "ExportedReader"),
    "pretraining": ("pretraining", "ExportedMaskFiller"),
}


def load_exported(folder: str | Path, *, threads: int | None = None) -> Any:
    """Return an exported model, ready to `predict`.

    It needs numpy, tokenizers and the runtime of the model, as `requirements.txt` in the folder has them, and no torch.

    Args:
        folder: as `recipe.export(folder)` writes it.
        threads: to compute with; none means as many as there are cores.

    Returns:
        An object with the `predict` of the recipe: `ExportedClassifier`, `ExportedReader` or `ExportedMaskFiller`. Its
        `settings` have all that is known of the model, such as the `evidence` of its scores.

    Raises:
        ConfigError: no folder is given, or `threads` is not a whole number from 1 up.
        ModelError: it is no folder of an exported model, a file is missing or damaged, or the runtime is not installed.

    >>> from bert_finetune_kit import load_exported
    >>> load_exported("exported/reviews").predict("a kind welcome")[0].label  # doctest: +SKIP
    'positive'
    """
    if not isinstance(folder, str | PathLike) or not str(folder):
        raise ConfigError(
            f"load_exported() was given {folder!r}: give the folder of an exported model, as recipe.export(folder) or "
            "bert-finetune-kit export RUN writes it."
        )
    raise_faults(count_faults({} if threads is None else {"threads": threads}), "load_exported()")
    path = Path(folder).expanduser()
    settings = load_settings(path)
    return assemble(path, settings, open_session(settings.format, path / settings.model_file, threads))


def assemble(folder: Path, settings: ExportedSettings, session: Session) -> Any:
    """Return what predicts, around a session.

    Args:
        folder: that has the tokenizer.
        settings: of the model.
        session: that runs it.

    Raises:
        ModelError: the tokenizer cannot be read, or the model is of an unknown recipe.
    """
    from tokenizers import Tokenizer

    if settings.recipe not in _EXPORTED:
        raise ModelError(f"{folder} holds a model of the recipe {settings.recipe!r}, which this kit does not have.")
    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    except Exception as error:  # of Rust
        raise ModelError(f"{folder / TOKENIZER_FILE} cannot be read: {error}. Export the run once more.") from error
    package, name = _EXPORTED[settings.recipe]
    build = getattr(import_module(f"bert_finetune_kit.{package}.exported"), name)
    try:
        return build(ExportedEncoder(tokenizer, session, settings, folder))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder} is damaged: {error} in its settings. Export the run once more.") from error
