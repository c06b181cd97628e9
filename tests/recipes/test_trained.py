"""A model at work: scored on given data, predictions of files, and the folder that it came from; one tiny run each."""

import csv
import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset
from sklearn.metrics import f1_score
from small_recipes import KINDS, Signal, build

from bert_finetune_kit import (
    Answer,
    ClassificationRecipe,
    ClassificationTask,
    ConfigError,
    DataError,
    EvaluationReport,
    LabelledSource,
    OutputError,
    QARecipe,
    RunReport,
    RunStopped,
)
from bert_finetune_kit.data.question_rows import as_questions
from bert_finetune_kit.data.sample import sample_documents, sample_questions, sample_reviews
from bert_finetune_kit.inference import file as prediction_file
from bert_finetune_kit.reporting.evaluation import check_folder
from bert_finetune_kit.reporting.html import to_html
from bert_finetune_kit.reporting.naming import facts
from bert_finetune_kit.reporting.predictions import text_hash

SHORT = {"max_steps": 6, "save_strategy": "no", "eval_strategy": "no", "load_best_model_at_end": False}
REVIEWS = sample_reviews("validation", count=24)
TEXTS = [row["text"] for row in REVIEWS]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, dropout_model):
    """A trained recipe of each kind."""
    folder = tmp_path_factory.mktemp("runs")
    recipes = {}
    for name in KINDS:
        recipes[name] = build(name, dropout_model, folder / name, **SHORT)
        recipes[name].train()
    return recipes


@pytest.fixture(scope="module")
def loaded(runs):
    """The same recipes in another process."""
    return {name: type(recipe).from_pretrained(recipe.output_dir) for name, recipe in runs.items()}


def rows_of(file):
    return [json.loads(line) for line in Path(file).read_text("utf-8").splitlines()]


def csv_rows(file):
    with open(file, newline="") as stream:
        return list(csv.DictReader(stream))


def write_csv(file, rows):
    with open(file, "w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


# Predictions of the validation examples


def test_predictions_of_a_classification_are_those_of_its_scores(runs):
    recipe = runs["classification"]
    rows, report = rows_of(f"{recipe.output_dir}/predictions.jsonl"), RunReport.load(recipe.output_dir)
    assert [row["row"] for row in rows] == list(range(20))
    references, predictions = ([row[name] for row in rows] for name in ("reference", "prediction"))
    assert np.mean(np.array(references) == predictions) == pytest.approx(report.result["accuracy"])
    likelihood = [row["probabilities"][row["reference"]] for row in rows]
    assert [row["loss"] for row in rows] == pytest.approx(-np.log(likelihood))
    assert np.mean([row["loss"] for row in rows]) == pytest.approx(report.result["loss"])
    texts = recipe.prepare().data.validation_rows["validation"]["text"]
    assert [row["text_hash"] for row in rows] == [text_hash(text) for text in texts]
    assert [row["prediction"] for row in rows] == [prediction.label for prediction in recipe.predict(texts[:])]


def test_predictions_of_questions_are_those_of_their_scores(runs):
    recipe = runs["question_answering"]
    rows, report = rows_of(f"{recipe.output_dir}/predictions.jsonl"), RunReport.load(recipe.output_dir)
    official = report.details["official"]
    assert len(rows) == official["total"] == 20
    assert 100 * np.mean([row["f1"] for row in rows]) == pytest.approx(official["f1"])
    saved = json.loads(Path(recipe.output_dir, "predictions", "predictions.json").read_text("utf-8"))
    assert {row["id"]: row["prediction"] for row in rows} == saved
    assert all((row["prediction"] == "") == (row["no_answer"] > recipe.threshold) for row in rows)
    contexts = {row["id"]: row["context"] for row in recipe.prepare().data.validation_split.rows}
    for row in rows:
        assert row["start"] is None or contexts[row["id"]][row["start"] :].startswith(row["prediction"])


def test_predictions_of_masked_words_are_those_of_their_scores(runs):
    recipe = runs["pretraining"]
    rows, report = rows_of(f"{recipe.output_dir}/predictions.jsonl"), RunReport.load(recipe.output_dir)
    masked = sum(row["mlm_count"] for row in rows)
    assert sum(row["mlm_loss"] for row in rows) / masked == pytest.approx(report.result["mlm_loss"])
    assert sum(row["mlm_correct"] for row in rows) / masked == pytest.approx(report.result["mlm_accuracy"])
    corpus = recipe.prepare().data.validation["validation"].corpus
    assert {row["group"] for row in rows} == set(range(len(corpus)))
    assert len({row["text_hash"] for row in rows}) == len(corpus)


# Evaluation on given data


@pytest.mark.parametrize("name", KINDS)
def test_a_loaded_model_scores_given_data_as_the_trained_one(runs, loaded, name):
    rows = {
        "classification": REVIEWS,
        "question_answering": sample_questions("validation")[:24],
        "pretraining": [{"text": "\n".join(document)} for document in sample_documents("validation")[:6]],
    }[name]
    trained, again = runs[name].evaluate(rows), loaded[name].evaluate(pd.DataFrame(rows))
    assert isinstance(again, EvaluationReport)
    assert dict(again) == pytest.approx(dict(trained), rel=1e-5)
    assert again.intervals.keys() == trained.intervals.keys()
    assert again.tables[0].rows == trained.tables[0].rows or name == "pretraining"  # whose baseline is another
    assert again.data.keys() == {"test"}
    assert "was evaluated on a data set in memory" in again.summary[0]
    assert "leak" in trained.evidence
    assert "leak" not in again.evidence


def test_scores_and_worst_errors_are_those_of_predict(loaded, tmp_path):
    """In the words of the model; the baseline is the label that is frequent in these rows, not that of the training."""
    recipe = loaded["classification"]
    shares = recipe.report.data["train"]["label_shares"]
    majority = max(shares, key=shares.get)
    rows = [row for number, row in enumerate(REVIEWS) if row["label"] != majority or number < 4]  # the minority here
    report = recipe.evaluate(write_csv(tmp_path / "test.csv", rows))
    texts, references = ([row[name] for row in rows] for name in ("text", "label"))
    predictions = [prediction.label for prediction in recipe.predict(texts)]
    assert report["accuracy"] == pytest.approx(np.mean(np.array(predictions) == references))
    assert report["f1"] == pytest.approx(f1_score(references, predictions, pos_label="positive", zero_division=0))
    assert report.baselines["majority"]["accuracy"] == pytest.approx(1 - references.count(majority) / len(references))
    errors = report.details["test"]["worst_errors"]
    assert {error["texts"][0] for error in errors} <= {
        text for text, label, predicted in zip(texts, references, predictions, strict=True) if label != predicted
    }


def test_the_threshold_of_a_model_is_not_fitted_again(runs):
    rows = sample_questions("validation")[:24]
    reports = {}
    for threshold in (0.0, 1.0):
        recipe = QARecipe.from_pretrained(runs["question_answering"].output_dir, threshold=threshold)
        reports[threshold] = recipe.evaluate(rows)
        answers = recipe.predict(rows)
        abstained = 100 * np.mean([answer.text is None for answer in answers])
        assert reports[threshold].details["abstained"] == pytest.approx(abstained)
        assert reports[threshold].details["scores"]["total"] == len(rows)  # none is set aside to fit on
        assert "fit_f1" not in reports[threshold]
    assert reports[0.0].details["abstained"] == 100
    assert reports[0.0]["NoAns_f1"] == 100
    assert reports[1.0]["NoAns_f1"] == 0
    assert reports[0.0].baselines == reports[1.0].baselines != {}


def test_a_model_that_abstains_is_scored_on_answerable_questions(runs):
    rows = [row for row in sample_questions("validation") if row["answers"]["text"]][:12]
    recipe = QARecipe.from_pretrained(runs["question_answering"].output_dir, threshold=0.0)
    report = recipe.evaluate(rows)
    assert report["f1"] == 0
    assert report.details["abstained"] == 100


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"text": "a day", "label": "neutral"}], r"'neutral' in row 0.*known: negative, positive"),
        ([{"text": "a day"}], r"no labels to compare with: there is no column 'label'.*predict_file\(\)"),
        ([{"review": "a day"}], "there is no column 'text' for the text"),
        ([{"text": "a day", "label": None}, {"text": "a night", "label": "positive"}], "row 0.*is missing"),
        ([{"text": "", "label": "positive"}], "1 of 1 texts in the column 'text' of the test split are empty"),
        ("missing.csv", "missing.csv does not exist"),
    ],
)
def test_data_that_cannot_be_scored(loaded, rows, message):
    with pytest.raises(DataError, match=f"(?s){message}"):
        loaded["classification"].evaluate(rows)


def test_questions_without_answers_cannot_be_scored(loaded):
    rows = [{"question": "When ?", "context": "At six ."}]
    with pytest.raises(DataError, match=r"None of the 1 questions.*To answer questions without answers, use predict"):
        loaded["question_answering"].evaluate(rows)


def test_an_evaluation_needs_a_trained_model(dropout_model, tmp_path):
    with pytest.raises(ConfigError, match="Nothing has been trained"):
        build("classification", dropout_model, tmp_path).evaluate(REVIEWS)


def test_an_evaluation_does_not_change_the_recipe(runs):
    recipe = runs["question_answering"]
    before = recipe.state
    threshold = recipe.threshold
    recipe.evaluate(sample_questions("validation")[:8])
    assert recipe.state is before
    assert recipe.threshold == threshold


@pytest.mark.page
def test_the_report_of_an_evaluation_is_a_mapping_and_a_file(loaded, tmp_path, capsys):
    recipe, folder = loaded["classification"], tmp_path / "test"
    report = recipe.evaluate(REVIEWS, output_dir=folder)
    assert {file.name for file in folder.iterdir()} == {
        "report.json", "report.md", "report.html", "predictions.jsonl",
    }  # fmt: skip
    saved = RunReport.load(folder)
    assert saved.result == dict(report)
    assert saved.tables == report.tables
    assert saved.settings["evaluation"]["model"] == recipe.model_folder
    assert report == dict(report)
    assert set(report) == set(report.keys()) >= {"accuracy", "f1", "loss"}
    assert [row["prediction"] for row in rows_of(folder / "predictions.jsonl")] == [
        prediction.label for prediction in recipe.predict(TEXTS)
    ]
    report.print()
    assert "was evaluated on a data set in memory" in " ".join(capsys.readouterr().out.replace("│", "").split())
    assert "majority baseline" in str(report)
    report.save(folder)  # again


def test_a_folder_of_a_training_gets_no_evaluation(loaded, runs, tmp_path):
    before = Path(runs["classification"].output_dir, "report.json").read_bytes()
    with pytest.raises(OutputError, match="holds a training run"):
        loaded["classification"].evaluate(REVIEWS, output_dir=runs["classification"].output_dir)
    assert Path(runs["classification"].output_dir, "report.json").read_bytes() == before
    (tmp_path / "config.json").touch()
    with pytest.raises(OutputError, match="holds a model"):
        check_folder(tmp_path)
    with pytest.raises(OutputError, match="is a file"):
        check_folder(tmp_path / "config.json")


def test_the_page_of_an_evaluation_has_no_training(loaded, tmp_path):
    report = loaded["classification"].evaluate(REVIEWS)
    page = to_html(report)
    assert ">Evaluation</h2>" in page
    assert ">Training</h2>" not in page
    assert dict(facts(report))["finished"].endswith("UTC")
    assert dict(facts(report))["model"]


def test_an_evaluation_leaves_no_folder(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = ClassificationRecipe.from_pretrained(runs["classification"].output_dir)
    recipe.evaluate(REVIEWS[:3])
    assert recipe.output_dir == "runs/classification"
    assert not list(tmp_path.iterdir())


def test_a_baseline_without_the_training_is_that_of_the_data(runs, tmp_path):
    folder = shutil.copytree(runs["classification"].output_dir, tmp_path / "model")
    (folder / "report.json").unlink()
    rows = REVIEWS[:3] + [row for row in REVIEWS if row["label"] == "negative"][:9]
    report = ClassificationRecipe.from_pretrained(folder).evaluate(rows)
    share = np.mean([row["label"] == "negative" for row in rows])
    assert report.baselines["majority"]["accuracy"] == pytest.approx(share)
    assert any("fitted to the evaluated examples themselves" in note for note in report.notes)


# What predict takes


@pytest.mark.parametrize("form", [list, Dataset.from_list, pd.DataFrame, "csv", "jsonl"])
def test_rows_of_any_form_are_predicted_alike(loaded, tmp_path, form):
    rows = REVIEWS[:5]
    if form == "csv":
        rows = write_csv(tmp_path / "rows.csv", rows)
    elif form == "jsonl":
        rows = tmp_path / "rows.jsonl"
        rows.write_text("".join(json.dumps(row) + "\n" for row in REVIEWS[:5]))
    else:
        rows = form(rows)
    assert loaded["classification"].predict(rows) == loaded["classification"].predict(TEXTS[:5])


def test_nothing_and_empty_texts_have_their_place(loaded):
    classifier, reader = loaded["classification"], loaded["question_answering"]
    assert classifier.predict([]) == classifier.predict(pd.DataFrame({"text": []})) == []
    assert reader.predict([], "a context") == reader.predict([]) == []
    predictions = classifier.predict([TEXTS[0], " ", TEXTS[1]])
    assert [predictions[0], predictions[2]] == classifier.predict(TEXTS[:2])
    assert predictions[1].label is None
    assert predictions[1].scores == {}
    assert np.isnan(predictions[1].score)
    empty, answer = reader.predict(["", "When does the mill open ?"], "The mill opens at six .")
    assert empty.text is None
    assert empty.n_best == ()
    assert np.isnan(empty.no_answer)
    assert answer == reader.predict("When does the mill open ?", "The mill opens at six .")
    assert classifier.predict([{"text": None}, {"text": "fine"}])[0].label is None
    missing = classifier.predict(["fine", None, float("nan"), pd.NA])
    assert [prediction.label is None for prediction in missing] == [False, True, True, True]
    answers = reader.predict([None, "When does the mill open ?"], "The mill opens at six .")
    assert (answers[0].text, answers[1]) == (None, answer)
    answers = reader.predict(
        [(float("nan"), "The mill opens ."), ("When does the mill open ?", "The mill opens at six .")]
    )
    assert (answers[0].text, answers[1].text) == (None, answer.text)


def test_questions_by_position_by_name_and_as_pairs(loaded):
    reader = loaded["question_answering"]
    question, context = "When does the mill open ?", "The mill opens at six ."
    expected = reader.predict(question=question, context=context)
    assert isinstance(expected, Answer)
    assert reader.predict(question, context) == expected
    assert reader.predict([question], context) == reader.predict([(question, context)]) == [expected]
    assert reader.predict([{"question": question, "context": context}]) == [expected]


def test_a_text_that_is_the_name_of_a_file_is_told(loaded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "test.csv", REVIEWS)
    with pytest.warns(
        UserWarning, match=r"'test.csv' is the name of a file, and was read as a text.*Path\('test.csv'\)"
    ) as warned:
        assert len(loaded["classification"].predict("test.csv")) == 1
    assert warned[0].filename == __file__  # where predict was called
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(loaded["classification"].predict(Path("test.csv"))) == len(REVIEWS)


def test_a_device_is_used_and_left(loaded):
    recipe = loaded["classification"]
    model = recipe.trained().model
    assert recipe.predict(TEXTS[:2], device="cpu") == recipe.predict(TEXTS[:2], device=torch.device("cpu"))
    for device in ("cuda:77", "nowhere"):
        with pytest.raises(ConfigError, match=f"device is '{device}', and the model cannot be moved there"):
            recipe.predict(TEXTS[:2], device=device)
    assert next(model.parameters()).device.type == "cpu"


# Files


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(prediction_file, "_ROWS", 4)


@pytest.mark.parametrize("output", ["predictions.csv", "predictions.jsonl"])
def test_a_file_is_predicted_row_by_row(loaded, tmp_path, small_chunks, output):
    recipe = loaded["classification"]
    source = write_csv(tmp_path / "rows.csv", [{"number": n, "text": text} for n, text in enumerate(["", *TEXTS])])
    path = recipe.predict_file(source, tmp_path / output, batch_size=1)
    rows = csv_rows(path) if output.endswith("csv") else rows_of(path)
    assert [int(row["number"]) for row in rows] == list(range(len(TEXTS) + 1))
    expected = recipe.predict(TEXTS)
    assert [row["label"] for row in rows[1:]] == [prediction.label for prediction in expected]
    assert [float(row["score"]) for row in rows[1:]] == pytest.approx([prediction.score for prediction in expected])
    shares = [
        row["probability_negative"] if output.endswith("csv") else row["probabilities"]["negative"] for row in rows
    ]
    assert list(map(float, shares[1:])) == pytest.approx([prediction.scores["negative"] for prediction in expected])
    assert not any((rows[0]["label"], rows[0]["score"], shares[0]))
    assert {file.name for file in tmp_path.iterdir()} == {"rows.csv", output}
    with pytest.raises(OutputError, match="exists already"):
        recipe.predict_file(source, path)


def test_the_columns_of_a_file_are_not_replaced(loaded, tmp_path):
    path = loaded["classification"].predict_file(write_csv(tmp_path / "a.csv", REVIEWS), tmp_path / "b.jsonl")
    rows = rows_of(path)
    assert [row["label"] for row in rows] == [row["label"] for row in REVIEWS]
    assert rows[0].keys() == {"text", "label", "predicted_label", "score", "probabilities"}


def test_questions_of_a_file(loaded, tmp_path):
    questions = as_questions(sample_questions("validation")[:9])
    source = tmp_path / "questions.parquet"
    questions.select_columns(["id", "question", "context"]).to_parquet(source)
    rows = rows_of(loaded["question_answering"].predict_file(source, tmp_path / "answers.jsonl"))
    answers = loaded["question_answering"].predict(questions)
    assert [(row["id"], row["question"]) for row in rows] == list(
        zip(questions["id"], questions["question"], strict=True)
    )
    assert [(row["answer"], row["start"]) for row in rows] == [(answer.text, answer.start) for answer in answers]
    assert [row["score"] for row in rows] == pytest.approx([answer.score for answer in answers], rel=1e-5)


def test_an_interrupted_file_goes_on_where_it_was(loaded, tmp_path, small_chunks, monkeypatch, capsys):
    recipe, source = loaded["classification"], write_csv(tmp_path / "rows.csv", [{"text": text} for text in TEXTS])
    expected = recipe.predict_file(source, tmp_path / "expected.csv", batch_size=1).read_bytes()
    predict, calls = recipe.predict_rows, []

    def interrupted(rows, *further):
        calls.append(len(rows))
        if sum(calls) > 16:
            raise KeyboardInterrupt
        return predict(rows, *further)

    monkeypatch.setattr(prediction_file, "_ROWS", 8)
    with monkeypatch.context() as patch:
        patch.setattr(recipe, "predict_rows", interrupted)
        with pytest.raises(KeyboardInterrupt):
            recipe.predict_file(source, tmp_path / "out.csv", batch_size=1)
    assert calls == [4, 8, 12]  # more and more, and then the rest
    assert "12 rows are predicted in" in capsys.readouterr().out
    assert not (tmp_path / "out.csv").exists()
    with (tmp_path / "out.csv.part").open("ab") as part:
        part.write(b"half a ro")  # what a killed process may leave
    calls.clear()
    monkeypatch.setattr(
        recipe, "predict_rows", lambda rows, *further: calls.append(len(rows)) or predict(rows, *further)
    )
    assert recipe.predict_file(source, tmp_path / "out.csv", batch_size=1).read_bytes() == expected
    assert calls == [4, 8]
    assert not list(tmp_path.glob("out.csv.*"))


@pytest.mark.parametrize("change", ["the file", "the settings"])
def test_a_part_of_something_else_is_not_continued(runs, tmp_path, small_chunks, monkeypatch, change):
    recipe = ClassificationRecipe.from_pretrained(runs["classification"].output_dir)
    rows = [{"text": text} for text in TEXTS]
    source, predict, calls = write_csv(tmp_path / "rows.csv", rows), recipe.predict_rows, []

    def once(given, *further):
        calls.append(len(given))
        if len(calls) > 1:
            raise KeyboardInterrupt
        return predict(given, *further)

    with monkeypatch.context() as patch:
        patch.setattr(recipe, "predict_rows", once)
        with pytest.raises(KeyboardInterrupt):
            recipe.predict_file(source, tmp_path / "out.jsonl", batch_size=1)
    if change == "the file":
        write_csv(source, rows[::-1])
    else:
        recipe.trained().model.classifier.bias.data[0] += 1
    written = rows_of(recipe.predict_file(source, tmp_path / "out.jsonl", batch_size=1))
    texts = TEXTS[::-1] if change == "the file" else TEXTS
    assert [row["text"] for row in written] == texts
    assert [row["score"] for row in written] == pytest.approx([given.score for given in recipe.predict(texts)])


def test_data_in_memory_are_no_file(loaded, tmp_path):
    for given in (pd.DataFrame(REVIEWS), REVIEWS):
        with pytest.raises(DataError, match=f"a file, and not a {type(given).__name__}.*there is predict()"):
            loaded["classification"].predict_file(given, tmp_path / "out.csv")


def test_what_takes_long_is_written_a_little_at_a_time(loaded, tmp_path, monkeypatch):
    recipe, calls = loaded["classification"], []
    source, predict = write_csv(tmp_path / "rows.csv", [{"text": text} for text in TEXTS]), recipe.predict_rows
    monkeypatch.setattr(prediction_file, "_SECONDS", 0)
    monkeypatch.setattr(
        recipe, "predict_rows", lambda rows, *further: calls.append(len(rows)) or predict(rows, *further)
    )
    recipe.predict_file(source, tmp_path / "out.csv", batch_size=2)
    assert calls == [8] * (len(TEXTS) // 8)


@pytest.mark.parametrize(
    ("content", "output", "error", "message"),
    [
        ("review\na\n", "out.csv", DataError, "has no column 'text'. Columns: review"),
        ("text\n", "out.csv", DataError, "has no rows"),
        ("text\na\n", "out.xlsx", OutputError, "ends in .csv or .jsonl"),
        (None, "out.csv", DataError, "does not exist"),
    ],
)
def test_files_that_cannot_be_predicted(loaded, tmp_path, content, output, error, message):
    source = tmp_path / "rows.csv"
    if content is not None:
        source.write_text(content)
    with pytest.raises(error, match=message):
        loaded["classification"].predict_file(source, tmp_path / output)
    assert not (tmp_path / output).exists()


def test_a_pretrained_model_has_no_predictions(loaded, tmp_path):
    source = write_csv(tmp_path / "rows.csv", REVIEWS)
    with pytest.raises(ConfigError, match="PretrainRecipe has no predictions"):
        loaded["pretraining"].predict_file(source, tmp_path / "out.csv")


# The folder of a loaded model


def test_a_loaded_recipe_knows_its_folder(loaded, runs, monkeypatch):
    pushed = []
    monkeypatch.setattr(
        "bert_finetune_kit.runs.target.push_folder", lambda *arguments: pushed.append(arguments) or "address"
    )
    for name, recipe in loaded.items():
        folder = runs[name].output_dir
        assert recipe.report.result == RunReport.load(folder).result
        assert f'model_id = "{name}"' in recipe.model_card().text
        recipe.push_to_hub()
        assert pushed.pop()[:2] == (folder, name)


def test_a_failed_training_leaves_the_loaded_model(runs, tmp_path):
    args = ClassificationRecipe.default_args(str(tmp_path / "run"), **SHORT)
    recipe = ClassificationRecipe.from_pretrained(runs["classification"].output_dir, args=args)
    expected, model = recipe.predict(TEXTS[:3]), recipe.trained().model
    recipe.source = LabelledSource("missing.csv")
    with pytest.raises(DataError, match="does not exist"):
        recipe.train()
    assert recipe.trained().model is model
    recipe.source = runs["classification"].source
    recipe.task = runs["classification"].task
    recipe.callbacks.append(Signal(2))
    with pytest.raises(RunStopped):
        recipe.train()
    assert recipe.trained().model is model
    assert recipe.predict(TEXTS[:3]) == expected


def test_a_second_training_that_fails_leaves_the_trained_model(runs, tmp_path, monkeypatch):
    recipe = runs["classification"]
    expected = recipe.predict(TEXTS[:3])
    monkeypatch.setattr(recipe.args, "output_dir", str(tmp_path / "again"))
    monkeypatch.setattr(recipe, "config", None)
    with pytest.raises(AttributeError):
        recipe.train()
    monkeypatch.undo()
    assert recipe.predict(TEXTS[:3]) == expected


# Kinds of tasks

COUNT = 12
KINDS_OF_TASKS = {
    "names": ({"kind": "multi_label"}, {"label": [["a"] if n % 3 else ["a", "b"][: n % 2 * 2] for n in range(COUNT)]}),
    "indicators": (
        {"kind": "multi_label", "labels": ("a", "b")},
        {"label": [[n % 2, int(n % 3 == 0)] for n in range(COUNT)]},
    ),
    "columns": (
        {"kind": "multi_label", "label": ("loud", "rude")},
        {"loud": [n % 2 for n in range(COUNT)], "rude": [int(n % 3 == 0) for n in range(COUNT)]},
    ),
    "pairs of a number": (
        {"kind": "regression", "text_pair": "second"},
        {"second": ["a dog"] * COUNT, "label": [n / 7 for n in range(COUNT)]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS_OF_TASKS)
def test_every_kind_of_task_is_scored_and_predicted(dropout_model, tmp_path, name):
    """Without a training: a model that was saved, and loaded again."""
    settings, columns = KINDS_OF_TASKS[name]
    data = Dataset.from_dict({"text": TEXTS[:COUNT]} | columns)
    task = ClassificationTask("toy", **settings)
    source = LabelledSource(data, validation=data)
    recipe = build("classification", dropout_model, tmp_path / "run", source=source, task=task, use_cpu=True)
    recipe.evaluate()
    trained = recipe.trained()
    trained.model.save_pretrained(tmp_path / "model")
    trained.tokenizer.save_pretrained(tmp_path / "model")
    recipe.save_usage(recipe.prepare().data, recipe.state.evaluation, str(tmp_path / "model"))
    loaded = ClassificationRecipe.from_pretrained(tmp_path / "model")
    report = loaded.evaluate(data)
    assert dict(report) == pytest.approx(dict(recipe.evaluate(data)), rel=1e-4, abs=1e-6)
    rows = list(report.predictions())
    predictions = loaded.predict(data)
    if settings["kind"] == "regression":
        assert [row["reference"] for row in rows] == pytest.approx(columns["label"])
        assert [row["prediction"] for row in rows] == pytest.approx([given.label for given in predictions], abs=1e-5)
        squares = [(row["prediction"] - row["reference"]) ** 2 for row in rows]
        assert report["mse"] == pytest.approx(np.mean(squares))
        assert report.baselines["mean"]["mse"] == pytest.approx(np.var(columns["label"]))
    else:
        assert [tuple(row["prediction"]) for row in rows] == [given.label for given in predictions]
        exact = [sorted(row["prediction"]) == sorted(row["reference"]) for row in rows]
        assert report["accuracy"] == pytest.approx(np.mean(exact))
    data.to_csv(tmp_path / "rows.csv") if name == "columns" else data.to_json(tmp_path / "rows.jsonl")
    source = tmp_path / ("rows.csv" if name == "columns" else "rows.jsonl")
    written = rows_of(loaded.predict_file(source, tmp_path / "out.jsonl"))
    assert [row["score"] for row in written] == pytest.approx([given.score for given in predictions], abs=1e-5)
