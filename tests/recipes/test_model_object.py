"""A model object is taken wherever the name of a checkpoint is."""

import warnings

import pytest
import torch
from datasets import Dataset, DatasetDict
from peft import LoraConfig, get_peft_model
from small_recipes import SOURCES, build
from torch import nn
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    BertForSequenceClassification,
    T5Config,
    T5ForConditionalGeneration,
)

from bert_finetune_kit import ClassificationRecipe, ClassificationTask, ConfigError, LabelledSource, ModelError
from bert_finetune_kit.recipes import model_object
from bert_finetune_kit.recipes.model_object import ModelObject

ONE_STEP = {
    "max_steps": 1,
    "warmup_steps": 0,
    "eval_strategy": "no",
    "save_strategy": "no",
    "load_best_model_at_end": False,
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_model_object_is_taken_and_left_as_it_is(name, config, tokenizer, tmp_path):
    encoder = AutoModel.from_config(config)
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    recipe = build(name, encoder, tmp_path / "run", tokenizer=tokenizer, **ONE_STEP)
    built = recipe.prepare().model.base_model.state_dict()
    assert torch.equal(built["embeddings.word_embeddings.weight"], before["embeddings.word_embeddings.weight"])
    report = recipe.train()
    assert all(torch.equal(value, before[key]) for key, value in encoder.state_dict().items())
    assert report.model["model_name_or_path"] == "BertModel"
    assert "replace by: BertModel" in report.reproduce
    assert "initial" not in report.fingerprint["model"]
    again = build(name, encoder, tmp_path / "run", tokenizer=tokenizer, **ONE_STEP)
    assert again.train(resume=True).result == report.result  # the same run, whatever folder it was stored in


def test_a_trained_head_is_kept(config, tokenizer, tmp_path):
    config.num_labels = 2
    model = AutoModelForSequenceClassification.from_config(config)
    recipe = ClassificationRecipe(
        model=model, tokenizer=tokenizer, source=SOURCES["classification"],
        args=ClassificationRecipe.default_args(str(tmp_path)),
    )  # fmt: skip
    prepared = recipe.prepare()
    assert prepared.built.new_parts == ()
    assert torch.equal(prepared.model.classifier.weight, model.classifier.weight)


def test_what_cannot_be_taken_is_refused(config, tokenizer):
    model = AutoModelForSequenceClassification.from_config(config)
    with pytest.raises(ConfigError, match=r"BertForSequenceClassification in memory, .*pass tokenizer="):
        ClassificationRecipe(model=model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of a name that peft uses
        wrapped = get_peft_model(model, LoraConfig(target_modules=["query"]))
    with pytest.raises(ConfigError, match="merge_and_unload"):
        ClassificationRecipe(model=wrapped, tokenizer=tokenizer)


class OwnForward(BertForSequenceClassification):
    def forward(self, *arguments, **settings):
        output = super().forward(*arguments, **settings)
        output.logits = output.logits * 0
        return output


def with_another_head(config):
    model = BertForSequenceClassification(config)
    model.classifier = nn.Sequential(nn.Linear(config.hidden_size, 2))
    return model


def with_a_replaced_forward(config):
    model = BertForSequenceClassification(config)
    model.classifier.forward = lambda states: states[:, :2]
    return model


@pytest.mark.parametrize(
    ("build_model", "fault"),
    [
        (OwnForward, r"a class of its own \(.*OwnForward\), whose code may differ"),
        (with_another_head, "a module classifier of class Sequential, where the stock one has Linear"),
        (with_a_replaced_forward, "a forward of its own in classifier"),
    ],
)
def test_code_of_its_own_is_refused_before_anything_is_stored(build_model, fault, config, tokenizer, monkeypatch):
    monkeypatch.setattr(model_object, "mkdtemp", None)
    with pytest.raises(ModelError, match=rf"The given \w+ has {fault}: a checkpoint holds weights alone"):
        ModelObject(build_model(config), tokenizer)


def test_unsuitable_models_are_named_as_what_they_are(config, tokenizer, monkeypatch):
    monkeypatch.setattr(model_object, "mkdtemp", None)
    t5 = T5ForConditionalGeneration(T5Config(vocab_size=20, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2))
    with pytest.raises(ModelError, match=r"^The given T5ForConditionalGeneration is a t5 model"):
        ClassificationRecipe(model=t5, tokenizer=tokenizer)
    for wrapped, name in (
        (nn.DataParallel(AutoModel.from_config(config)), "DataParallel"),
        (nn.Linear(2, 2), "Linear"),
    ):
        with pytest.raises(
            ConfigError, match=rf"^model is a {name}, which is no model of transformers: pass .*"
        ) as error:
            ClassificationRecipe(model=wrapped, tokenizer=tokenizer)
        assert ("pass the BertModel in it" in str(error.value)) == (name == "DataParallel")


def classifier(config, tokenizer, folder, model):
    rows = Dataset.from_dict({"text": ["the bread is good", "the soup was cold"] * 8, "label": ["no", "yes"] * 8})
    args = ClassificationRecipe.default_args(str(folder), use_cpu=True, **ONE_STEP)
    source = LabelledSource(train=DatasetDict(train=rows, validation=rows))
    return ClassificationRecipe(ClassificationTask("t"), source, model=model, tokenizer=tokenizer, args=args)


def test_a_trained_model_is_taken_again(config, tokenizer, tmp_path):
    first = classifier(config, tokenizer, tmp_path / "first", AutoModel.from_config(config))
    first.train()  # its encoder skips padding by a class of the kit, and its forward has the wrappers of accelerate
    classifier(config, tokenizer, tmp_path / "second", first.trainer.model).prepare()


def test_what_the_user_has_frozen_is_not_trained(config, tokenizer, tmp_path):
    model = AutoModelForSequenceClassification.from_config(config)
    model.base_model.requires_grad_(False)
    recipe = classifier(config, tokenizer, tmp_path, model)
    prepared = recipe.prepare()
    trained = {name for name, parameter in prepared.model.named_parameters() if parameter.requires_grad}
    assert trained == {"classifier.weight", "classifier.bias"}
    frozen = sum(parameter.numel() for parameter in model.base_model.parameters())
    assert f"{frozen:,} parameters are not trained: requires_grad is off in the given model" in prepared.notes
    assert "bert.pooler.dense.bias".removeprefix("bert.") in recipe.fingerprint()["model.frozen"]


def test_outputs_without_names_take_the_labels_of_the_data(config, tokenizer, tmp_path):
    config.num_labels = 2
    model = AutoModelForSequenceClassification.from_config(config)
    prepared = classifier(config, tokenizer, tmp_path, model).prepare()
    assert torch.equal(prepared.model.classifier.weight, model.classifier.weight)
    note = "the given BertForSequenceClassification does not name its labels; the order of the data was taken for that "
    assert note + "of its head: LABEL_0 is no, LABEL_1 is yes" in prepared.notes
    config.num_labels = 3
    model = AutoModelForSequenceClassification.from_config(config)
    with pytest.raises(
        ModelError, match=r"^the given \w+ has a head of 3 outputs; the task has \(no, yes\)\..*new_head"
    ):
        classifier(config, tokenizer, tmp_path, model).prepare()


def test_weights_of_sixteen_bits_are_a_note(config, tokenizer, tmp_path):
    model = AutoModel.from_config(config, dtype=torch.bfloat16)
    (note,) = [note for note in classifier(config, tokenizer, tmp_path, model).prepare().notes if "bfloat16" in note]
    assert note.startswith("the weights are bfloat16, and are trained and saved so")
