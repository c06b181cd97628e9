"""What comes from elsewhere is data, never code, and is the encoder that it says it is."""

import pickle

import pytest
import torch
from hub_repositories import bert_base
from safetensors.torch import load_file, save_file
from transformers import BertForPreTraining, BertForQuestionAnswering, BertForTokenClassification

from bert_finetune_kit import ModelError
from bert_finetune_kit.classification.labels import LabelSet
from bert_finetune_kit.classification.model import build_model as build_classifier
from bert_finetune_kit.modeling.loading import config_from_scratch, load_pretrained
from bert_finetune_kit.pretraining.model import build_model as build_pretraining
from bert_finetune_kit.question_answering.model import build_model as build_qa
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


BUILDERS = {
    "pretraining": lambda folder: build_pretraining(folder, "nsp", 9),
    "classification": lambda folder: build_classifier(folder, LabelSet(("a", "b", "c")), 9),
    "a new head": lambda folder: build_classifier(folder, LabelSet(("a", "b", "c")), 9, new_head=True),
    "questions": lambda folder: build_qa(folder, 9),
}


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("name", ["embeddings.word_embeddings.weight", "encoder.layer.1.output.dense.bias"])
@pytest.mark.parametrize("stored_as", [BertForPreTraining, BertForTokenClassification])
def test_weights_of_the_encoder_of_another_shape_are_refused(config, tmp_path, stored_as, name, builder):
    """They would be random, whatever the checkpoint is for and whichever head is to be new."""
    stored_as(config).save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    weights = load_file(file)
    shorter = weights[f"bert.{name}"][:-8].clone()
    save_file(weights | {f"bert.{name}": shorter}, file, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=rf"has bert\.{name} of shape \({shorter.shape[0]},.*randomly init"):
        BUILDERS[builder](str(tmp_path))


def test_only_the_head_that_is_to_be_new_may_have_another_shape(config, tmp_path):
    config.num_labels = 5
    stored = BertForTokenClassification(config)
    stored.save_pretrained(tmp_path)
    model, new = BUILDERS["classification"](str(tmp_path))
    assert new == ["bert.pooler", "classifier"]
    assert model.classifier.out_features == 3
    for name, weight in stored.bert.named_parameters():
        assert torch.equal(model.bert.get_parameter(name), weight)


def test_outputs_are_read_by_name_whatever_the_config_says(config, tmp_path):
    config.return_dict = False
    BertForPreTraining(config).save_pretrained(tmp_path)
    model, _ = load_pretrained(BertForPreTraining, str(tmp_path))
    assert model.config.return_dict
    assert config_from_scratch(config, 1).return_dict
    assert not config.return_dict
