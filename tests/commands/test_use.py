"""The commands for trained models: what they call, print and refuse."""

import csv
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub.utils import filter_repo_objects

from bert_finetune_kit import Answer, ClassificationRecipe, ConfigError, DataError, KitError, OutputError, RunReport
from bert_finetune_kit.commands import evaluate as evaluate_module
from bert_finetune_kit.commands import predict as predict_module
from bert_finetune_kit.commands.evaluate import evaluate, evaluation_folder
from bert_finetune_kit.commands.predict import answer_text, predict
from bert_finetune_kit.commands.push import push
from bert_finetune_kit.recipes.recipe import Recipe
from bert_finetune_kit.reporting.push_command import NOT_PUSHED
from bert_finetune_kit.runs.target import HubTarget


@pytest.fixture
def rows(tmp_path):
    """A file with the columns of the sample's reviews."""
    with (tmp_path / "test.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), ("the soup was cold", "negative"), ("kind", "positive")])
    return tmp_path / "test.csv"


@pytest.fixture
def stub(monkeypatch):
    """A recipe that takes down its calls in place of a loaded one."""
    calls = []
    recipe = SimpleNamespace(
        is_main=False,
        evaluate=lambda *args, **settings: calls.append(("evaluate", args, settings)),
        predict_file=lambda *args: calls.append(("predict_file", args)),
    )
    for module in (evaluate_module, predict_module):
        monkeypatch.setattr(module, "load_recipe", lambda run, settings: calls.append((run, settings)) or recipe)
    monkeypatch.setattr(predict_module, "run_kind", lambda run: "classification")
    return calls


def test_words_of_an_evaluation(stub, rows, tmp_path):
    evaluate([str(tmp_path), str(rows), "--per_device_eval_batch_size", "7"])
    evaluate(["runs/a", str(rows), "--output", str(tmp_path / "scores"), "--use_cpu"])
    assert stub == [
        (str(tmp_path), {"per_device_eval_batch_size": 7}),
        ("evaluate", (rows,), {"output_dir": tmp_path / "evaluation-test"}),
        ("runs/a", {"use_cpu": True}),
        ("evaluate", (rows,), {"output_dir": tmp_path / "scores"}),
    ]


def test_a_run_is_evaluated_on_a_file(uninterrupted, rows, tmp_path, capsys, monkeypatch):
    """Twice, as after a longer training; nothing is left beside the report."""
    monkeypatch.chdir(tmp_path)
    folder = str(uninterrupted("classification"))
    for _ in range(2):
        evaluate([folder, str(rows), "--output", "scores"])
        lines = capsys.readouterr().out.splitlines()
        assert any("on 2 examples of test" in line for line in lines)
        assert lines[-1] == "The report is in scores."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores", "test.csv"]
    report = RunReport.load("scores")
    expected = ClassificationRecipe.from_pretrained(folder).evaluate(rows)
    assert report.result["accuracy"] == expected["accuracy"]
    assert report.data["test"]["examples"] == 2


@pytest.mark.slow
def test_two_processes_score_what_one_does(uninterrupted, rows, tmp_path):
    """Started by torchrun, as where there is nothing but the installed package."""
    folder = str(uninterrupted("classification"))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m"]
    words = ["bert_finetune_kit", "evaluate", folder, str(rows), "--output", str(tmp_path / "two"), "--use_cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([*launch, *words], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("The report is in") == 1
    evaluate([folder, str(rows), "--output", str(tmp_path / "one")])
    one, two = (RunReport.load(tmp_path / name).result for name in ("one", "two"))
    assert two == pytest.approx(one, rel=1e-5)


def test_a_file_of_another_encoding(uninterrupted, tmp_path):
    folder, file = str(uninterrupted("classification")), tmp_path / "test.csv"
    file.write_bytes("text;label\nder Müller war nett;positive\nkühl;negative\n".encode("latin-1"))
    evaluate([folder, str(file), "--encoding", "latin-1", "--output", str(tmp_path / "scores")])
    assert RunReport.load(tmp_path / "scores").data["test"]["examples"] == 2
    predict([folder, str(file), "--encoding", "latin-1", "--output", str(tmp_path / "out.jsonl")])
    assert "kühl" in (tmp_path / "out.jsonl").read_text("utf-8")


def test_the_report_of_a_training_is_not_replaced_by_an_evaluation(uninterrupted, rows):
    folder = str(uninterrupted("classification"))
    with pytest.raises(OutputError, match=f"{folder} holds a training run"):
        evaluate([folder, str(rows), "--output", folder])


def test_evaluations_are_not_pushed():
    folders = (evaluation_folder("run", Path("test.csv")).name, "test")
    others = [f"{folder}/{file}" for folder in folders for file in ("report.html", "predictions.jsonl")]
    own = ["report.json", "report.html", "predictions/predictions.json"]
    assert list(filter_repo_objects([*others, *own], ignore_patterns=list(NOT_PUSHED))) == own


def test_a_file_is_predicted_to_a_file(stub, rows, tmp_path):
    predict(["runs/a", str(rows), "--output", "predictions.jsonl"])
    assert stub[1:] == [("predict_file", (rows, Path("predictions.jsonl")))]


@pytest.mark.parametrize("command", [evaluate, predict])
def test_a_file_that_does_not_exist_is_refused_before_the_model_is_loaded(command, stub):
    with pytest.raises(DataError, match=r"nowhere.csv does not exist"):
        command(["runs/a", "nowhere.csv", "--output", "out.csv"])
    assert stub == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give a FILE with --output, --text, or --question with --context$"),
        (["a.csv", "--text", "b", "--output", "c.csv"], "not file and text together"),
        (["a.csv"], "say where the predictions go: --output predictions.csv, or predictions.jsonl"),
        (["a.csv", "--output", "out.xlsx"], r"--output is out.xlsx: its name must end in .csv or .jsonl"),
        (["--text", "a", "--output", "out.csv"], "--output goes with a FILE"),
        (["--text", "a", "b", "--text_pair", "c"], "there are 2 of --text and 1 of --text_pair"),
        (["--question", "Who?"], "--question and --context go together"),
        (["--text", "a", "--context", "b"], "--question and --context go together"),
        (["--question", "a", "--output", "b.txt"], " has 3 faults:.*must end in .*--output goes with .*go together"),
    ],
)
def test_words_that_do_not_go_together(words, message, stub):
    with pytest.raises(ConfigError, match=f"(?s)Command line.*{message}"):
        predict(["runs/a", *words])
    assert stub == []


def test_every_row_of_a_file_is_predicted(uninterrupted, rows, tmp_path, capsys):
    folder, output = str(uninterrupted("classification")), tmp_path / "predictions.csv"
    predict([folder, str(rows), "--output", str(output)])
    assert capsys.readouterr().out.splitlines()[-1] == f"The predictions are in {output}."
    with output.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["text"] for row in written] == ["the soup was cold", "kind"]
    expected = ClassificationRecipe.from_pretrained(folder).predict(rows)
    assert [row["predicted_label"] for row in written] == [prediction.label for prediction in expected]


def test_a_pretrained_model_predicts_nothing_yet(finished):
    with pytest.raises(ConfigError, match="is a run of pretraining, which predicts nothing yet: fine-tune it by"):
        predict([finished("pretraining"), "--text", "a"])


def test_texts_are_predicted(uninterrupted, capsys):
    folder = uninterrupted("classification")
    predict([str(folder), "--text", "the soup was cold", "what a kind welcome"])
    expected = ClassificationRecipe.from_pretrained(folder).predict(["the soup was cold", "what a kind welcome"])
    lines = [f"{prediction.score:.3f}  {prediction.label}" for prediction in expected]
    assert capsys.readouterr().out.splitlines()[-2:] == lines
    predict([str(folder), "--text", ""])
    assert capsys.readouterr().out.splitlines()[-1] == "(empty text)"


def test_a_text_that_is_the_name_of_a_file_is_told_in_words_of_the_command(uninterrupted, rows, capsys):
    run = str(uninterrupted("classification"))
    predict([run, "--text", str(rows)])
    assert f"predict {run} {rows} --output predictions.csv" in capsys.readouterr().out.replace("\n", "")


def test_questions_are_answered(uninterrupted, capsys):
    predict([str(uninterrupted("question_answering")), "--question", "Who?", "When?", "--context", "The mill opens."])
    lines = capsys.readouterr().out.splitlines()[-2:]
    for line in lines:
        probability, answer = line.split("  ")
        assert 0 <= float(probability) <= 1
        assert answer == "(no answer)" or answer in "The mill opens."
    predict([str(uninterrupted("question_answering")), "--question", "", "--context", "The mill opens."])
    assert capsys.readouterr().out.splitlines()[-1] == "(empty question)"


def test_an_answer_is_printed_with_its_probability_and_no_answer_with_its_own():
    assert answer_text(Answer("six", 0.7, 0, 3, 0.2, ())) == "0.700  six"
    assert answer_text(Answer(None, 0.1, None, None, 0.9, ())) == "0.900  (no answer)"


@pytest.mark.parametrize(
    ("kind", "words", "message"),
    [
        ("classification", ["--question", "Who?", "--context", "I."], "is a run of classification: give --text"),
        ("question_answering", ["--text", "Who?"], "is a run of question_answering: give --question and --context"),
    ],
)
def test_words_for_another_kind_of_run(kind, words, message, finished):
    with pytest.raises(ConfigError, match=message):
        predict([finished(kind), *words])


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("kind", "kind"), (("a", "b"), "a, b"), ((), "(no label)"), (1.25, "1.25"), (1 / 3, "0.333333"),
        (None, "(empty text)"),
    ],
)  # fmt: skip
def test_labels_as_text(label, text):
    assert predict_module.label_text(label) == text


@pytest.fixture
def pushed(monkeypatch):
    calls = []
    monkeypatch.setattr(HubTarget, "push", lambda *call: calls.append(call) or "https://hub.test/me/mine")
    return calls


def test_a_run_is_pushed(uninterrupted, pushed, capsys):
    folder = str(uninterrupted("classification"))
    push([folder, "--name", "me/mine"])
    push([folder, "--name", "me/mine", "--public", "--predictions"])
    assert [call[1:] for call in pushed] == [(folder, "classification", False), (folder, "classification", True)]
    assert [(call[0].name, call[0].private) for call in pushed] == [("me/mine", True), ("me/mine", False)]
    assert capsys.readouterr().out.splitlines()[-1] == "Pushed to https://hub.test/me/mine."


@pytest.mark.parametrize("kind", ["pretraining", "classification", "question_answering"])
def test_the_recipe_of_any_run_pushes_it(kind, finished, monkeypatch):
    recipes = []
    monkeypatch.setattr(Recipe, "push_to_hub", lambda recipe, *_, **__: recipes.append(recipe))
    folder = finished(kind)
    push([folder, "--name", "me/mine"])
    assert [(recipe.name, recipe.output_dir) for recipe in recipes] == [(kind, folder)]


def test_only_a_finished_run_is_pushed(tmp_path, pushed):
    with pytest.raises(KitError, match=r"has no report.json: no run has finished there"):
        push([str(tmp_path), "--name", "me/mine"])
    with pytest.raises(ConfigError, match="the following arguments are required: --name"):
        push([str(tmp_path)])
    assert pushed == []
