"""Exported models predict what recipes predict, without torch."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_recipes import small_config
from torch_session import exported_by_torch
from transformers import BertForMaskedLM, BertForQuestionAnswering, BertForSequenceClassification, pipeline, set_seed

from bert_finetune_kit import (
    ClassificationRecipe,
    ClassificationTask,
    ConfigError,
    DataError,
    ModelError,
    OutputError,
    PretrainRecipe,
    QARecipe,
    load_exported,
)
from bert_finetune_kit.calibration.saved import Calibration
from bert_finetune_kit.calibration.selective import ScoredPredictions
from bert_finetune_kit.calibration.thresholds import ThresholdBasis
from bert_finetune_kit.exported.loading import assemble
from bert_finetune_kit.inference.calibration import save_calibration
from bert_finetune_kit.question_answering.config import QAConfig
from bert_finetune_kit.question_answering.usage import save_usage

HEADS = {
    "single": (BertForSequenceClassification, {"num_labels": 3}),
    "windows": (BertForSequenceClassification, {"num_labels": 3}),
    "multi_label": (BertForSequenceClassification, {"num_labels": 3, "problem_type": "multi_label_classification"}),
    "regression": (BertForSequenceClassification, {"num_labels": 1, "problem_type": "regression"}),
    "pairs": (BertForSequenceClassification, {"num_labels": 2}),
    "questions": (BertForQuestionAnswering, {}),
    "masks": (BertForMaskedLM, {}),
}
TEMPERATURES = {
    "single": {"labels": 1.7},
    "windows": {"labels": 0.6},
    "pairs": {"labels": 2.0},
    "multi_label": {"LABEL_0": 0.5, "LABEL_2": 3.0},
    "questions": {"answers": 1.5, "no_answer": 2.5},
}
ONE_LABEL = ("single", "windows", "pairs")
SHORT = {"max_length": 24}
QUESTIONS = {"max_length": 40, "doc_stride": 8, "max_question_length": 10, "n_best": 6, "max_answer_length": 8}
# Words of the vocabulary, special tokens as text, other scripts, white space.
WORDS = st.sampled_from(
    ["the", "mill", "opens", ".", "o'clock", "東京", "🏭", "[MASK]", "[SEP]", "##s", "\t", "\u00a0"]
)
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.lists(WORDS, max_size=50).map(" ".join)
)
MANY = settings(max_examples=4, deadline=None)
MANY_MORE = settings(max_examples=100, deadline=None)


def calibration(name):
    """Temperatures, and validation predictions of which the less sure ones are wrong, some of them in groups."""
    if name not in TEMPERATURES:
        return Calibration()
    rng = np.random.default_rng(0)
    halves = []
    for count in (300, 100):
        confidence = rng.uniform(0.5 if name == "pairs" else 0, 1, count)  # of two labels one has at least a half
        groups = np.arange(count) // 4 if name in ("pairs", "questions") else ()
        truth = rng.uniform(0, 1, count).tolist() if name in ONE_LABEL else []
        halves.append(ScoredPredictions(confidence.tolist(), (confidence > 0.6).tolist(), truth, [*map(int, groups)]))
    return Calibration(TEMPERATURES[name], {}, *halves)


@pytest.fixture(scope="module")
def recipes(tmp_path_factory, tokenizer):
    """A recipe with a model of random weights that are large enough for probabilities to differ, by kind."""
    folder, found = tmp_path_factory.mktemp("models"), {}
    set_seed(0)
    for name, (head, further) in HEADS.items():
        config = small_config(tokenizer)
        config.initializer_range = 0.4
        for key, value in further.items():
            setattr(config, key, value)
        head(config).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
        save_calibration(calibration(name), folder / name)
        args = {"use_cpu": True, "per_device_eval_batch_size": 4}
        if name == "questions":
            save_usage(QAConfig(**QUESTIONS), 0.6, folder / name)
            found[name] = QARecipe.from_pretrained(folder / name, config=QUESTIONS, threshold=0.6, args=args)
        elif name == "masks":
            found[name] = PretrainRecipe.from_pretrained(folder / name, config=SHORT, args=args)
        else:
            pair = {"text_pair": "second"} if name == "pairs" else {}
            kind = {"kind": name} if name in ("multi_label", "regression") else {}
            task = ClassificationTask("t", None, text="first", label="label", **pair, **kind)
            config = SHORT | ({"stride": 6} if name == "windows" else {})
            found[name] = ClassificationRecipe.from_pretrained(folder / name, task=task, config=config, args=args)
    return found


@pytest.fixture(scope="module")
def exported(recipes, tmp_path_factory):
    """The same models as `load_exported` returns them, around torch in place of a runtime."""
    folder = tmp_path_factory.mktemp("exported")
    return {name: exported_by_torch(recipe, folder / name) for name, recipe in recipes.items()}


def same(first, second):
    """Check that two predictions are the same but for rounding."""
    for name, value in vars(first).items():
        other = getattr(second, name)
        if isinstance(value, dict):
            assert value.keys() == other.keys()
            assert list(value.values()) == pytest.approx(list(other.values()), abs=1e-5)
        elif isinstance(value, float):
            assert value == pytest.approx(other, abs=1e-5, nan_ok=True)
        elif name == "n_best":
            assert [share for _, share in value] == pytest.approx([share for _, share in other], abs=1e-5)
        else:
            assert value == other, name


@pytest.mark.parametrize("kind", ["single", "windows", "multi_label", "regression"])
@MANY
@given(texts=st.lists(TEXT, max_size=6))
def test_texts_are_classified_as_by_the_recipe(recipes, exported, kind, texts):
    expected, found = recipes[kind].predict(texts), exported[kind].predict(texts, batch_size=3)
    assert len(found) == len(expected)
    for pair in zip(expected, found, strict=True):
        same(*pair)


@MANY
@given(pairs=st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_pairs_are_classified_as_by_the_recipe(recipes, exported, pairs):
    for pair in zip(recipes["pairs"].predict(pairs), exported["pairs"].predict(pairs, batch_size=2), strict=True):
        same(*pair)


@MANY
@given(questions=st.lists(TEXT, min_size=1, max_size=4), contexts=st.lists(TEXT, min_size=4, max_size=4))
def test_questions_are_answered_as_by_the_recipe(recipes, exported, questions, contexts):
    pairs = list(zip(questions, contexts, strict=False))
    for pair in zip(
        recipes["questions"].predict(pairs), exported["questions"].predict(pairs, batch_size=3), strict=True
    ):
        same(*pair)


@pytest.mark.slow
@MANY_MORE
@given(texts=st.lists(TEXT, max_size=8), pairs=st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_many_more_texts(recipes, exported, texts, pairs):
    given = {"single": texts, "windows": texts, "multi_label": texts, "pairs": pairs, "questions": pairs}
    for kind, inputs in given.items():
        for pair in zip(recipes[kind].predict(inputs), exported[kind].predict(inputs, batch_size=3), strict=True):
            same(*pair)


LONGER = "the mill opens . " * 9
SOME_TEXTS = ["the mill opens", "", LONGER, "o'clock", "東京 mill", "the the the", ". . .", "opens at 7 o'clock ."]
SOME_PAIRS = [*zip(SOME_TEXTS, reversed(SOME_TEXTS), strict=True), ("who ?", LONGER), ("", LONGER)]


ASKED = [{"coverage": 0.2}, {"coverage": 0.5}, {"coverage": np.float32(0.9)}, {"coverage": 1}, {"max_risk": 0.1}]


@pytest.mark.parametrize("kind", sorted(TEMPERATURES))
def test_predictions_are_refused_as_by_the_recipe(recipes, exported, kind):
    inputs, refused = SOME_PAIRS if kind in ("pairs", "questions") else SOME_TEXTS, set()
    for asked in ASKED:
        expected, found = recipes[kind].predict(inputs, **asked), exported[kind].predict(inputs, batch_size=3, **asked)
        for pair in zip(expected, found, strict=True):
            same(*pair)
        refused |= {given.refused for given in found}
    assert refused == {True, False}


@pytest.mark.parametrize("kind", sorted(TEMPERATURES))
def test_what_a_threshold_is_worth_as_by_the_recipe(recipes, exported, kind):
    for asked in ({"coverage": 0.5}, {"coverage": 1}, {"max_risk": 0.1}):
        expected = recipes[kind].selection(**asked)
        assert exported[kind].selection(**asked) == expected
        assert str(exported[kind].selection(**asked)) == str(expected)
    assert expected.measured_on == 100
    for asked in ({}, {"coverage": 0.5, "max_risk": 0.1}, {"max_risk": 0.0001}):
        with pytest.raises(ConfigError) as error:
            recipes[kind].selection(**asked)
        with pytest.raises(ConfigError, match=f"^{re.escape(str(error.value))}$"):
            exported[kind].selection(**asked)


def test_what_a_threshold_is_worth_is_not_known(exported, monkeypatch):
    with pytest.raises(ConfigError, match="coverage= needs validation predictions"):
        exported["regression"].selection(coverage=0.5)
    encoder = exported["single"].encoder
    use = {name: value for name, value in encoder.settings.use.items() if name != "measured_on"}
    older = dataclasses.replace(encoder, settings=dataclasses.replace(encoder.settings, use=use))
    with pytest.raises(ConfigError, match="which exports of an earlier version do not have: export the run once more"):
        type(exported["single"])(older).selection(coverage=0.5)
    monkeypatch.setattr("bert_finetune_kit.exported.optional.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"selection\(\) of an exported model needs scipy .*: pip install scipy$"):
        exported["single"].selection(coverage=0.5)


@pytest.mark.parametrize("kind", [*ONE_LABEL, "multi_label", "questions"])
def test_labels_are_in_sets_as_by_the_recipe(recipes, exported, kind):
    if kind not in ONE_LABEL:
        with pytest.raises(ConfigError, match=r"is for tasks with one label|it is for models that classify"):
            exported[kind].predict([], label_sets=0.7)
        return
    inputs, sets = SOME_PAIRS if kind == "pairs" else SOME_TEXTS, set()
    for asked in ({"label_sets": 0.7}, {"max_risk": 0.1, "label_sets": 0.95}):
        expected, found = recipes[kind].predict(inputs, **asked), exported[kind].predict(inputs, batch_size=3, **asked)
        for pair in zip(expected, found, strict=True):
            same(*pair)
        sets |= {given.label_set for given in found}
    assert len(sets) > 2  # None, that of an empty text, among them


@pytest.mark.parametrize("kind", ["single", "questions"])
def test_thresholds_that_an_exported_model_cannot_have(recipes, exported, tmp_path, kind):
    """They are refused in the words of the recipe; also of an older folder and of a regression."""
    settings = exported[kind].settings
    older = dataclasses.replace(settings, use={**settings.use, "threshold_basis": {}})
    model = type(exported[kind])(dataclasses.replace(exported[kind].encoder, settings=older))
    for without in (model, exported["regression"]):
        with pytest.raises(ConfigError, match=r"coverage= needs validation predictions.*export an older one once more"):
            without.predict([], coverage=0.5)
    for asked in ({"coverage": 0.5, "max_risk": 0.5}, {"coverage": 1.5}, {"max_risk": 0.0001}):
        with pytest.raises(ConfigError) as error:
            recipes[kind].predict([], **asked)
        with pytest.raises(ConfigError, match=f"^{re.escape(str(error.value))}$"):
            exported[kind].predict([], **asked)


def test_a_basis_of_thresholds_that_is_damaged(exported):
    settings = exported["single"].settings
    for wrong, message in (({"risk_bounds": [0.5]}, "risk_bounds has 1 numbers, and 10"), ({"more": 1}, "no field")):
        basis = {**settings.use["threshold_basis"], **wrong}
        damaged = dataclasses.replace(settings, use={**settings.use, "threshold_basis": basis})
        with pytest.raises(ModelError, match=f"is damaged: .*{message}"):
            assemble(exported["single"].encoder.folder, damaged, exported["single"].encoder.session)
    assert ThresholdBasis() == dataclasses.replace(settings, use={}).threshold_basis


NAMES = {"questions": ("question", "context"), "pairs": ("first", "second")}


def write_rows(file, kind):
    """Write texts, an empty one among them, in a file with a column that is named as a part of the prediction."""
    inputs = SOME_PAIRS if kind in NAMES else [(text,) for text in SOME_TEXTS]
    names = NAMES.get(kind, ("first",))
    rows = [{**dict(zip(names, texts, strict=True)), "id": f"row {n}", "score": n} for n, texts in enumerate(inputs)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


def same_rows(expected, found):
    """Check that two files of predictions are the same but for rounding."""
    rows = [[json.loads(line) for line in file.read_text("utf-8").splitlines()] for file in (expected, found)]
    for first, second in zip(*rows, strict=True):
        assert list(first) == list(second)
        for name, value in first.items():
            if isinstance(value, float):
                assert second[name] == pytest.approx(value, abs=1e-5), name
            elif isinstance(value, dict):
                assert list(value) == list(second[name])
                for pair in zip(value.values(), second[name].values(), strict=True):
                    assert pair == (None, None) or pair[0] == pytest.approx(pair[1], abs=1e-5), name
            else:
                assert second[name] == value, name


@pytest.mark.parametrize("kind", [*HEADS][:-1])
def test_files_are_predicted_as_by_the_recipe(recipes, exported, tmp_path, kind):
    file, asked = write_rows(tmp_path / "rows.jsonl", kind), {}
    if kind in TEMPERATURES:
        asked = {"coverage": 0.5} | ({"label_sets": 0.8} if kind in ONE_LABEL else {})
    recipes[kind].predict_file(file, tmp_path / "expected.jsonl", **asked)
    found = exported[kind].predict_file(file, tmp_path / "found.jsonl", batch_size=2, **asked)
    assert found == tmp_path / "found.jsonl"
    same_rows(tmp_path / "expected.jsonl", found)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["expected.jsonl", "found.jsonl", "rows.jsonl"]


def test_a_file_goes_on_after_an_interruption(exported, tmp_path, monkeypatch, capsys):
    """After the rows that were written, with the same model and settings alone."""
    monkeypatch.setattr("bert_finetune_kit.inference.file._ROWS", 2)
    model, output, begun = exported["single"], tmp_path / "found.csv", []
    file = write_rows(tmp_path / "rows.jsonl", "single")
    predict = type(model).predict_texts

    def interrupted(self, rows, batch_size, choices):
        begun.append(len(rows))
        if len(begun) == 2:
            raise KeyboardInterrupt
        return predict(self, rows, batch_size, choices)

    monkeypatch.setattr(type(model), "predict_texts", interrupted)
    for further in ({}, {"coverage": 0.5}):
        begun.clear()
        with pytest.raises(KeyboardInterrupt):
            model.predict_file(file, output, batch_size=1, **further)
        assert begun[0] == 4
        assert "4 rows are predicted in" in capsys.readouterr().out
    model.predict_file(file, output, batch_size=1, coverage=0.5)
    assert sum(begun[2:]) == len(SOME_TEXTS) - 4
    assert len(output.read_text("utf-8").splitlines()) == 1 + len(SOME_TEXTS)
    with pytest.raises(OutputError, match="exists already"):
        model.predict_file(file, output)


def test_files_that_cannot_be_predicted(exported, tmp_path, monkeypatch):
    file = tmp_path / "rows.csv"
    file.write_text("text\na\n")
    with pytest.raises(DataError, match=r"has no column 'first'. Columns: text"):
        exported["single"].predict_file(file, tmp_path / "out.csv")
    with pytest.raises(DataError, match="has no column 'question' and no column 'context'"):
        exported["questions"].predict_file(file, tmp_path / "out.csv")
    with pytest.raises(ConfigError, match=r"ExportedClassifier\.predict_file\(\): .*'device': it runs on the CPU"):
        exported["single"].predict_file(file, tmp_path / "out.csv", device="cpu")
    with pytest.raises(ConfigError, match="batch_size is 0"):
        exported["questions"].predict_file(file, tmp_path / "out.csv", batch_size=0)
    with pytest.raises(ConfigError, match="ExportedMaskFiller predicts no files: give texts to predict"):
        exported["masks"].predict_file(file, tmp_path / "out.csv")
    monkeypatch.setattr("bert_finetune_kit.exported.optional.find_spec", lambda name: None)
    for kind in ("single", "questions"):
        with pytest.raises(ConfigError, match=r"predict_file\(\) of .* needs datasets and rich .*: pip install"):
            exported[kind].predict_file(file, tmp_path / "out.csv")


def test_masks_are_filled_as_by_the_pipeline_of_transformers(recipes, exported):
    trained, model = recipes["masks"].trained(), exported["masks"]
    texts = [f"the {model.mask_token} opens", f"{model.mask_token} mill is {model.mask_token} ."]
    stock = pipeline("fill-mask", model=trained.model, tokenizer=trained.tokenizer, top_k=3)
    expected = [stock(texts[0])], stock(texts[1])
    for text, rows in zip(model.predict(texts, top_k=3), expected, strict=True):
        for mask, tokens in zip(text, rows, strict=True):
            assert [name for name, _ in mask.tokens] == [row["token_str"].replace(" ", "") for row in tokens]
            assert [share for _, share in mask.tokens] == pytest.approx([row["score"] for row in tokens], abs=1e-5)
            assert (mask.token, mask.score) == mask.tokens[0]


def test_single_inputs_and_rows_of_dicts(recipes, exported):
    text, long = "the mill opens", "the mill opens . " * 30
    same(recipes["single"].predict(text)[0], exported["single"].predict(text)[0])
    same(recipes["single"].predict([{"first": long}])[0], exported["single"].predict([{"first": long}])[0])
    assert exported["single"].predict([]) == []
    same(recipes["pairs"].predict((text, long))[0], exported["pairs"].predict((text, long))[0])
    same(recipes["questions"].predict("who opens ?", long), exported["questions"].predict("who opens ?", long))
    assert exported["questions"].predict(question=" ", context=long).text is None
    rows = [{"question": "who ?", "context": text}]
    same(recipes["questions"].predict(rows)[0], exported["questions"].predict(rows)[0])


@pytest.mark.parametrize(
    ("kind", "inputs", "message"),
    [
        ("single", 3, "does not accept a int"),
        ("single", [3], "3 is not a text"),
        ("single", ["\ud800"], "lone surrogate"),
        ("single", [{"text": "a"}], "no column 'first'. Columns: text"),
        ("pairs", ["a"], "'a' is not a pair of texts"),
        ("questions", {"question": "a"}, "does not accept a dict"),
        ("questions", ["a"], "'a' is not a pair of a question and a context"),
        ("questions", [{"question": "a"}], "no column 'context'"),
        ("masks", "no mask", r"There is no \[MASK\] in 'no mask'"),
        ("masks", "[MASK] " * 200, "has 202 tokens, and the model takes 128"),
    ],
)
def test_inputs_that_cannot_be_predicted(exported, kind, inputs, message):
    with pytest.raises(DataError, match=message):
        exported[kind].predict(inputs)


@pytest.mark.parametrize(
    ("question", "context", "message"),
    [
        (3, "a", "The question is 3: a text or a list of texts is needed"),
        ("a", {"b": "c"}, "The context is {'b': 'c'}: a text or a list of texts is needed"),
        (["a", 3], "b", "The question with number 1 is 3, which is not a text"),
        (["a"], [b"b"], "The context with number 0 is b'b', which is not a text"),
        (["a"], ["b", "c"], "There are 1 questions and 2 contexts: give one context for all, or one each"),
        (
            pd.DataFrame({"question": ["a"]}),
            "b",
            "The question is a DataFrame: give it alone, with columns of both names",
        ),
        (None, "a", "predict() needs question= and context="),
    ],
)
def test_questions_and_contexts_are_checked_as_by_the_recipe(recipes, exported, question, context, message):
    for model in (recipes["questions"], exported["questions"]):
        with pytest.raises(DataError, match=re.escape(message)):
            model.predict(question=question, context=context)


def test_missing_texts_are_empty_as_by_the_recipe(recipes, exported):
    missing = [None, float("nan"), pd.NA, np.float32("nan")]
    answers = [model["questions"].predict([*missing, "who ?"], "the mill opens") for model in (recipes, exported)]
    assert [answer.text for answer in answers[1][:4]] == [None] * 4
    answers += [model["questions"].predict(["who ?"], [None]) for model in (recipes, exported)]
    for expected, found in (answers[:2], answers[2:]):
        for pair in zip(expected, found, strict=True):
            same(*pair)
    assert [given.label for given in exported["single"].predict(missing)] == [None] * 4


@pytest.mark.parametrize("kind", ["single", "questions", "masks"])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0: a whole number from 1 up is needed"),
        ({"batch_size": -1}, "batch_size is -1: a whole number"),
        ({"batch_size": 1.5}, r"batch_size is 1.5: a whole number"),
        ({"batch_size": True}, "batch_size is True: a whole number"),
        ({"device": "cpu"}, "no setting 'device': it runs on the CPU, and predict.. of the recipe on any device"),
        ({"batchsize": 2}, "no setting 'batchsize'; did you mean 'batch_size'"),
    ],
)
def test_settings_of_predict_that_cannot_work(exported, kind, settings, message):
    with pytest.raises(ConfigError, match=message):
        exported[kind].predict([], **settings)


def test_settings_of_predict_that_only_other_models_have(exported):
    for name in ("coverage", "max_risk"):
        with pytest.raises(ConfigError, match=f"no setting {name!r}: it is for models that classify or answer"):
            exported["masks"].predict([], **{name: 0.5})
    names = "inputs, batch_size, coverage, max_risk, label_sets"
    with pytest.raises(ConfigError, match=rf"ExportedClassifier\.predict\(\): .*'nought': use {names}$"):
        exported["single"].predict([], nought=2)


def test_what_load_exported_is_given(tmp_path):
    for folder in (None, 3, ""):
        with pytest.raises(ConfigError, match="give the folder of an exported model"):
            load_exported(folder)
    for threads in (0, -3, "a"):
        with pytest.raises(ConfigError, match=f"threads is {threads!r}: a whole number from 1 up"):
            load_exported(tmp_path, threads=threads)


def test_a_data_frame_is_predicted_by_its_rows(recipes, exported):
    texts = pd.DataFrame({"number": [1, 2], "first": ["the mill opens", None]})
    found = exported["single"].predict(texts)
    same(found[0], exported["single"].predict("the mill opens")[0])
    assert found[1].label is None
    with pytest.raises(DataError, match=r"no column 'first'\. Columns: second"):
        exported["single"].predict(texts[["first"]].rename(columns={"first": "second"}))
    questions = pd.DataFrame({"question": ["who opens ?"], "context": ["the mill opens"]})
    same(exported["questions"].predict(questions)[0], exported["questions"].predict("who opens ?", "the mill opens"))
    with pytest.raises(DataError, match="is a DataFrame: give it alone"):
        exported["questions"].predict(questions, "the mill opens")
    with pytest.raises(DataError, match="does not accept a DataFrame"):
        exported["masks"].predict(texts)


def test_an_exported_model_is_shown_by_folder_and_format(exported):
    folder = str(exported["single"].encoder.folder)
    assert repr(exported["single"]) == f"ExportedClassifier({folder!r}, single_label, labels=3, onnx fp32)"
    assert repr(exported["questions"]).startswith("ExportedReader(")
    assert repr(exported["masks"]).endswith("masks', onnx fp32)")


def test_folders_that_cannot_be_loaded(exported, tmp_path):
    with pytest.raises(ModelError, match=r"is no folder of an exported model: it has no exported\.json"):
        load_exported(tmp_path)
    file = tmp_path / "exported.json"
    for content, message in (
        ("{", "is not complete JSON"),
        ("{}", "'version' is missing"),
        (json.dumps({"version": 2}), "exported in version 2 of the form, and this kit reads version 1"),
        (json.dumps({"version": 1}), "'single' is missing"),
    ):
        file.write_text(content)
        with pytest.raises(ModelError, match=message):
            load_exported(tmp_path)
    exported["single"].settings.save(tmp_path)
    with pytest.raises(ModelError, match=r"onnxruntime is not installed.*requirements.txt|has no model.onnx"):
        load_exported(tmp_path)


RUN = """
import sys
sys.path[:0] = PATHS
import numpy as np
from pathlib import Path
from bert_finetune_kit.exported import loading

class Session:
    def run(self, feeds):
        shape = feeds["input_ids"].shape
        logits = np.zeros(shape, np.float32)
        return {"logits": np.zeros((*shape, 900) if "masks" in folder else (shape[0], 3), np.float32),
                "start_logits": logits, "end_logits": logits}

for folder, inputs in INPUTS.items():
    settings = loading.load_settings(Path(folder))
    model = loading.assemble(Path(folder), settings, Session())
    print(model.predict(inputs)[0])
    if "masks" not in folder:
        model.predict(inputs, max_risk=0.3, **({"label_sets": 0.9} if "single" in folder else {}))
print(*sorted({"torch", "transformers", "datasets", "scipy", "sklearn", "pandas", "pyarrow", "huggingface_hub",
               "matplotlib", "rich", "accelerate"} & {*sys.modules}))
"""


FURTHER = """
for folder in INPUTS:
    model = loading.assemble(Path(folder), loading.load_settings(Path(folder)), Session())
    if "masks" not in folder:
        model.predict_file(folder + "-rows.csv", folder + ".csv")
        print(model.selection(coverage=0.5).measured_on)
print(*sorted({"torch", "transformers", "sklearn", "accelerate"} & {*sys.modules}))
"""


def run_without_torch(recipes, folder, code, kinds=("single", "questions", "masks")):
    """Return the lines that code prints in a process of its own, with exported models of these kinds in a folder."""
    inputs = {"single": ["the mill"], "questions": [("who ?", "the mill")], "masks": ["the [MASK]"]}
    for name in kinds:
        exported_by_torch(recipes[name], folder / name)
        (folder / f"{name}-rows.csv").write_text("first,question,context\nthe mill,who ?,the mill\n")
    code = code.replace("INPUTS", repr({str(folder / name): inputs[name] for name in kinds}))
    done = subprocess.run(
        [sys.executable, "-c", code.replace("PATHS", repr([path for path in sys.path if path]))],
        capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_an_exported_model_imports_no_torch(recipes, tmp_path):
    lines = run_without_torch(recipes, tmp_path, RUN)
    assert [line.partition("(")[0] for line in lines[:2]] == ["Prediction", "Answer"]
    assert lines[-1] == ""


@pytest.mark.slow
def test_files_and_selections_import_no_torch(recipes, tmp_path):
    lines = run_without_torch(recipes, tmp_path, RUN + FURTHER)
    assert lines[3:] == ["", "100", "100", ""]
    for kind in ("single", "questions"):
        assert len((tmp_path / f"{kind}.csv").read_text("utf-8").splitlines()) == 2


def test_logits_of_windows_are_averaged(exported):
    """A text of one window has the logits of its text; a longer one their mean."""
    model, text = exported["windows"], "the mill opens . " * 20
    (row,) = model.logits([(text,)])
    (ids,) = model.encoder.encode([text])
    tokens, step = np.array(ids.ids), 22 - 6
    parts = [tokens[start : start + 22] for start in range(0, max(len(tokens) - 6, 1), step)]
    sequences = [(model.settings.single.join(part.astype(np.int32)), len(part) + 2) for part in parts]
    logits = [outputs["logits"] for _, _, outputs in model.encoder.run(sequences, model.settings.single, 1)]
    assert row == pytest.approx(np.concatenate(logits).mean(0), abs=1e-5)
