"""A model object is taken wherever the name of a checkpoint is."""

import warnings

import pytest
import torch
from peft import LoraConfig, get_peft_model
from small_recipes import SOURCES, build
from transformers import AutoModel, AutoModelForSequenceClassification

from bert_finetune_kit import ClassificationRecipe, ConfigError

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
