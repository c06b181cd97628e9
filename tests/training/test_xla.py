"""What the kit does on XLA, on a CPU that takes itself for XLA: a few shapes, and nothing else changed.

With torch_xla itself it was run by hand: see docs/distributed.md.
"""

from types import SimpleNamespace

import pytest

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationRecipe,
    LabelledSource,
    PretrainConfig,
    PretrainRecipe,
    QAConfig,
    QARecipe,
    QuestionSource,
    TextSource,
)
from bert_finetune_kit.data.sample import sample_documents, sample_reviews
from bert_finetune_kit.training import recipe as recipe_module
from bert_finetune_kit.training import trainer as trainer_module
from bert_finetune_kit.training.compilations import Compilations
from bert_finetune_kit.training.recipe import Recipe
from bert_finetune_kit.training.trainer import KitTrainer

RECIPES = {
    "pretraining": (
        PretrainRecipe,
        TextSource(max_documents=20),
        PretrainConfig(max_length=128, short_sequence_probability=1.0),
    ),
    "classification": (
        ClassificationRecipe,
        LabelledSource(max_train_examples=40, max_validation_examples=30),
        ClassificationConfig(max_length=36, stride=4),
    ),
    "question_answering": (
        QARecipe,
        QuestionSource(max_train_examples=30, max_validation_examples=20),
        QAConfig(max_length=128, doc_stride=16, max_question_length=24),
    ),
}
BATCH = 8


@pytest.fixture
def make(tmp_path, tokenizer, config):
    def make(name, folder="run", **settings):
        kind, source, wanted = RECIPES[name]
        settings = {"max_steps": 3, "per_device_eval_batch_size": BATCH, "load_best_model_at_end": False} | settings
        args = kind.default_args(str(tmp_path / folder), per_device_train_batch_size=BATCH, **settings)
        return kind(source=source, model=config, tokenizer=tokenizer, config=wanted, args=args)

    return make


@pytest.fixture
def on_xla(monkeypatch):
    """Take the CPU for XLA; every question for compilations finds five more, of two seconds."""
    counted = iter(Compilations(5 * number, 2.0 * number) for number in range(99))
    monkeypatch.setattr(Recipe, "on_xla", True)
    monkeypatch.setattr(recipe_module, "count_compilations", lambda: next(counted))


def watch(recipe):
    """Return the shapes of all the batches that the recipe makes from now on."""
    shapes, collator = set(), recipe.prepared().collator

    def watched(examples):
        batch = collator(examples)
        if len(examples) == BATCH:  # not the last batch of a split
            shapes.add(tuple(batch["input_ids"].shape))
        return batch

    recipe.prepared().collator = watched
    return shapes


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pretraining", {(8, 64), (8, 128)}),
        ("classification", {(8, 36), (16, 36)}),
        ("question_answering", {(8, 64), (8, 128)}),
    ],
)
def test_few_shapes_and_the_same_scores(make, request, name, expected, capsys):
    """Against the same run with any shapes, without padding."""
    free = make(name, "free")
    free_shapes = watch(free)
    free_report = free.train()
    request.getfixturevalue("on_xla")
    fixed = make(name, "fixed")
    shapes = watch(fixed)
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
    told = []
    for _ in ("free", "fixed"):
        told.append((classifier.predict(texts), reader.predict(question=["who ?", "what ?"], context=context)))
        request.getfixturevalue("on_xla")
    (free, free_answers), (fixed, fixed_answers) = told
    assert [one.scores for one in fixed] == [pytest.approx(one.scores, abs=1e-5) for one in free]
    assert [one.text for one in fixed_answers] == [one.text for one in free_answers]


def test_several_processes_have_one_length(make, monkeypatch, on_xla):
    recipe = make("question_answering")
    assert recipe.batch_lengths(384) == (32, 64, 128, 256, 384)
    monkeypatch.setattr(type(recipe.args), "world_size", 2)
    assert recipe.batch_lengths(384) == (384,)
    monkeypatch.setattr(Recipe, "on_xla", False)
    assert recipe.batch_lengths(384) is None


@pytest.mark.parametrize(("accumulation", "ends"), [(1, 0), (2, 2 * 2)])
def test_the_graph_of_a_micro_batch_ends_with_it(make, monkeypatch, accumulation, ends):
    """Once its items are counted, and once it has been learnt from."""
    seen = []
    monkeypatch.setattr(KitTrainer, "on_xla", True)
    monkeypatch.setattr(trainer_module, "import_module", lambda name: SimpleNamespace(sync=lambda: seen.append(name)))
    recipe = make("classification", max_steps=1, gradient_accumulation_steps=accumulation, eval_strategy="no")
    recipe.run_trainer(recipe.prepared(), recipe.args)
    assert seen == ["torch_xla"] * ends
