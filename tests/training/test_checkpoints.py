"""Only whole checkpoints count."""

import json

import pytest

from bert_finetune_kit.training.checkpoints import (
    MANIFEST,
    differences,
    fault_of,
    fingerprint_of,
    newest_whole,
    seal,
)


def write(folder, step, fingerprint=None):
    aside = folder / ".saving"
    (aside / "inner").mkdir(parents=True)
    (aside / "model.safetensors").write_bytes(b"weights" * 100)
    (aside / "inner" / "state.json").write_text("{}")
    seal(aside, folder / f"checkpoint-{step}", fingerprint or {})
    return folder / f"checkpoint-{step}"


def test_a_sealed_checkpoint_is_whole(tmp_path):
    checkpoint = write(tmp_path, 3, {"seed": 1, "rate": 1e-5, "layers": (1, 2)})
    assert fault_of(checkpoint) is None
    assert [one.name for one in tmp_path.iterdir()] == ["checkpoint-3"]
    assert differences(fingerprint_of(checkpoint), {"seed": 1, "rate": 1e-5, "layers": (1, 2)}) == []
    assert differences(fingerprint_of(checkpoint), {"seed": 2, "rate": 1e-5, "more": True}) == [
        "seed was 1 and is now 2", "layers was [1, 2] and is now None", "more was None and is now True"
    ]  # fmt: skip


def truncate(checkpoint):
    file = checkpoint / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-5])


def change(checkpoint):
    file = checkpoint / "model.safetensors"
    file.write_bytes(b"W" + file.read_bytes()[1:])


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (truncate, "has 695 of 700 bytes"),
        (change, "has changed since it was written"),
        (lambda checkpoint: (checkpoint / "inner" / "state.json").unlink(), "inner/state.json is missing"),
        (lambda checkpoint: (checkpoint / MANIFEST).unlink(), "not written to its end"),
        (lambda checkpoint: (checkpoint / MANIFEST).write_text("{"), "cannot be read"),
        (lambda checkpoint: (checkpoint / MANIFEST).write_text(json.dumps([])), "cannot be read"),
    ],
)
def test_a_torn_one_is_named_and_passed_over(tmp_path, harm, said):
    write(tmp_path, 9)
    write(tmp_path, 10)
    harm(write(tmp_path, 100))
    checkpoint, passed_over = newest_whole(tmp_path)
    assert checkpoint.name == "checkpoint-10"  # by number, not by name
    assert len(passed_over) == 1
    assert passed_over[0].startswith("checkpoint-100 was passed over: ")
    assert said in passed_over[0]


def test_there_is_none(tmp_path):
    assert newest_whole(tmp_path) == (None, [])
    assert newest_whole(tmp_path / "nowhere") == (None, [])
    (tmp_path / "checkpoint-3").mkdir()
    assert newest_whole(tmp_path)[0] is None
