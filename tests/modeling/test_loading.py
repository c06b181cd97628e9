"""What comes from elsewhere is data, never code."""

import pickle

import pytest
import torch
from hub_repositories import bert_base
from safetensors.torch import load_file
from transformers import BertForQuestionAnswering

from bert_finetune_kit import ModelError
from bert_finetune_kit.modeling.loading import load_pretrained
from bert_finetune_kit.training.checkpointing import load_weights


class Planted:
    """Runs code where it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return open, (str(self.file), "w")


def test_code_in_a_pickled_checkpoint_is_not_run(config, tmp_path):
    config.save_pretrained(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({"weights": Planted(tmp_path / "executed")}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_pretrained(BertForQuestionAnswering, str(tmp_path))
    torch.save({"weights": Planted(tmp_path / "executed")}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_pretrained(BertForQuestionAnswering, str(tmp_path))
    assert not (tmp_path / "executed").exists()


def test_code_beside_a_checkpoint_is_not_run(config, tmp_path):
    """trust_remote_code stays off."""
    BertForQuestionAnswering(config).save_pretrained(tmp_path)
    file = tmp_path / "config.json"
    file.write_text(file.read_text().replace("{", '{"auto_map": {"AutoConfig": "planted.Config"},', 1))
    (tmp_path / "planted.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    load_pretrained(BertForQuestionAnswering, str(tmp_path))
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_with_old_names_is_saved_under_the_names_of_the_parameters(tokenizer, tmp_path):
    """The weights of bert-base-uncased have names that loading by the names of the parameters would skip."""
    for name, content in bert_base(tokenizer).files.items():
        (tmp_path / name).write_bytes(content)
    stored = load_file(tmp_path / "model.safetensors")
    model, new = load_pretrained(BertForQuestionAnswering, str(tmp_path))
    assert new == ["qa_outputs"]
    assert torch.equal(model.bert.embeddings.LayerNorm.weight, stored["bert.embeddings.LayerNorm.gamma"])
    model.save_pretrained(tmp_path / "saved")
    assert load_file(tmp_path / "saved/model.safetensors").keys() == dict(model.named_parameters()).keys()
    expected = {name: value.clone() for name, value in model.state_dict().items()}
    for parameter in model.parameters():
        parameter.data.zero_()
    load_weights(model, tmp_path / "saved")
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
