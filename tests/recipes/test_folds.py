"""Cross-validation: each fold is trained once, scored by its own model, and put together with the others."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_recipes import build, small_config

from bert_finetune_kit import (
    ConfigError,
    DataError,
    LabelledSource,
    OutputError,
    QARecipe,
    QuestionSource,
    RunReport,
    RunStopped,
    TextSource,
    compare_reports,
)
from bert_finetune_kit.data.questions import load_splits
from bert_finetune_kit.data.sample import sample_reviews
from bert_finetune_kit.recipes.folds import recipe_of_fold
from bert_finetune_kit.recipes.launch import run_command_line

STEPS = {"max_steps": 2, "eval_steps": 2, "save_steps": 2, "warmup_steps": 0}


@pytest.fixture(autouse=True)
def _no_pages(monkeypatch):
    """Leave out the page of each evaluation, and draw few bootstrap samples."""
    monkeypatch.setattr("bert_finetune_kit.reporting.evaluation.write_html", lambda *_: None)


@pytest.fixture
def make(tmp_path, tokenizer):
    def make(name="classification", source=None, **settings):
        source = source or LabelledSource(train=sample_reviews("train", count=42))
        model = settings.pop("model", None) or small_config(tokenizer)
        settings = STEPS | settings
        return build(name, model, tmp_path / "run", tokenizer=tokenizer, source=source, **settings)

    return make


def trained_at(folder):
    return {log: log.stat().st_mtime_ns for log in Path(folder).rglob("checkpoint-*/trainer_state.json")}


def lines(folder):
    return [json.loads(line) for line in Path(folder, "predictions.jsonl").read_text("utf-8").splitlines()]


def test_a_cross_validation_from_data_to_summary(make, tmp_path, capsys):
    report, folder = make().cross_validate(3), tmp_path / "run"
    rows = lines(folder)
    assert [row["row"] for row in rows] == list(range(42))
    assert {row["fold"] for row in rows} == {1, 2, 3}
    assert [row["reference"] for row in rows] == [row["label"] for row in sample_reviews("train", count=42)]
    # Those of the runs, with the rows of the file.
    for number in (1, 2, 3):
        of_fold, own = [row for row in rows if row["fold"] == number], lines(folder / f"fold-{number}" / "evaluation")
        kept = ("text_hash", "reference", "prediction", "probabilities", "loss")
        assert [[row[key] for key in kept] for row in of_fold] == [[row[key] for key in kept] for row in own]
        run = RunReport.load(folder / f"fold-{number}")
        assert run.data["train"]["examples"] + run.data["validation"]["examples"] + len(of_fold) == 42
        scored = RunReport.load(folder / f"fold-{number}" / "evaluation")
        correct = np.mean([row["prediction"] == row["reference"] for row in of_fold])
        assert scored.result["accuracy"] == report.results[number - 1]["accuracy"] == pytest.approx(correct)
    values = [result["loss"] for result in report.results]
    assert report.mean["loss"] == pytest.approx(np.mean(values))
    assert report.std["loss"] == pytest.approx(np.std(values, ddof=1))
    assert report.pooled["accuracy"] == pytest.approx(np.mean([row["prediction"] == row["reference"] for row in rows]))
    low, high = report.intervals["accuracy"]
    assert low < report.pooled["accuracy"] < high
    assert report.scored == [14, 14, 14]
    assert json.loads((folder / "folds.json").read_text("utf-8"))["pooled"] == report.pooled
    assert "each of the 42 examples was predicted once" in (folder / "folds.md").read_text("utf-8")
    assert "3 folds</h1>" in (folder / "folds.html").read_text("utf-8")
    assert "all predictions" in capsys.readouterr().out

    written = trained_at(folder)
    assert len(written) == 3
    assert make().cross_validate(3) == report
    assert trained_at(folder) == written
    # A fold whose scores are lost is scored again by its saved model, without training.
    (folder / "fold-2" / "evaluation" / "predictions.jsonl").unlink()
    again = make().cross_validate(3)
    assert again.results[1] == pytest.approx(report.results[1])
    assert lines(folder) == rows
    compared = compare_reports(folder, folder, names=["a", "b"])
    assert compared.differences[0].examples == 42
    assert "b and a are the same run: between them there is nothing to compare." in compared.verdict
    assert trained_at(folder) == written
    with pytest.raises(OutputError, match=r"fold-1 has finished with other settings:\s+- training examples was"):
        make().cross_validate(2)
    with pytest.raises(OutputError, match="learning_rate was"):
        make(learning_rate=0.5).cross_validate(3)
    with pytest.raises(OutputError, match="training examples have changed"):
        make(source=LabelledSource(train=sample_reviews("train", count=42)[::-1])).cross_validate(3)
    with pytest.raises(OutputError, match=r"holds a cross-validation \(folds\.json\)"):
        make().train()


@pytest.mark.slow
def test_an_interrupted_cross_validation_goes_on_with_its_fold(make, tmp_path, monkeypatch):
    from small_recipes import Signal

    recipe = make(max_steps=4, callbacks=[Signal(3)])
    with pytest.raises(RunStopped):
        recipe.cross_validate(2)
    assert not (tmp_path / "run" / "fold-2" / "report.json").exists()
    with pytest.raises(OutputError, match="fold-1 holds checkpoints of an unfinished run"):
        make(max_steps=4).cross_validate(2)
    assert len(make(max_steps=4).cross_validate(2, resume=True).results) == 2


def test_the_model_of_a_fold_has_not_seen_it(make, monkeypatch):
    recipe = make(
        source=LabelledSource(train=sample_reviews("train", count=40), validation=sample_reviews("validation")[:6])
    )
    data = recipe.fold_data(4)
    for number in range(1, 5):
        of_fold = recipe_of_fold(recipe, data, number)
        prepared, scored = of_fold.load_data(), of_fold.map_rows(data.folds[number - 1].rows["test"])
        assert len(prepared.train) == 30
        assert len(prepared.validation["validation"]) == 6
        trained = {prepared.train.texts[place][0].tobytes() for place in range(30)}
        assert not trained & {np.array(prepared.tokenizer(text, add_special_tokens=False).input_ids, np.int32).tobytes()
                              for text in scored["text"]}  # fmt: skip
    assert (recipe.output_dir, recipe.state.prepared) == (recipe.args.output_dir, None)


@pytest.mark.slow
def test_questions_are_cross_validated_at_the_threshold_of_their_model(make, tmp_path):
    rows = load_splits(QuestionSource()).train.select(range(90))
    report = make("question_answering", QuestionSource(train=rows)).cross_validate(2)
    predictions = lines(tmp_path / "run")
    assert [row["id"] for row in predictions] == rows["id"][:]
    assert {row["group"] for row in predictions if row["fold"] == 1}.isdisjoint(
        row["group"] for row in predictions if row["fold"] == 2
    )
    for number in (1, 2):
        threshold = QARecipe.from_pretrained(tmp_path / "run" / f"fold-{number}").threshold
        assert report.results[number - 1]["threshold"] == pytest.approx(threshold)
    assert report.pooled["f1"] == pytest.approx(100 * np.mean([row["f1"] for row in predictions]))
    assert {"exact", "f1", "HasAns_f1", "NoAns_f1"} <= set(report.pooled)
    assert "threshold" in report.mean
    assert "threshold" not in report.pooled  # each model has its own


@pytest.mark.parametrize(
    ("folds", "settings", "message"),
    [
        (1, {}, "folds is 1: it must be a whole number, and at least 2"),
        (2.5, {}, r"folds is 2\.5"),
        (True, {}, "folds is True"),
        (2, {"push_to_hub": True}, "push_to_hub is set: the models of folds are there to be scored"),
    ],
)
def test_settings_that_cannot_work_are_refused(make, tmp_path, folds, settings, message):
    with pytest.raises(ConfigError, match=message):
        make(**settings).cross_validate(folds)
    assert not (tmp_path / "run").exists()


def test_more_folds_than_examples_are_refused(make, tmp_path):
    with pytest.raises(DataError, match="50 folds need"):
        make().cross_validate(50)
    assert not (tmp_path / "run").exists()


def test_pretraining_has_no_folds(make):
    with pytest.raises(ConfigError, match="PretrainRecipe cannot be cross-validated"):
        make("pretraining", TextSource(max_documents=10)).cross_validate(3)


def test_the_folder_of_a_run_is_refused(make, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "report.json").write_text("{}", "utf-8")
    with pytest.raises(OutputError, match="holds a training run"):
        make().cross_validate(2)


class Told:
    """Stands for a recipe, and keeps what it is asked for."""

    is_main = True

    def cross_validate(self, folds, resume, force):
        return folds, resume, force


def test_the_command_line_asks_for_folds():
    from bert_finetune_kit import ClassificationRecipe

    _, run = ClassificationRecipe.from_command_line(["--folds", "4", "--resume"])
    assert run_command_line(lambda _: (Told(), run), None) == (4, True, False)
    with pytest.raises(ConfigError, match="seeds and folds are both given"):
        ClassificationRecipe.from_command_line(["--folds", "4", "--seeds", "1", "2"])
