"""Files of a checkpoint, in a folder or on the Hub."""

import hashlib
import json
from pathlib import Path

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError
from safetensors import SafetensorError
from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, SAFE_WEIGHTS_NAME, WEIGHTS_NAME

from .loading import checkpoint_config
from .weights import stock_name, weights_in

_TIED = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")
_BUFFERS = ("embeddings.position_ids",)  # no parameter, but stored in old checkpoints


def find_file(model_name_or_path: str | Path, filename: str) -> Path | None:
    """Return a file of a checkpoint, downloaded if need be.

    Args:
        model_name_or_path: folder or Hub id.
        filename: such as config.json.

    Returns:
        Its path; None if the checkpoint has no such file, is gated, or is neither cached nor reachable.

    Raises:
        OSError, ValueError: there is no such repository, or the name cannot be one.
    """
    folder = Path(model_name_or_path)
    if folder.is_dir():
        return folder / filename if (folder / filename).is_file() else None
    try:
        return Path(hf_hub_download(str(model_name_or_path), filename))
    except (EntryNotFoundError, GatedRepoError):  # the first includes a missing network (LocalEntryNotFoundError)
        return None


def weights_sha256(folder: str | Path) -> str | None:
    """Return the SHA-256 of the weights in a model's folder, of several files that of theirs; None without weights."""
    try:
        digests = [file_sha256(file) for file in _weight_files(str(folder))] if Path(folder).is_dir() else []
    except FileNotFoundError:  # a shard is missing
        return None
    if len(digests) > 1:
        return hashlib.sha256(" ".join(digests).encode()).hexdigest()
    return digests[0] if digests else None


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def checkpoint_shapes(model_name_or_path: str) -> dict[str, tuple[int, ...]] | None:
    """Return the shape of each parameter in a checkpoint by stock name, tied ones once; None if it is unreadable.

    Args:
        model_name_or_path: folder or Hub id.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    try:
        for file in _weight_files(model_name_or_path):
            if file.suffix == ".safetensors":
                shapes |= {name: weight.shape for name, weight in weights_in(file).items()}
            else:
                stored = torch.load(file, map_location="meta", weights_only=True)
                shapes |= {stock_name(name): tuple(value.shape) for name, value in stored.items()}
    except (OSError, SafetensorError, RuntimeError, ValueError):
        return None
    tied = _TIED if getattr(checkpoint_config(model_name_or_path), "tie_word_embeddings", True) else ()
    return {name: shape for name, shape in shapes.items() if name not in (*tied, *_BUFFERS)} or None


def _weight_files(model_name_or_path: str) -> list[Path]:
    """Return the files with the weights of a checkpoint: one, or the shards in its index."""
    for name in (SAFE_WEIGHTS_NAME, SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_NAME):
        file = find_file(model_name_or_path, name)
        if file is None:
            continue
        if name != SAFE_WEIGHTS_INDEX_NAME:
            return [file]
        shards = sorted(set(json.loads(file.read_text("utf-8"))["weight_map"].values()))
        files = [find_file(model_name_or_path, shard) for shard in shards]
        if None in files:
            raise FileNotFoundError(f"{model_name_or_path} lacks {shards[files.index(None)]}, which its index lists.")
        return [file for file in files if file is not None]
    return []
