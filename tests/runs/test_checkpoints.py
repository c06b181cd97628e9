"""Only complete checkpoints count."""

import json

import pytest

from bert_finetune_kit import OutputError
from bert_finetune_kit.runs.checkpoints import (
    MANIFEST,
    finalize,
    latest_valid_checkpoint,
    named_checkpoint,
    rotate,
    saved_fingerprint,
    validate,
)

FINGERPRINT = {"seed": 1, "rate": 1e-5, "layers": (1, 2)}


def write_files(run, step):
    checkpoint = run / f"checkpoint-{step}"
    (checkpoint / "inner").mkdir(parents=True)
    (checkpoint / "model.safetensors").write_bytes(b"weights" * 100)
    (checkpoint / "inner" / "state.json").write_text("{}")
    return checkpoint


def write(run, step, fingerprint=FINGERPRINT):
    checkpoint = write_files(run, step)
    finalize(checkpoint, fingerprint)
    return checkpoint


def test_a_checkpoint_is_valid_once_it_is_finalized(tmp_path):
    checkpoint = write_files(tmp_path, 3)
    assert "incomplete" in validate(checkpoint)
    finalize(checkpoint, FINGERPRINT)
    assert validate(checkpoint) is None
    assert sorted(str(file.relative_to(checkpoint)) for file in checkpoint.rglob("*") if file.is_file()) == [
        MANIFEST, "inner/state.json", "model.safetensors"
    ]  # fmt: skip
    assert saved_fingerprint(checkpoint) == {"seed": 1, "rate": 1e-5, "layers": [1, 2]}


def test_a_checkpoint_that_is_written_again_is_finalized_again(tmp_path):
    """As where a run is resumed from an earlier step; a file of an interrupted `finalize` is no part of it."""
    checkpoint = write(tmp_path, 3)
    (checkpoint / "model.safetensors").write_bytes(b"other weights")
    (checkpoint / f"{MANIFEST}.part").write_text("{")
    assert validate(checkpoint) is not None
    finalize(checkpoint, FINGERPRINT | {"seed": 2})
    assert validate(checkpoint) is None
    assert saved_fingerprint(checkpoint)["seed"] == 2


def truncate(checkpoint):
    file = checkpoint / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-5])


def change(checkpoint):
    file = checkpoint / "model.safetensors"
    file.write_bytes(b"W" + file.read_bytes()[1:])


# Not written by the kit, or damaged: content and reason.
MANIFESTS = {
    '{"files": {}}': "fingerprint is missing",
    '{"fingerprint": {"seed": 1}}': "files is missing",
    '{"files": {}, "fingerprint": null}': "fingerprint is null",
    '{"files": {"model.safetensors": null}, "fingerprint": {}}': 'files is {"model.safetensors": null}, which is',
    '{"files": ["model.safetensors"], "fingerprint": {}}': 'files is ["model.safetensors"], which is of another type',
    '{"files": {"model.safetensors": {}}, "fingerprint": {}}': "no size and checksum of model.safetensors",
    '{"files": {"model.safetensors": {"bytes": "700", "sha256": ""}}, "fingerprint": {}}': "no size and checksum",
    '{"files": {"model.safetensors": {"bytes": 700, "sha256": null}}, "fingerprint": {}}': "has changed",
    "null": "it holds null",
    "": "the file is empty",
    "[" * 100_000: "not complete JSON",
}


def manifest(content):
    return lambda checkpoint: (checkpoint / MANIFEST).write_text(content)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncate, "has 695 of 700 bytes"),
        (change, "has changed since it was written"),
        (lambda checkpoint: (checkpoint / "inner" / "state.json").unlink(), "inner/state.json is missing"),
        (lambda checkpoint: (checkpoint / "of a later write").touch(), "does not list of a later write"),
        (lambda checkpoint: (checkpoint / MANIFEST).unlink(), "incomplete checkpoint"),
        (lambda checkpoint: (checkpoint / MANIFEST).write_text("{"), "cannot be read"),
        (lambda checkpoint: (checkpoint / MANIFEST).write_text(json.dumps([])), "cannot be read"),
        (lambda checkpoint: (checkpoint / MANIFEST).write_text('{"files": {}, "fingerprint": {}}'), "lists no files"),
        *((manifest(content), reason) for content, reason in MANIFESTS.items()),
    ],
)
def test_an_invalid_checkpoint_is_named_and_skipped(tmp_path, damage, reason):
    write(tmp_path, 9)
    write(tmp_path, 10)
    damage(write(tmp_path, 100))
    checkpoint, skipped = latest_valid_checkpoint(tmp_path)
    assert checkpoint.name == "checkpoint-10"  # by number, not by name
    assert len(skipped) == 1
    assert skipped[0].startswith("checkpoint-100 was skipped: ")
    assert reason in skipped[0]


def test_no_checkpoint_is_valid(tmp_path):
    assert latest_valid_checkpoint(tmp_path) == (None, [])
    assert latest_valid_checkpoint(tmp_path / "nowhere") == (None, [])
    (tmp_path / "checkpoint-3").mkdir()
    checkpoint, skipped = latest_valid_checkpoint(tmp_path)
    assert checkpoint is None
    assert skipped[0].startswith("checkpoint-3 was skipped")


@pytest.mark.parametrize(
    ("limit", "best", "kept"),
    [
        (2, None, {6, 8}),
        (2, 2, {2, 8}),  # the best stays, whatever its age
        (1, 2, {2, 8}),  # and so does the newest
        (1, 8, {8}),
        (3, 2, {2, 6, 8}),
        (None, 2, {2, 4, 6, 8}),
        (0, None, {2, 4, 6, 8}),
    ],
)
def test_the_oldest_checkpoints_are_deleted(tmp_path, limit, best, kept):
    for step in (2, 4, 6, 8):
        write(tmp_path, step)
    (tmp_path / "checkpoint-12").mkdir()  # of a later step, before the run was resumed
    rotate(tmp_path, limit, newest=8, best=best)
    assert {int(path.name.split("-")[1]) for path in tmp_path.iterdir()} == kept | {12}


def test_a_checkpoint_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    first, second = write(run, 3), write(run, 6)
    assert named_checkpoint(None, run) is named_checkpoint(True, run) is None
    assert named_checkpoint(str(first), run) == first
    assert named_checkpoint("run/checkpoint-6", run).resolve() == second
    elsewhere = write(tmp_path / "other", 3)
    for given in (elsewhere, run / "checkpoint-9", run, first / "inner", "last"):
        with pytest.raises(
            OutputError, match=r"no checkpoint in the output folder .*\(there: checkpoint-3, checkpoint-6\)"
        ):
            named_checkpoint(given, run)
    truncate(second)
    with pytest.raises(OutputError, match=r"which is not valid: model.safetensors has 695 of 700 bytes"):
        named_checkpoint(second, run)
