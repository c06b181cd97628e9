"""What words add to a prediction, against the stock model and sums over it."""

import numpy as np
import pytest
import torch
from saved_models import save_classifier
from small_recipes import small_config
from transformers import AutoModelForSequenceClassification

from bert_finetune_kit import ClassificationConfig, ClassificationRecipe, ClassificationTask, ConfigError, DataError
from bert_finetune_kit.calibration.saved import Calibration
from bert_finetune_kit.classification.explanation import log_odds
from bert_finetune_kit.inference.explanation import Stopped

TEXT = "The mill doesn't open at six."
WORDS = ["The", "mill", "doesn't", "open", "at", "six", "."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tokenizer):
    return save_classifier(tmp_path_factory.mktemp("model"), tokenizer)


@pytest.fixture(scope="module")
def recipe(folder):
    return ClassificationRecipe.from_pretrained(folder)


def stock_log_odds(folder, tokenizer, target):
    """Return the stock model, and its log-odds of a label as a function of embeddings (points, seq, hidden)."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()

    def function(points):
        others = [number for number in range(3) if number != target]
        logits = model(inputs_embeds=points).logits
        return logits[:, target] - logits[:, others].logsumexp(1)

    return model, function


def test_words_add_what_a_plain_sum_over_the_stock_model_says(recipe, folder, tokenizer):
    """Midpoints of 4,000 steps, with the tokens that `tokenizer` itself gives."""
    (found,) = recipe.explain(TEXT)
    assert [word.text for word in found.words] == WORDS
    assert all(TEXT[word.start : word.end] == word.text and word.is_read for word in found.words)
    target = ("bad", "fair", "good").index(found.label)
    model, function = stock_log_odds(folder, tokenizer, target)
    encoding = tokenizer(TEXT, return_tensors="pt", return_offsets_mapping=True)
    ids = encoding["input_ids"]
    is_special = torch.tensor(tokenizer.get_special_tokens_mask(ids[0], already_has_special_tokens=True)).bool()
    with torch.no_grad():
        embed = model.get_input_embeddings()
        point, baseline = embed(ids), embed(torch.where(is_special, ids, tokenizer.mask_token_id))
        outputs = [float(function(values)) for values in (point, baseline)]
    gradient = torch.zeros_like(point)
    steps = 4_000
    for shares in ((torch.arange(steps) + 0.5) / steps).split(1_000):
        points = (baseline + shares.view(-1, 1, 1) * (point - baseline)).requires_grad_()
        gradient += torch.autograd.grad(function(points).sum(), points)[0].sum(0) / steps
    tokens = ((point - baseline) * gradient)[0].sum(-1)
    offsets = encoding["offset_mapping"][0]
    places = offsets.float().mean(1)  # 0 of special tokens
    is_in = [(places > word.start) & (places < word.end) for word in found.words]
    expected = [float(tokens[inside].sum()) for inside in is_in]
    assert [found.output, found.baseline] == pytest.approx(outputs, abs=1e-4)
    assert [word.value for word in found.words] == pytest.approx(expected, abs=0.02 * abs(outputs[0] - outputs[1]))


def completeness(found):
    return abs(sum(word.value for word in found.words) - (found.output - found.baseline))


def test_all_words_add_up_to_the_stated_error(recipe):
    for found in recipe.explain([TEXT, "very very very good", "\u4f60\u597d!", "a"]):
        assert completeness(found) == pytest.approx(found.completeness_error, abs=1e-5)
        assert found.completeness_error <= 0.01 * max(1, abs(found.output - found.baseline))
        assert found.steps <= 256


def test_the_output_is_the_log_odds_of_the_calibrated_probability(folder):
    recipe = ClassificationRecipe.from_pretrained(folder)
    object.__setattr__(recipe.state.loaded, "calibration", Calibration({"labels": 2.5}))
    (prediction,) = recipe.predict(TEXT)
    (found,) = recipe.explain(TEXT)
    odds = prediction.score / (1 - prediction.score)
    assert (found.label, found.output) == (prediction.label, pytest.approx(np.log(odds), abs=1e-3))
    (other,) = recipe.explain(TEXT, label="bad" if found.label != "bad" else "good")
    assert other.output < found.output


def test_of_a_long_text_the_end_is_truncated_or_in_further_windows(folder):
    text = " ".join(f"mill {number}" for number in range(30))
    cut = ClassificationRecipe.from_pretrained(folder, config={"max_length": 16})
    read = [word.is_read for word in cut.explain(text)[0].words]
    assert read == sorted(read, reverse=True)
    assert 0 < sum(read) < len(read)
    assert {word.value for word in cut.explain(text)[0].words if not word.is_read} == {0.0}
    windows = ClassificationRecipe.from_pretrained(folder, config=ClassificationConfig(max_length=16, stride=4))
    (found,) = windows.explain(text)
    assert all(word.is_read for word in found.words)
    assert completeness(found) == pytest.approx(found.completeness_error, abs=1e-5)
    assert found.label == windows.predict(text)[0].label


def test_pairs_and_several_labels(tmp_path, tokenizer):
    folder = save_classifier(tmp_path, tokenizer, "multi_label")
    task = ClassificationTask("t", text="a", text_pair="b", kind="multi_label", labels=("bad", "fair", "good"))
    recipe = ClassificationRecipe.from_pretrained(folder, task=task)
    (found,) = recipe.explain([("the mill", "opens at six")], label="fair")
    assert [(word.text, word.part) for word in found.words] == [
        ("the", 0), ("mill", 0), ("opens", 1), ("at", 1), ("six", 1)
    ]  # fmt: skip
    assert [(word.start, word.end) for word in found.words][2] == (0, 5)
    probability = recipe.predict([("the mill", "opens at six")])[0].scores["fair"]
    assert found.output == pytest.approx(np.log(probability / (1 - probability)), abs=1e-3)
    assert completeness(found) == pytest.approx(found.completeness_error, abs=1e-5)
    with torch.no_grad():  # logits 3, 2 and 1, of which calibration makes 0.3, 4 and 1
        recipe.trained().model.classifier.weight.zero_()
        recipe.trained().model.classifier.bias.copy_(torch.tensor([3.0, 2.0, 1.0]))
    object.__setattr__(recipe.state.loaded, "calibration", Calibration({"bad": 10.0, "fair": 0.5}))
    (found,) = recipe.explain([("the mill", "opens at six")])
    assert (found.label, found.output) == ("fair", pytest.approx(4.0))


def test_a_regression(tmp_path, tokenizer):
    folder = save_classifier(tmp_path, tokenizer, "regression")
    recipe = ClassificationRecipe.from_pretrained(folder, task=ClassificationTask("t", text="a", kind="regression"))
    (found,) = recipe.explain(TEXT)
    assert (found.label, found.output) == (None, pytest.approx(recipe.predict(TEXT)[0].score, abs=1e-3))
    with pytest.raises(
        DataError, match="no label 'high' to explain: the labels are none, as the model predicts a number"
    ):
        recipe.explain(TEXT, label="high")


@pytest.mark.parametrize("encoder", ["RobertaModel", "DistilBertModel", "AlbertModel", "ModernBertModel"])
def test_other_encoders(encoder, tmp_path, tokenizer):
    """Those whose positions depend on ids, whose embeddings are narrow, or that have no types."""
    recipe = ClassificationRecipe.from_pretrained(save_classifier(tmp_path, tokenizer, encoder=encoder))
    (found,) = recipe.explain(TEXT)
    assert completeness(found) == pytest.approx(found.completeness_error, abs=1e-4)
    assert found.completeness_error <= 0.01 * max(1, abs(found.output - found.baseline))


def test_what_has_no_words_and_what_is_refused(recipe, tokenizer):
    empty, text = recipe.explain(["", TEXT])
    assert (empty.words, empty.label, len(text.words)) == ((), None, 7)
    assert recipe.explain([]) == []
    with pytest.raises(DataError, match="no label 'great' to explain: the labels are bad, fair, good"):
        recipe.explain(TEXT, label="great")
    with pytest.raises(ConfigError, match="max_steps is 0: at least one"):
        recipe.explain(TEXT, max_steps=0)
    with pytest.raises(Stopped):
        recipe.explain(TEXT, stop=lambda: True)
    assert not recipe.trained().model.training
    with pytest.raises(ConfigError, match="Nothing has been trained"):
        ClassificationRecipe(model=small_config(tokenizer)).explain(TEXT)


def test_log_odds_of_logits():
    logits = torch.tensor([[1.0, 2.0, 4.0]])
    probabilities = logits.softmax(1)[0]
    expected = (probabilities[1] / (1 - probabilities[1])).log()
    torch.testing.assert_close(log_odds(logits, 1, "single_label")[0], expected)
    assert float(log_odds(logits, 2, "multi_label")) == 4.0
