"""Checkpoints that count only when they are whole.

A checkpoint is written aside, every file of it flushed to the disk, listed with size and checksum in `checkpoint.json`,
and only then given its name. A kill, a full disk or a pulled plug at any moment leaves either the whole checkpoint or
none; what is torn or changed later is recognised by the list.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..modeling.weights import checksum

MANIFEST = "checkpoint.json"
STAGING = ".saving"
_NAME = re.compile(r"^checkpoint-(\d+)$")


def seal(folder: Path, final: Path, fingerprint: Mapping[str, Any]) -> None:
    """Flush all files of a checkpoint, list them, and give it its name.

    Args:
        folder: where it was written, on the same file system.
        final: its name from now on.
        fingerprint: what it was made with, as plain data.
    """
    files = {
        str(file.relative_to(folder)): {"bytes": file.stat().st_size, "sha256": checksum(file)}
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != MANIFEST
    }
    content = {"files": files, "fingerprint": fingerprint}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2, default=str) + "\n", "utf-8")
    for name in (*files, MANIFEST):
        _flush(folder / name)
    _flush(folder)
    folder.replace(final)
    _flush(final.parent)


def fault_of(folder: Path) -> str | None:
    """Return why a checkpoint does not count, or none where it is whole."""
    try:
        files = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
        for name, told in files.items():
            file = folder / name
            if not file.is_file():
                return f"{name} is missing"
            if file.stat().st_size != told["bytes"]:
                return f"{name} has {file.stat().st_size:,} of {told['bytes']:,} bytes"
            if checksum(file) != told["sha256"]:
                return f"{name} has changed since it was written"
    except FileNotFoundError:
        return f"it has no {MANIFEST}: it was not written to its end, or not by the kit"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{MANIFEST} cannot be read ({error})"
    return None


def newest_whole(folder: Path) -> tuple[Path | None, list[str]]:
    """Return the newest whole checkpoint of a run, and which newer ones were passed over and why."""
    found = [(int(match[1]), one) for one in _folders(folder) if (match := _NAME.match(one.name))]
    passed_over: list[str] = []
    for _, checkpoint in sorted(found, reverse=True):
        fault = fault_of(checkpoint)
        if fault is None:
            return checkpoint, passed_over
        passed_over.append(f"{checkpoint.name} was passed over: {fault}")
    return None, passed_over


def fingerprint_of(folder: Path) -> dict[str, Any]:
    """Return what a whole checkpoint was made with."""
    content: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    return dict(content["fingerprint"])


def differences(saved: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """Return in words where two fingerprints differ, compared as the file holds them."""
    plain = json.loads(json.dumps(ours, default=str))
    return [
        f"{name} was {saved.get(name)!r} and is now {plain.get(name)!r}"
        for name in dict.fromkeys([*saved, *plain])
        if saved.get(name) != plain.get(name)
    ]


def _folders(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.is_dir()] if folder.is_dir() else []


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
