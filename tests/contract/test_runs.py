"""A run of every architecture: resumed to the last bit, saved as a stock model, used and reported as it was trained."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from encoders import save
from promises import CASES, holds
from small_recipes import CONFIGS, KINDS, Signal, assert_same, build
from transformers import AutoConfig, AutoTokenizer

from bert_finetune_kit import RunReport, RunStopped
from bert_finetune_kit.data.sample import sample_questions, sample_reviews
from bert_finetune_kit.modeling.architecture import MODEL_INPUTS, architecture_name, pair_faults, takes_token_types

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
HEADS = {
    "pretraining": "MaskedLM",
    "classification": "SequenceClassification",
    "question_answering": "QuestionAnswering",
}
STEPS = {"num_train_epochs": 1, "save_steps": 2, "eval_steps": 2, "logging_steps": 2, "max_steps": 4}
TEXTS = [row["text"] for row in sample_reviews("validation", count=6)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Train a case from beginning to end, once, and return its recipe."""
    recipes = {}

    def train(model_type, name):
        if (model_type, name) not in recipes:
            folder = tmp_path_factory.mktemp(model_type)
            save(model_type, folder, dropout=0.1)
            recipes[model_type, name] = recipe_of(name, folder, folder / "run")
            recipes[model_type, name].train()
        return recipes[model_type, name]

    return train


def recipe_of(name, folder, output):
    config = CONFIGS[name]
    if name == "pretraining" and pair_faults(AutoConfig.from_pretrained(folder), "nsp"):
        config = replace(config, objective="none")
    return build(name, folder, output, config=config, **STEPS)


@pytest.mark.parametrize(("model_type", "name"), CASES)
def test_a_stopped_run_is_resumed(runs, tmp_path, model_type, name):
    expected = Path(runs(model_type, name).output_dir)
    stopped = recipe_of(name, expected.parent, tmp_path)
    stopped.callbacks.append(Signal(3))
    with pytest.raises(RunStopped):
        stopped.train()
    recipe_of(name, expected.parent, tmp_path).train(resume=True)
    assert_same(tmp_path, expected)


@pytest.mark.parametrize(("model_type", "name"), CASES)
def test_what_a_run_leaves(runs, model_type, name):
    recipe = runs(model_type, name)
    folder, report = Path(recipe.output_dir), RunReport.load(recipe.output_dir)
    config = AutoConfig.from_pretrained(folder)
    task = "PreTraining" if name == "pretraining" and holds(model_type, "pairs") else HEADS[name]
    stock = getattr(transformers, f"AutoModelFor{task}")
    model, loading = stock.from_pretrained(folder, output_loading_info=True)
    assert not any(loading[part] for part in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert report.parameters["total"] == sum(value.numel() for value in model.parameters())
    written = architecture_name(config)
    card = (folder / "README.md").read_text("utf-8")
    assert written in report.summary[0]
    assert written in card
    assert written == "BERT" or " BERT of " not in card
    # New weights of MobileBERT have a padding token of zeros, and the first state of Funnel does not see padding.
    assert not (any("reads the padding" in note for note in report.notes) and holds(model_type, "padding ignored"))
    assert any("Padding is computed" in note for note in report.notes) != holds(model_type, "padding skipped")
    assert AutoTokenizer.from_pretrained(folder)("the mill")["input_ids"]


@torch.no_grad()
def outputs(model, tokenizer, *texts):
    encoded = tokenizer(*texts, return_tensors="pt", truncation=True, max_length=48 if len(texts) == 1 else 96)
    if not takes_token_types(model.config):
        encoded.pop("token_type_ids", None)
    return encoded, model(**{key: value for key, value in encoded.items() if key in MODEL_INPUTS})


@pytest.mark.parametrize("model_type", [model_type for model_type, name in CASES if name == "classification"])
def test_predicted_labels(runs, model_type):
    """Against the stock model on each text alone."""
    recipe = runs(model_type, "classification")
    stock = transformers.AutoModelForSequenceClassification.from_pretrained(recipe.output_dir)
    tokenizer = AutoTokenizer.from_pretrained(recipe.output_dir)
    loaded = KINDS["classification"].from_pretrained(recipe.output_dir)
    for source in (recipe, loaded):
        for text, prediction in zip(TEXTS, source.predict(TEXTS), strict=True):
            _, output = outputs(stock, tokenizer, text)
            expected = dict(zip(stock.config.id2label.values(), output.logits[0].softmax(-1).tolist(), strict=True))
            if holds(model_type, "padding ignored"):
                assert prediction.scores == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("model_type", [model_type for model_type, name in CASES if name == "question_answering"])
def test_predicted_answers(runs, model_type):
    """Against the best of all spans of the stock model, for contexts of one window."""
    recipe = runs(model_type, "question_answering")
    stock = transformers.AutoModelForQuestionAnswering.from_pretrained(recipe.output_dir)
    tokenizer = AutoTokenizer.from_pretrained(recipe.output_dir)
    loaded = KINDS["question_answering"].from_pretrained(recipe.output_dir, threshold=1.0)
    longest = loaded.config.max_answer_length
    for row in sample_questions("validation", count=4):
        context = " ".join(row["context"].split()[:12])
        encoded, output = outputs(stock, tokenizer, row["question"], context)
        inside = [place for place, part in enumerate(encoded.sequence_ids(0)) if part == 1]
        start, end = output.start_logits[0], output.end_logits[0]
        spans = [(first, last) for first in inside for last in inside if 0 <= last - first < longest]
        first, last = max(spans, key=lambda span: float(start[span[0]] + end[span[1]]))
        begin, stop = encoded.token_to_chars(first).start, encoded.token_to_chars(last).end
        answer = loaded.predict(question=row["question"], context=context)
        if holds(model_type, "padding ignored"):
            assert answer.text == context[begin:stop].strip()
            assert context[answer.start : answer.end] == answer.text
