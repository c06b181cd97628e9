"""Settings that what is called does not have are refused in words, by one mechanism."""

import inspect

import pytest

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationRecipe,
    ConfigError,
    LabelledSource,
    PretrainConfig,
    PretrainRecipe,
    QAConfig,
    QARecipe,
    TextSource,
)
from bert_finetune_kit.classification.task_choice import TASK_FIELDS
from bert_finetune_kit.errors import _OWNERS, unknown_setting
from bert_finetune_kit.keywords import checks_settings
from bert_finetune_kit.settings import field_names

RECIPES = {
    "classify": lambda: ClassificationRecipe([{"text": "a", "label": "b"}], model="tiny"),
    "answer": lambda: QARecipe(model="tiny"),
    "pretrain": lambda: PretrainRecipe(),
}
CLASSIFY, ANSWER, EITHER, PRETRAINING, MASKS = (f"it is for {owner}" for owner in _OWNERS)


@pytest.mark.parametrize(
    ("kind", "method", "settings", "message"),
    [
        ("answer", "predict", {"label_sets": 0.9}, rf"QARecipe\.predict\(\): .*'label_sets': {CLASSIFY}"),
        ("classify", "predict", {"question": "who?"}, rf"ClassificationRecipe\.predict\(\): .*'question': {ANSWER}"),
        ("classify", "predict", {"batch_size": 8}, "'batch_size': args has .*per_device_eval_batch_size"),
        ("classify", "predict", {"cover": 1}, "no setting 'cover'; did you mean 'coverage'"),
        ("answer", "predict_file", {"top_k": 3}, MASKS),
        ("answer", "evaluate", {"coverage": 0.5}, rf"QARecipe\.evaluate\(\): .*'coverage': {EITHER}"),
        ("pretrain", "evaluate", {"device": "cpu"}, "'device': the model runs on the device of args"),
        ("pretrain", "train", {"num_train_epochs": 3}, r"belongs into args={'num_train_epochs': …} of the recipe"),
        ("classify", "train", {"max_length": 3}, r"belongs into config={'max_length': …} of the recipe"),
        ("classify", "train", {"epochs": 3}, "no setting 'epochs': use resume, force, resume_from_checkpoint"),
        ("classify", "cross_validate", {"k": 5}, "no setting 'k': use folds, resume, force"),
        ("classify", "train_seeds", {"seed": 5}, "belongs into args={'seed': …} of the recipe"),
        ("answer", "export", {"quantise": "int8"}, "no setting 'quantise'; did you mean 'quantize'"),
        ("answer", "selection", {"label_sets": 0.9}, rf"selection\(\): there is no setting 'label_sets': {CLASSIFY}"),
        ("answer", "explain", {"coverage": 1}, EITHER),
        ("pretrain", "push_to_hub", {"publish": 1}, "no setting 'publish': use name, private, token, predictions"),
        ("answer", "predict", {"label_sets": 0.9, "text": "a"}, r"(?s)2 faults.*'label_sets'.*'text'"),
    ],
)
def test_settings_of_other_recipes(kind, method, settings, message):
    """Before anything is computed: the recipes have not been trained."""
    with pytest.raises(ConfigError, match=message):
        getattr(RECIPES[kind](), method)(**settings)


@pytest.mark.parametrize(
    ("recipe", "settings", "message"),
    [
        (QARecipe, {"text": "body"}, rf"^QARecipe: there is no setting 'text': {CLASSIFY}"),
        (QARecipe, {"doc_stride": 8}, r"^QARecipe: doc_stride belongs into config={'doc_stride': …}$"),
        (PretrainRecipe, {"lora": 8}, rf"'lora': {EITHER}"),
        (PretrainRecipe, {"learning_rate": 1}, r"learning_rate belongs into args={'learning_rate': …}$"),
        (ClassificationRecipe, {"mlm_probability": 0.1}, rf"'mlm_probability': {PRETRAINING}"),
        (ClassificationRecipe, {"txt": "a"}, "no setting 'txt'; did you mean 'text'"),
    ],
)
def test_settings_of_a_recipe(recipe, settings, message):
    with pytest.raises(ConfigError, match=message):
        recipe(**settings)


def test_settings_of_a_model_that_is_loaded():
    with pytest.raises(ConfigError, match=r"QARecipe\.from_pretrained\(\): .*'task': " + CLASSIFY):
        QARecipe.from_pretrained("runs/nowhere", task="sst2")
    with pytest.raises(ConfigError, match=r"threshold belongs into config={'threshold': …}$"):
        ClassificationRecipe.from_pretrained("runs/nowhere", threshold=0.4)


def test_pretraining_predicts_nothing_with_any_settings():
    for settings in ({}, {"coverage": 0.5}):
        with pytest.raises(ConfigError, match="PretrainRecipe has no predictions: use a recipe that classifies or an"):
            RECIPES["pretrain"]().predict("a text", **settings)


def test_signatures_stay():
    """Help, editors and `choices_of` read them."""
    assert [*inspect.signature(QARecipe.predict).parameters][:3] == ["self", "inputs", "context"]
    assert "threshold" in inspect.signature(QARecipe.from_pretrained).parameters
    assert QARecipe.train.__doc__.startswith("Train, evaluate")


def test_a_class_of_ones_own():
    @checks_settings(reasons={"heat": "it is cold"})
    class Kettle:
        def predict(self, water, owner=None):
            return water, owner

        def pour(self, cup):
            return cup

    assert Kettle().predict("a", owner="b") == Kettle().predict(water="a", owner="b") == ("a", "b")
    with pytest.raises(ConfigError, match=r"^Kettle\.predict\(\): there is no setting 'heat': it is cold$"):
        Kettle().predict("a", heat=3)
    with pytest.raises(TypeError):
        Kettle().pour(heat=3)


def test_whose_setting_it_is():
    """A setting that one kind of model alone has is known as its own, and no other is."""
    classify, answer, pretrain = (set(field_names(kind)) for kind in (ClassificationConfig, QAConfig, PretrainConfig))
    owned = {owner: set(names) for owner, names in _OWNERS.items()}
    assert classify - answer - pretrain <= owned["models that classify"]
    assert answer - classify - pretrain <= owned["models that answer questions"]
    assert pretrain - classify - answer <= owned["pretraining"]
    assert (classify & answer) - pretrain <= owned["models that classify or answer"]
    assert owned["models that classify"] <= {
        *classify, *TASK_FIELDS, *field_names(LabelledSource), "task", "label_sets",
    } - answer - pretrain  # fmt: skip
    assert owned["models that answer questions"] <= {*answer, "question", "context"} - classify - pretrain
    assert owned["pretraining"] <= {*pretrain, *field_names(TextSource)} - answer - classify
    assert unknown_setting("question", ["hub_revision"]) == f"there is no setting 'question': {ANSWER}"
    assert unknown_setting("text", ["text_column"]) == "there is no setting 'text'; did you mean 'text_column'?"
