"""The folder of an exported model: everything its use needs, and a page on how to use it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..data.tokenized import text_backend
from ..errors import OutputError
from ..exported.session import RUNTIMES
from ..exported.settings import SETTINGS_FILE, TOKENIZER_FILE, ExportedSettings
from ..reporting.plain import to_plain
from ..text_files import write_text
from .result import Proof, proof_table

REQUIREMENTS_FILE = "requirements.txt"
_NEEDED = ("numpy", "tokenizers", "lazy_loader")
_USAGE = {
    "classification": 'print(model.predict("a text")[0])',
    "question_answering": 'print(model.predict("Where does it rise?", "The Rhine rises in the Alps."))',
    "pretraining": 'print(model.predict(f"The capital of France is {model.mask_token}."))',
}


def check_target(folder: Path) -> None:
    """Check that an exported model can be written to a folder.

    Raises:
        OutputError: there is something at that place which is no exported model, or the folder cannot be made.
    """
    if folder.exists() and not (folder / SETTINGS_FILE).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} exists already and is no exported model: choose another folder, or delete it.")
    above = next(path for path in folder.absolute().parents if path.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        reason = "cannot be written to" if above.is_dir() else "is a file"
        raise OutputError(f"The folder {folder} cannot be made: {above} {reason}. Choose another folder.")


@contextmanager
def part_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder that becomes `folder` when the context ends, and of which nothing is left after an error.

    Raises:
        OutputError: there is something at that place which is no exported model, or the folder cannot be written.
    """
    check_target(folder)
    part = folder.with_name(f"{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made: {error.strerror}.") from error
    try:
        yield part
        if folder.exists():
            shutil.rmtree(folder)
        part.replace(folder)
    except OSError as error:
        raise OutputError(f"The exported model could not be written to {folder}: {error}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write the tokenizer as `tokenizers` reads it, without the truncation and padding that it may have."""
    from tokenizers import Tokenizer

    plain = Tokenizer.from_str(text_backend(tokenizer).to_str())
    plain.no_truncation()
    plain.no_padding()
    plain.save(str(folder / TOKENIZER_FILE))


def write_pages(folder: Path, settings: ExportedSettings, proofs: list[Proof]) -> None:
    """Write what says how to install and to use an exported model, and what it scores.

    Args:
        folder: of the model.
        settings: of the model.
        proofs: the first is that of the model.
    """
    packages = (RUNTIMES[settings.format][0], *_NEEDED)
    lines = [f"{package}=={version(package)}" for package in packages]
    about = "# To run the model. The kit itself is installed without what it trains with: pip install --no-deps ."
    write_text(folder / REQUIREMENTS_FILE, "\n".join([about, *lines]) + "\n")
    write_text(folder / "README.md", _readme(settings, proofs))


def _readme(settings: ExportedSettings, proofs: list[Proof]) -> str:
    return f"""# Exported model

A model of the recipe {settings.recipe} in the format {settings.format}, {settings.precision}, exported by
bert_finetune_kit. It runs without torch:

```sh
pip install -r {REQUIREMENTS_FILE}
pip install --no-deps .  # in a clone of bert_finetune_kit
```

```python
from bert_finetune_kit import load_exported

model = load_exported("FOLDER")
{_USAGE[settings.recipe]}
```

`{SETTINGS_FILE}` has all settings, and the evidence below.

## What it scores

{proof_table(proofs[0])}
"""


def evidence_of(proofs: list[Proof]) -> dict[str, Any]:
    """Return proofs as plain data: that of the model, and by method those of what was not chosen."""
    first, *others = proofs
    return {**_plain(first), "others": {proof.method: _plain(proof) for proof in others}}


def _plain(proof: Proof) -> dict[str, Any]:
    return {name: to_plain(value) for name, value in asdict(proof).items()}
