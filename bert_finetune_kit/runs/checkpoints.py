"""Checkpoints that count only when they are complete.

The manifest `checkpoint.json` lists every file of a checkpoint with its size and checksum. It is written last, after
all other files are flushed to the disk: a kill, a full disk or a power failure at any moment leaves a checkpoint that
is valid or one that is recognised as incomplete, and files that change later no longer match the manifest.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..json_objects import conforms, from_mapping, read_mapping
from ..modeling.checkpoint_files import file_sha256

MANIFEST = "checkpoint.json"
_NAME = re.compile(r"^checkpoint-(\d+)$")


@dataclass(frozen=True)
class Manifest:
    """Content of `checkpoint.json`."""

    files: Mapping[str, Mapping[str, Any]]
    """Size (`bytes`) and checksum (`sha256`) of each file."""
    fingerprint: Mapping[str, Any]
    """What the checkpoint was made with."""


def finalize(checkpoint: Path, fingerprint: Mapping[str, Any]) -> None:
    """Flush all files of a checkpoint to the disk and write its manifest, which makes it valid.

    Args:
        checkpoint: folder with all of its files.
        fingerprint: what the checkpoint was made with, as plain data.
    """
    manifest, part = checkpoint / MANIFEST, checkpoint / f"{MANIFEST}.part"
    manifest.unlink(missing_ok=True)
    files = {
        name: {"bytes": (checkpoint / name).stat().st_size, "sha256": file_sha256(checkpoint / name)}
        for name in sorted(_files_of(checkpoint))
    }
    for name in files:
        _flush(checkpoint / name)
    part.write_text(json.dumps({"files": files, "fingerprint": fingerprint}, indent=2, default=str) + "\n", "utf-8")
    _flush(part)
    part.replace(manifest)
    _flush(checkpoint)
    _flush(checkpoint.parent)


def _files_of(checkpoint: Path) -> set[str]:
    """Return the files of a checkpoint below its folder, but for the manifest."""
    files = {file.relative_to(checkpoint).as_posix() for file in checkpoint.rglob("*") if file.is_file()}
    return files - {MANIFEST, f"{MANIFEST}.part"}


def validate(checkpoint: Path) -> str | None:
    """Return why a checkpoint is not valid, or none where it is."""
    try:
        manifest = _read_manifest(checkpoint)
        for name, expected in manifest.files.items():
            file = checkpoint / name
            if not file.is_file():
                return f"{name} is missing"
            if file.stat().st_size != expected["bytes"]:
                return f"{name} has {file.stat().st_size:,} of {expected['bytes']:,} bytes"
            if file_sha256(file) != expected["sha256"]:
                return f"{name} has changed since it was written"
        unlisted = _files_of(checkpoint) - manifest.files.keys()
        if unlisted:
            return f"{MANIFEST} does not list {', '.join(sorted(unlisted))}"
    except FileNotFoundError:
        return f"incomplete checkpoint, or not written by the kit (no {MANIFEST})"
    except (OSError, ValueError) as error:
        return f"{MANIFEST} cannot be read ({error})"
    return None


def _read_manifest(checkpoint: Path) -> Manifest:
    """Return the manifest of a checkpoint; a `ValueError` says what is wrong with it."""
    manifest = from_mapping(Manifest, read_mapping(checkpoint / MANIFEST))
    if not manifest.files:
        raise ValueError("it lists no files")
    incomplete = [
        name for name, file in manifest.files.items() if not conforms(file.get("bytes"), int) or "sha256" not in file
    ]
    if incomplete:
        raise ValueError(f"it has no size and checksum of {', '.join(incomplete)}")
    return manifest


def checkpoint_folder(run: str | Path, step: int) -> Path:
    """Return the folder of the checkpoint of a step."""
    return Path(run) / f"checkpoint-{step}"


def step_of(checkpoint: str | Path | None) -> int | None:
    """Return the step in the name of a checkpoint; none where it is not named like one.

    >>> step_of("runs/mine/checkpoint-500"), step_of(None)
    (500, None)
    """
    match = _NAME.match(Path(checkpoint).name) if checkpoint else None
    return int(match[1]) if match else None


def latest_valid_checkpoint(run: Path) -> tuple[Path | None, list[str]]:
    """Return the newest valid checkpoint of a run, and which newer ones were skipped and why."""
    skipped: list[str] = []
    for _, checkpoint in sorted(_checkpoints(run), reverse=True):
        fault = validate(checkpoint)
        if fault is None:
            return checkpoint, skipped
        skipped.append(f"{checkpoint.name} was skipped: {fault}")
    return None, skipped


def named_checkpoint(given: Any, run: Path) -> Path | None:
    """Return the checkpoint of a run that is given by its path; none where none is named.

    Args:
        given: what `resume_from_checkpoint` of the Trainer takes: a path, or whether to resume from the newest.
        run: folder of the run.

    Raises:
        OutputError: it is no checkpoint in this folder, or not a valid one.
    """
    if given is None or isinstance(given, bool):
        return None
    checkpoint = Path(given).expanduser()
    there = [folder.name for _, folder in sorted(_checkpoints(run))]
    if checkpoint.resolve().parent != run.resolve() or checkpoint.name not in there:
        raise OutputError(
            f"resume_from_checkpoint is {str(given)!r}, which is no checkpoint in the output folder {run} (there: "
            f"{', '.join(there) or 'none'}). Give True for the newest one, or one of these. To start a new run from "
            "other weights, pass them as model=."
        )
    fault = validate(checkpoint)
    if fault is not None:
        raise OutputError(
            f"resume_from_checkpoint is {str(given)!r}, which is not valid: {fault}. Give True for the newest that is."
        )
    return checkpoint


def saved_fingerprint(checkpoint: Path) -> dict[str, Any]:
    """Return what a valid checkpoint was made with."""
    return dict(_read_manifest(checkpoint).fingerprint)


def rotate(run: Path, limit: int | None, newest: int, best: int | None) -> None:
    """Delete the oldest checkpoints of a run, so that `limit` are left.

    The newest and the best stay whatever the limit is. Folders of later steps, which a resumed run has not reached
    again, are left alone.

    Args:
        run: folder of the run.
        limit: how many checkpoints to keep; none means all.
        newest: step of the checkpoint that was just written.
        best: step of the best checkpoint, if one is known.
    """
    if limit is None or limit < 1:
        return
    steps = {step: checkpoint for step, checkpoint in _checkpoints(run) if step <= newest}
    kept = {step for step in (newest, best) if step in steps}
    for step in sorted(steps, reverse=True):
        if len(kept) < limit:
            kept.add(step)
    for step, checkpoint in steps.items():
        if step not in kept:
            shutil.rmtree(checkpoint, ignore_errors=True)


def _checkpoints(run: Path) -> list[tuple[int, Path]]:
    folders = [folder for folder in run.iterdir() if folder.is_dir()] if run.is_dir() else []
    return [(int(match[1]), folder) for folder in folders if (match := _NAME.match(folder.name))]


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
