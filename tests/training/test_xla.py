"""On XLA batches have a few shapes, and nothing else changes: on a CPU that is taken for XLA.

With torch_xla itself it was run by hand: see docs/distributed.md.
"""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from small_recipes import build

from bert_finetune_kit import (
    ClassificationConfig,
    LabelledSource,
    PretrainConfig,
    QAConfig,
    QuestionSource,
    Recipe,
    TextSource,
)
from bert_finetune_kit.data.sample import sample_documents, sample_reviews
from bert_finetune_kit.training import report as report_module
from bert_finetune_kit.training import trainer as trainer_module
from bert_finetune_kit.training.compilations import Compilations
from bert_finetune_kit.training.trainer import KitTrainer

# Sequences of many lengths.
DATA = {
    "pretraining": (TextSource(max_documents=20), PretrainConfig(max_length=128, short_sequence_probability=1.0)),
    "classification": (
        LabelledSource(max_train_examples=40, max_validation_examples=30),
        ClassificationConfig(max_length=36, stride=4),
    ),
    "question_answering": (
        QuestionSource(max_train_examples=30, max_validation_examples=20),
        QAConfig(max_length=128, doc_stride=16, max_question_length=24),
    ),
}
BATCH = 8


@pytest.fixture
def make(tmp_path, tokenizer, config):
    def make(name, folder="run", **settings):
        source, recipe_config = DATA[name]
        settings = {
            "max_steps": 3, "per_device_train_batch_size": BATCH, "per_device_eval_batch_size": BATCH,
            "gradient_accumulation_steps": 1, "load_best_model_at_end": False, "eval_strategy": "epoch",
            "save_strategy": "epoch", "logging_steps": 1,
        } | settings  # fmt: skip
        return build(
            name, config, tmp_path / folder, tokenizer=tokenizer, source=source, config=recipe_config, **settings
        )

    return make


@pytest.fixture
def on_xla(monkeypatch):
    """Take the CPU for XLA; each count of compilations has five more than the last, of two seconds."""
    counts = iter(Compilations(5 * number, 2.0 * number) for number in range(99))
    monkeypatch.setattr(Recipe, "on_xla", True)
    monkeypatch.setattr(report_module, "count_compilations", lambda: next(counts))


def record_shapes(recipe):
    """Return the shapes of all whole batches that the recipe makes from now on."""
    shapes, prepared = set(), recipe.prepare()
    collator = prepared.data.collator

    def recording(examples):
        batch = collator(examples)
        if len(examples) == BATCH:  # not the last batch of a split
            shapes.add(tuple(batch["input_ids"].shape))
        return batch

    data = replace(prepared.data, collator=recording)
    recipe.state = replace(recipe.state, prepared=replace(prepared, data=data))
    return shapes


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pretraining", {(8, 64), (8, 128)}),
        pytest.param("classification", {(8, 36), (16, 36)}, marks=pytest.mark.slow),
        pytest.param("question_answering", {(8, 64), (8, 128)}, marks=pytest.mark.slow),
    ],
)
def test_few_shapes_and_the_same_scores(make, request, name, expected, capsys):
    """Against the same run with any shapes, without padding."""
    free = make(name, "free")
    free_shapes = record_shapes(free)
    free_report = free.train()
    request.getfixturevalue("on_xla")
    fixed = make(name, "fixed")
    shapes = record_shapes(fixed)
    report = fixed.train()
    assert shapes <= expected
    assert len(shapes) < len(free_shapes)
    assert [log["loss"] for log in report.history] == pytest.approx([log["loss"] for log in free_report.history])
    for key, value in free_report.result.items():
        assert report.result[key] == pytest.approx(value, rel=1e-4), key
    assert "5 graphs were compiled, in 2.0 s" in report.notes
    assert "5 graphs were compiled" in capsys.readouterr().out
    assert report.timings["compiling, within the others"] == 2.0
    assert not any("compiled" in note for note in free_report.notes)


def test_predictions_are_the_same(make, request):
    texts = [row["text"] for row in sample_reviews("validation", count=9)]
    context = " ".join(next(iter(sample_documents("validation"))))
    classifier, reader = make("classification", "texts"), make("question_answering", "questions")
    for recipe in (classifier, reader):
        recipe.train()
    predictions = []
    for _ in ("free", "fixed"):
        predictions.append((classifier.predict(texts), reader.predict(question=["who ?", "what ?"], context=context)))
        request.getfixturevalue("on_xla")
    (free, free_answers), (fixed, fixed_answers) = predictions
    assert [label.scores for label in fixed] == [pytest.approx(label.scores, abs=1e-5) for label in free]
    assert [answer.text for answer in fixed_answers] == [answer.text for answer in free_answers]


def test_several_processes_have_one_length(make, monkeypatch, on_xla):
    recipe = make("question_answering")
    assert recipe.batch_lengths(384) == (32, 64, 128, 256, 384)
    monkeypatch.setattr(type(recipe.args), "world_size", 2)
    assert recipe.batch_lengths(384) == (384,)
    monkeypatch.setattr(Recipe, "on_xla", False)
    assert recipe.batch_lengths(384) is None


@pytest.mark.parametrize(("accumulation", "ends"), [(1, 0), (2, 2 * 2)])
def test_the_graph_of_a_micro_batch_ends_with_it(make, monkeypatch, accumulation, ends):
    """Once after its items are counted, and once after its backward pass."""
    synced = []
    monkeypatch.setattr(KitTrainer, "on_xla", True)
    monkeypatch.setattr(trainer_module, "import_module", lambda name: SimpleNamespace(sync=lambda: synced.append(name)))
    recipe = make("classification", max_steps=1, gradient_accumulation_steps=accumulation, eval_strategy="no")
    recipe.fit(recipe.prepare())
    assert synced == ["torch_xla"] * ends
