"""Files of a checkpoint: in a folder, in the cache of the Hub, or nowhere."""

import hashlib

import pytest
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from transformers import BertConfig, BertModel

from bert_finetune_kit.modeling import checkpoint_files
from bert_finetune_kit.modeling.checkpoint_files import file_sha256, find_file, weights_sha256

HUB_ID = "someone/model"


def test_a_file_in_a_folder(tmp_path):
    (tmp_path / "task.json").write_text("{}")
    assert find_file(str(tmp_path), "task.json") == tmp_path / "task.json"
    assert find_file(tmp_path, "config.json") is None


def test_a_cached_file_of_the_hub_without_a_network(tmp_path, monkeypatch):
    snapshot = tmp_path / "models--someone--model" / "snapshots" / "0" / "task.json"
    snapshot.parent.mkdir(parents=True)
    snapshot.write_text("{}")
    (tmp_path / "models--someone--model" / "refs").mkdir()
    (tmp_path / "models--someone--model" / "refs" / "main").write_text("0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert find_file(HUB_ID, "task.json").read_text() == "{}"
    assert find_file(HUB_ID, "config.json") is None
    assert find_file("someone/unknown", "config.json") is None


def without_response(error):
    """Make an error of the Hub as of a request that had no response."""
    return error.__new__(error)


@pytest.mark.parametrize("error", [EntryNotFoundError, LocalEntryNotFoundError, GatedRepoError])
def test_what_the_hub_does_not_have_or_give_is_none(monkeypatch, error):
    def download(*_):
        raise without_response(error)

    monkeypatch.setattr(checkpoint_files, "hf_hub_download", download)
    assert find_file(HUB_ID, "task.json") is None


def test_a_repository_that_does_not_exist_is_an_error(monkeypatch, tmp_path):
    with pytest.raises(HFValidationError):
        find_file(str(tmp_path / "nowhere"), "task.json")

    def download(*_):
        raise without_response(RepositoryNotFoundError)

    monkeypatch.setattr(checkpoint_files, "hf_hub_download", download)
    with pytest.raises(OSError):
        find_file(HUB_ID, "task.json")


def test_sha256(tmp_path):
    assert weights_sha256(tmp_path) is None
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert weights_sha256(tmp_path) == hashlib.sha256(b"weights").hexdigest()
    assert file_sha256(tmp_path / "model.safetensors") == weights_sha256(tmp_path)


def test_weights_in_several_files_or_in_the_older_format_have_a_digest_of_all(tmp_path):
    model = BertModel(BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2))
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    shards = sorted(tmp_path.glob("*.safetensors"))
    assert len(shards) > 1
    before = weights_sha256(tmp_path)
    assert before == weights_sha256(tmp_path) is not None
    shards[-1].write_bytes(shards[-1].read_bytes() + b" ")
    assert weights_sha256(tmp_path) != before
    shards[-1].unlink()
    assert weights_sha256(tmp_path) is None
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "pytorch_model.bin").write_bytes(b"weights")
    assert weights_sha256(tmp_path / "old") == hashlib.sha256(b"weights").hexdigest()
