"""Evaluation and prediction in bfloat16: the weights stay as they are, and both compute the same."""

import pytest
import torch

from bert_finetune_kit import ClassificationRecipe
from bert_finetune_kit.modeling import precision

TEXTS = ["the soup was cold", "what a kind welcome", "fine", "the rooms were clean and the host was friendly"]


@pytest.fixture(scope="module")
def folder(uninterrupted):
    return uninterrupted("classification")


def load(folder, **settings):
    return ClassificationRecipe.from_pretrained(folder, args={"use_cpu": True, **settings})


def scores(recipe):
    return [prediction.score for prediction in recipe.predict(TEXTS)]


def test_predictions_are_rounded_and_the_weights_are_not(folder):
    exact, rounded = load(folder), load(folder, bf16_full_eval=True)
    assert scores(rounded) != scores(exact)
    assert scores(rounded) == pytest.approx(scores(exact), abs=0.02)
    assert [p.label for p in rounded.predict(TEXTS)] == [p.label for p in exact.predict(TEXTS)]
    assert {parameter.dtype for parameter in rounded.trained().model.parameters()} == {torch.float32}


def test_an_evaluation_computes_as_predictions_do_and_changes_nothing(folder):
    recipe = load(folder, bf16_full_eval=True)
    before = scores(recipe)
    evaluation = recipe.evaluate([{"text": text, "label": "positive"} for text in TEXTS])
    evaluated = [max(row["probabilities"].values()) for row in evaluation.predictions()]
    assert evaluated == pytest.approx(before, abs=1e-5)
    assert evaluated != pytest.approx(scores(load(folder)), abs=1e-5)
    assert scores(recipe) == before
    assert {parameter.dtype for parameter in recipe.trained().model.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("capabilities", "warns"),
    [
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": False}, True),
        ({"architecture": "x86_64", "avx512_bf16": True}, False),
        ({"architecture": "aarch64"}, False),
        ({}, False),
    ],
)
def test_emulated_bfloat16_is_told(monkeypatch, recwarn, capabilities, warns):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    precision.warn_of_emulation()
    assert [("no bfloat16" in str(warning.message)) for warning in recwarn] == [True] * warns
