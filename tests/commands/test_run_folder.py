"""What kind of run a folder holds, told from what is in it."""

import pytest
from transformers import BertForMaskedLM, BertForQuestionAnswering, BertForSequenceClassification

from bert_finetune_kit import ClassificationRecipe, ConfigError, ModelError, OutputError, PretrainRecipe, QARecipe
from bert_finetune_kit.commands.run_folder import load_recipe, recipe_class, run_kind

RECIPES = {"pretraining": PretrainRecipe, "classification": ClassificationRecipe, "question_answering": QARecipe}


@pytest.mark.parametrize("kind", RECIPES)
def test_a_finished_run_has_the_kind_of_its_report(kind, finished):
    folder = finished(kind)
    assert run_kind(folder) == kind
    assert recipe_class(folder) is RECIPES[kind]


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (BertForSequenceClassification, "classification"),
        (BertForQuestionAnswering, "question_answering"),
        (BertForMaskedLM, "pretraining"),
    ],
)
def test_a_stock_checkpoint_has_the_kind_of_its_head(model, kind, config, tmp_path):
    model(config).save_pretrained(tmp_path)
    assert run_kind(tmp_path) == kind


@pytest.mark.parametrize("kind", ["classification", "question_answering"])
def test_a_run_is_loaded_with_settings_of_the_trainer(kind, uninterrupted):
    recipe = load_recipe(uninterrupted(kind), {"per_device_eval_batch_size": 3, "use_cpu": True})
    assert isinstance(recipe, RECIPES[kind])
    assert recipe.args.per_device_eval_batch_size == 3
    assert recipe.state.loaded is not None


def test_what_is_no_finished_run(tmp_path, config):
    with pytest.raises(ModelError, match=r"it has neither report.json nor config.json\.$"):
        run_kind(tmp_path)
    (tmp_path / "checkpoint-3").mkdir()
    with pytest.raises(ModelError, match="It has checkpoints: resume its training by the command that started it"):
        run_kind(tmp_path)
    (tmp_path / "report.json").write_text("{", "utf-8")
    with pytest.raises(OutputError, match=r"report.json is damaged"):
        run_kind(tmp_path)
    config.architectures = ["BertForTokenClassification"]
    config.save_pretrained(tmp_path / "tagger")
    with pytest.raises(ModelError, match="holds BertForTokenClassification, which is no model for classification"):
        run_kind(tmp_path / "tagger")
    with pytest.raises(ModelError, match=r"There is no folder .*nowhere"):
        run_kind(tmp_path / "nowhere")


def test_a_run_of_a_recipe_of_ones_own(finished):
    with pytest.raises(ConfigError, match="is a run of the recipe 'entities', which the kit does not have"):
        recipe_class(finished("entities"))
