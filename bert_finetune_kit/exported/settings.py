"""The file of settings in the folder of an exported model: all that its use needs beside model and tokenizer."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..calibration.thresholds import ThresholdBasis
from ..data.sequences import SequenceFormat
from ..errors import ModelError
from ..json_objects import from_mapping, read_mapping
from ..text_files import write_text

SETTINGS_FILE = "exported.json"
TOKENIZER_FILE = "tokenizer.json"
VERSION = 1
"""Of the form of the file; a later form gets a higher one."""


@dataclass(frozen=True)
class ExportedSettings:
    """What is known of an exported model."""

    recipe: str
    """Name of the recipe that it was trained with."""
    format: str
    """`onnx` or `openvino`."""
    precision: str
    """`fp32` or `int8`."""
    model_file: str
    """Name of the file of the model in the folder."""
    single: SequenceFormat
    """How one text is put into a sequence."""
    pair: SequenceFormat
    """How two texts are."""
    pad_token_id: int
    use: Mapping[str, Any]
    """What `predict` needs: lengths, and by recipe labels, thresholds and temperatures."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What it scores beside the model that it was made from."""
    version: int = VERSION

    @property
    def threshold_basis(self) -> ThresholdBasis:
        """Validation predictions that thresholds are chosen on; none where none were exported.

        Raises:
            ValueError: they are damaged.
        """
        return from_mapping(ThresholdBasis, self.use.get("threshold_basis", {}))

    def save(self, folder: Path) -> None:
        """Write the file into the folder of the model."""
        write_text(folder / SETTINGS_FILE, json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n")


def is_exported(folder: str | Path) -> bool:
    """Whether a folder is one of an exported model."""
    return Path(folder, SETTINGS_FILE).is_file()


def load_settings(folder: Path) -> ExportedSettings:
    """Return the settings of an exported model.

    Args:
        folder: as `export` writes it.

    Raises:
        ModelError: the folder holds no exported model, or one of a later version, or the file is damaged.
    """
    file = folder / SETTINGS_FILE
    if not file.is_file():
        raise ModelError(
            f"{folder} is no folder of an exported model: it has no {SETTINGS_FILE}. Write one by "
            "recipe.export(folder) or bert-finetune-kit export RUN."
        )
    try:
        content = read_mapping(file)
        version = content["version"]
        if version != VERSION:
            raise ModelError(
                f"{folder} was exported in version {version} of the form, and this kit reads version {VERSION}: export "
                "the run once more, or use the kit that exported it."
            )
        formats = {name: _format(content[name]) for name in ("single", "pair")}
        return ExportedSettings(**{**content, **formats})
    except KeyError as error:
        raise ModelError(f"{file} is damaged: {error} is missing. Export the run once more.") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{file} is damaged: {error}. Export the run once more.") from error


def _format(content: Mapping[str, Any]) -> SequenceFormat:
    before, between, after = (tuple(map(int, content[name])) for name in ("before", "between", "after"))
    types = content["types"]
    return SequenceFormat(before, between, after, None if types is None else (*map(int, types),))  # type: ignore[arg-type]
