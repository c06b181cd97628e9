"""What an exported model can do where further packages are there, none of them torch: files, words on thresholds."""

import hashlib
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .encoder import ExportedEncoder
from .settings import ExportedSettings

FILES = ("datasets", "rich")
_PAGES = ("README.md", "requirements.txt")


def optional_module(name: str, packages: Sequence[str], purpose: str) -> Any:
    """Return a module of the kit that needs more than the runtime.

    Args:
        name: of the module, such as `inference.file`.
        packages: that it needs.
        purpose: what is done with it.

    Raises:
        ConfigError: one of the packages is not installed.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise ConfigError(
            f"{purpose} of an exported model needs {' and '.join(missing)} beside its runtime: pip install "
            f"{' '.join(missing)}"
        )
    return import_module(f"bert_finetune_kit.{name}")


def selection_of(settings: ExportedSettings, coverage: float | None, max_risk: float | None) -> Any:
    """Return the `Selection` of the recipe, from what the export took along.

    Args:
        settings: of the model.
        coverage: share of the predictions to keep, or
        max_risk: greatest share of the kept ones that may be wrong.

    Raises:
        ConfigError: neither or both are given, it cannot be had, scipy is not installed, or the model was exported
            by an earlier version.
    """
    basis = settings.threshold_basis
    if basis.confidence and "measured_on" not in settings.use:
        raise ConfigError(
            "selection() needs validation predictions to measure a threshold on, which exports of an earlier version "
            "do not have: export the run once more. predict() takes coverage= and max_risk= as it is."
        )
    module = optional_module("inference.selection", ("scipy",), "selection()")
    measured_on = optional_module("calibration.selective", (), "selection()").ScoredPredictions
    nothing: dict[str, list[Any]] = {"confidence": [], "correct": [], "label_probability": []}
    return module.selection(basis, measured_on(**settings.use.get("measured_on", nothing)), coverage, max_risk)


def predict_file(
    encoder: ExportedEncoder, path: str | Path, output: str | Path, predict_rows: Any, columns: Sequence[str],
    choices: Any, batch_size: int, settings: Mapping[str, Any],
) -> Path:  # fmt: skip
    """Predict the rows of a file as `inference.file.predict_file` does, which goes on after an interruption.

    Args:
        encoder: of the model.
        path: of the file.
        output: to write.
        predict_rows: rows, and the columns of the first one → rows to write.
        columns: that the file must have.
        choices: what is asked for beside predictions.
        batch_size: sequences that the model reads at once.
        settings: of how the file is written, `column_names` and `encoding`.

    Raises:
        ConfigError: a package is not installed.
    """
    module = optional_module("inference.file", FILES, "predict_file()")
    identity = _identity(encoder.folder, choices)
    return Path(module.predict_file(path, output, predict_rows, columns, identity, batch_size=batch_size, **settings))


def _identity(folder: Path, choices: Any) -> str:
    """Return a digest of all that predictions depend on: model, tokenizer, settings, and what is asked for."""
    digest = hashlib.blake2b(repr(choices).encode(), digest_size=16)
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.name not in _PAGES:
            with file.open("rb") as stream:
                digest.update(file.name.encode() + hashlib.file_digest(stream, "blake2b").digest())
    return digest.hexdigest()
