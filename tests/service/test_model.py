"""Trained and exported models as the service takes them."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from saved_models import save_classifier, save_reader
from service_stub import answer, classify
from synthetic_reports import empty_report

from bert_finetune_kit import ClassificationRecipe, ConfigError, QARecipe
from bert_finetune_kit.reporting.schema import Score
from bert_finetune_kit.service.model import served_exported, served_recipe
from bert_finetune_kit.service.requests import PAIR, QUESTION, TEXT


@pytest.fixture(scope="module")
def classifier(tmp_path_factory, tokenizer):
    return save_classifier(tmp_path_factory.mktemp("classifier"), tokenizer)


def test_a_classifier(classifier):
    recipe = ClassificationRecipe.from_pretrained(classifier)
    model = served_recipe(recipe, classifier)
    assert (model.kind, model.form, model.labels) == ("classification", TEXT, ("bad", "fair", "good"))
    assert model.is_calibrated is False
    texts = ["the soup was cold", ""]
    assert next(map(model.to_fields, model.predict(texts)))["scores"] == recipe.predict(texts)[0].scores
    explanation = model.explain(texts[0], "fair", lambda: False)
    assert (explanation.label, explanation.method) == ("fair", "integrated gradients")
    assert (model.known.title, model.known.scores) == (Path(classifier).name, ())


def test_a_reader(tmp_path, tokenizer):
    folder = save_reader(tmp_path, tokenizer)
    model = served_recipe(QARecipe.from_pretrained(folder), folder)
    assert (model.kind, model.form, model.explain) == ("question_answering", QUESTION, None)
    (fields,) = map(model.to_fields, model.predict([("Who?", "The mill opens at six.")]))
    assert set(fields) == {"answer", "score", "start", "end", "no_answer", "n_best"}


def test_the_report_says_how_good_it_is(classifier):
    report = empty_report(
        result={"accuracy": 0.75, "loss": "nan"}, intervals={"accuracy": (0.7, 0.8)},
        glossary=[Score("accuracy", "accuracy", ".1%", "share"), Score("loss", "loss", ".4f", "mean")],
    )  # fmt: skip
    report.save(classifier)
    try:
        known = served_recipe(ClassificationRecipe.from_pretrained(classifier), classifier).known
    finally:
        Path(classifier, "report.json").unlink()
    assert known.scores == ({"key": "accuracy", "label": "accuracy", "value": 0.75, "interval": [0.7, 0.8]},)
    assert [(figure.value, figure.remarks) for figure in known.headlines] == [
        ("75.0%", ["95% interval 70.0% to 80.0%"])
    ]
    assert known.title == "Classification"


def test_no_client_learns_which_files_there_are(classifier, tmp_path):
    """The warning of `predict` would be an error here."""
    (tmp_path / "a.txt").write_text("", "utf-8")
    model = served_recipe(ClassificationRecipe.from_pretrained(classifier), classifier)
    assert len(model.predict([str(tmp_path / "a.txt")])) == 1


def exported(recipe, predict, columns=("text",)):
    evidence = {
        "main": "f1",
        "examples": 1200,
        "scores": {"f1": {"before": 0.5, "after": 0.25}, "loss": {"after": 1.5}},
    }
    settings = SimpleNamespace(
        recipe=recipe, format="onnx", precision="int8", use={"temperatures": {"labels": 1.5}}, evidence=evidence
    )
    return SimpleNamespace(
        predict=predict, settings=settings, labels=SimpleNamespace(names=("bad", "good")), columns=columns
    )


def test_an_exported_model_is_explained_by_occlusion(tmp_path):
    model = served_exported(exported("classification", classify), str(tmp_path / "small"))
    assert (model.name, model.known.title, model.is_calibrated) == ("small", "Classification by small", True)
    assert model.known.facts == (("model", "onnx int8"), ("examples", "1,200"), ("f1", "0.25"))
    assert [(score["key"], score["value"]) for score in model.known.scores] == [("f1", 0.25), ("loss", 1.5)]
    explanation = model.explain("good soup", None, lambda: False)
    assert (explanation.method, [word.text for word in explanation.words]) == ("occlusion", ["good", "soup"])
    pairs = served_exported(exported("classification", classify, ("a", "b")), "small")
    assert pairs.form is PAIR
    assert len(pairs.explain(("good soup", "bad bread"), None, lambda: False).words) == 4


def test_other_exported_models():
    assert served_exported(exported("question_answering", answer), "a").form is QUESTION
    with pytest.raises(ConfigError, match="a is an exported model of pretraining: export one that classifies"):
        served_exported(exported("pretraining", None), "a")


def test_an_exported_model_is_served_without_torch():
    code = "import sys, bert_finetune_kit.commands.serve, bert_finetune_kit.service.model; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "transformers", "datasets", "scipy", "pandas", "pyarrow", "huggingface_hub", "matplotlib"}
    assert heavy.isdisjoint(done.stdout.split())
