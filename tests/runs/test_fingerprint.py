"""No setting that can change the result of a run changes unnoticed when the run is resumed."""

import copy
import re
import shutil
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from small_recipes import CONFIGS, KINDS, SOURCES, Signal, build, small_config
from transformers import BertForPreTraining, BertTokenizer, RobertaConfig, TrainingArguments

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationTask,
    LabelledSource,
    OutputError,
    Published,
    QuestionSource,
    RunReport,
    RunStopped,
    TextSource,
)
from bert_finetune_kit.data.sample import sample_documents, sample_questions, sample_reviews
from bert_finetune_kit.data.vocabulary import load_tokenizer
from bert_finetune_kit.runs.checkpoints import latest_valid_checkpoint, saved_fingerprint
from bert_finetune_kit.runs.differences import EXTENDING, changes, differences
from bert_finetune_kit.runs.fingerprint import (
    IRRELEVANT_ARGS,
    IRRELEVANT_LORA,
    IRRELEVANT_MODEL_CONFIG,
    IRRELEVANT_SETTINGS,
    args_fingerprint,
    data_fingerprint,
    settings_fingerprint,
    tokenizer_digest,
)

TASK = ClassificationTask("reviews", "reviews.csv", published=Published("a paper", {"accuracy": 0.9}))
SETTINGS = [(name, "config", CONFIGS[name]) for name in KINDS]
SETTINGS += [(name, "source", SOURCES[name]) for name in KINDS]
SETTINGS += [("classification", "task", TASK)]
MODEL_CONFIG = small_config([0] * 100)
# The arguments of which a product is in the fingerprint.
BATCH = ("per_device_train_batch_size", "gradient_accumulation_steps")


def changed(value):
    """Return another value of the same type; for none, a word."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, Enum):
        return next(member for member in type(value) if member is not value)
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, list | tuple):
        return type(value)([*value, "changed"])
    return value | {"changed": 1} if isinstance(value, dict) else "changed"


def with_change(settings, name):
    """Return a copy of settings in which one field has another value, which is not checked."""
    settings = copy.copy(settings)
    object.__setattr__(settings, name, changed(getattr(settings, name)))
    return settings


def recipe(name, **parts):
    """Return a recipe that is only asked for its fingerprint."""
    task = {"task": TASK} if name == "classification" else {}
    built = build(name, MODEL_CONFIG, "run", tokenizer="vocab.txt", **task)
    for part, value in parts.items():
        setattr(built, part, value)
    return built


def is_in_fingerprint(name, part, settings, changed_settings):
    return recipe(name, **{part: settings}).fingerprint() != recipe(name, **{part: changed_settings}).fingerprint()


@pytest.mark.parametrize(
    ("name", "part", "settings", "setting"),
    [
        pytest.param(name, part, settings, item.name, id=f"{type(settings).__name__}.{item.name}")
        for name, part, settings in SETTINGS
        for item in fields(settings)
    ],
)
def test_each_setting_of_the_kit_is_in_the_fingerprint_or_declared(name, part, settings, setting):
    is_in = is_in_fingerprint(name, part, settings, with_change(settings, setting))
    assert is_in == (f"{part}.{setting}" not in IRRELEVANT_SETTINGS)


@pytest.mark.parametrize("argument", [item.name for item in fields(TrainingArguments) if item.init])
def test_each_trainer_argument_is_in_the_fingerprint_or_declared(argument):
    args = recipe("pretraining").args
    changed_args = with_change(args, argument)
    if argument == "parallelism_config":
        changed_args.parallelism_config = SimpleNamespace(to_json=lambda: {"tp_size": 2})
    is_in = is_in_fingerprint("pretraining", "args", args, changed_args)
    assert is_in == (argument not in IRRELEVANT_ARGS or argument in BATCH)


@pytest.mark.parametrize("argument", ["save_strategy", "save_steps"])
def test_when_checkpoints_are_written_decides_which_can_be_the_best(argument):
    for best, is_in in ((False, False), (True, True)):
        args = recipe("pretraining").args
        args.load_best_model_at_end = best
        assert is_in_fingerprint("pretraining", "args", args, with_change(args, argument)) == is_in


@pytest.mark.parametrize("key", MODEL_CONFIG.to_dict())
def test_each_field_of_a_model_config_is_in_the_fingerprint_or_declared(key):
    config = copy.deepcopy(MODEL_CONFIG)
    if key == "model_type":  # of the class
        config = RobertaConfig(**{name: value for name, value in config.to_dict().items() if name != "model_type"})
    elif key == "transformers_version":  # of the package
        assert key in IRRELEVANT_MODEL_CONFIG
        assert "version of transformers" in recipe("pretraining").fingerprint()
        return
    else:
        value = getattr(config, key)
        other = 7 if value is None and key.endswith("_id") else 0.7 if value is None else changed(value)
        object.__setattr__(config, key, other)  # older versions check the type
    is_in = is_in_fingerprint("pretraining", "model_name_or_path", MODEL_CONFIG, config)
    assert is_in == (key not in IRRELEVANT_MODEL_CONFIG)


@pytest.mark.parametrize("setting", [item.name for item in fields(LoraConfig)])
def test_each_setting_of_lora_is_in_the_fingerprint_or_declared(setting):
    lora = LoraConfig()
    is_in = is_in_fingerprint("classification", "lora", lora, with_change(lora, setting))
    assert is_in == (setting not in IRRELEVANT_LORA)


def test_how_long_a_run_trains_is_in_the_fingerprint():
    """A resumed run may train longer, but no shorter: see test_extension.py."""
    assert set(EXTENDING) == {"num_train_epochs", "max_steps", "config.early_stopping_patience"}
    assert recipe("classification").fingerprint().keys() >= set(EXTENDING)


def test_settings_declared_irrelevant_exist():
    """A field that was renamed does not stay in the list."""
    names = {f"{part}.{item.name}" for _, part, settings in SETTINGS for item in fields(settings)}
    assert sorted(IRRELEVANT_SETTINGS - names) == []


@pytest.mark.parametrize(
    "name",
    [
        "learning_rate", "weight_decay", "warmup_steps", "lr_scheduler_type", "lr_scheduler_kwargs", "optim",
        "optim_args", "adam_beta1", "adam_beta2", "adam_epsilon", "max_grad_norm", "bf16", "fp16", "seed", "data_seed",
        "label_smoothing_factor", "metric_for_best_model", "load_best_model_at_end", "eval_strategy", "eval_steps",
        "effective batch", "recipe", "config.max_length", "config.class_weights", "config.layer_decay",
        "config.freeze_layers", "source.train_split", "source.validation_share", "source.max_train_examples",
        "task.name", "task.text", "task.label", "task.labels", "task.kind", "task.metrics", "task.best_metric",
        "task.validation_splits", "model", "model.hidden_dropout_prob", "model.num_hidden_layers", "tokenizer",
        "lora.r",
        "lora.lora_alpha", "lora.lora_dropout", "lora.target_modules", "version of bert_finetune_kit",
        "version of torch", "version of transformers",
    ],
)  # fmt: skip
def test_what_decides_a_result_is_not_declared_irrelevant(name):
    assert name in recipe("classification", lora=LoraConfig()).fingerprint()


@dataclass
class NewerArguments(TrainingArguments):
    """Of a later release of transformers."""

    novel_option: float = field(default=0.5)


def test_an_argument_of_a_newer_transformers_is_in_the_fingerprint():
    before, after = (args_fingerprint(NewerArguments("run", use_cpu=True, novel_option=value)) for value in (0.5, 0.6))
    assert differences(before, after) == ["novel_option was 0.5 and is now 0.6"]


def test_weights_and_names_of_model_and_tokenizer(tmp_path):
    for seed in (1, 2):
        torch.manual_seed(seed)
        BertForPreTraining(MODEL_CONFIG).save_pretrained(tmp_path / str(seed))
    folder = tmp_path / "model"
    shutil.copytree(tmp_path / "1", folder)
    first = recipe("pretraining", model_name_or_path=str(folder)).fingerprint()
    assert recipe("pretraining", model_name_or_path=str(folder)).fingerprint() == first
    shutil.copy(tmp_path / "2" / "model.safetensors", folder)
    (difference,) = differences(first, recipe("pretraining", model_name_or_path=str(folder)).fingerprint())
    assert difference.startswith("model.sha256 was ")
    renamed = differences(
        first, recipe("pretraining", model_name_or_path="google-bert/bert-base-uncased").fingerprint()
    )
    assert any(line.startswith("model was ") and "bert-base-uncased" in line for line in renamed)
    (difference,) = differences(
        recipe("pretraining").fingerprint(), recipe("pretraining", tokenizer_name_or_path="other.txt").fingerprint()
    )
    assert difference == "tokenizer was 'vocab.txt' and is now 'other.txt'"


def test_differences_name_both_values():
    saved = {"seed": 1, "rate": 1e-5, "layers": [1, 2]}
    assert differences(saved, {"seed": 1, "rate": 1e-5, "layers": (1, 2)}) == []
    assert differences(saved, {"seed": 2, "rate": 1e-5, "more": True}) == [
        "seed was 1 and is now 2", "layers was [1, 2] and is now None", "more was None and is now True"
    ]  # fmt: skip


@dataclass
class OwnConfig:
    """Of a recipe of one's own, with names that the Trainer's arguments and sources have, too."""

    learning_rate: float = 1.0
    train: str = "hard"
    part: NewerArguments | None = None
    rates: object = None
    score: object = None


def own(**settings):
    return settings_fingerprint({"config": OwnConfig(**settings), "seed": settings}, recipe("pretraining").args)


def test_settings_of_a_recipe_replace_no_argument_of_the_trainer():
    fingerprint = own(learning_rate=0.5)
    args = recipe("pretraining").args
    assert (fingerprint["learning_rate"], fingerprint["config.learning_rate"]) == (args.learning_rate, 0.5)
    assert (fingerprint["seed"], fingerprint["recipe.seed"]) == (args.seed, {"learning_rate": 0.5})
    assert differences(own(train="hard"), own(train="easy"))[1] == "config.train was 'hard' and is now 'easy'"


@pytest.mark.parametrize(
    ("setting", "value", "other"),
    [
        ("part", ClassificationConfig(stride=1), ClassificationConfig(stride=2)),
        ("rates", np.array([1.0, 2.0]), np.array([1.0, 3.0])),
        ("rates", torch.tensor([1, 2]), torch.tensor([1, 3])),
        ("score", lambda x: x + 1, lambda x: x + 2),
    ],
)
def test_settings_are_compared_by_their_content(setting, value, other):
    name = f"config.{setting}"
    assert (
        own(**{setting: value})[name] == own(**{setting: copy.deepcopy(value)})[name] != own(**{setting: other})[name]
    )


def test_a_tokenizer_is_compared_by_its_content(tokenizer):
    vocabulary = tokenizer.get_vocab()
    same = BertTokenizer(vocab=dict(reversed(vocabulary.items())))
    ids = list(vocabulary)[-2:]
    swapped = BertTokenizer(vocab=vocabulary | {ids[0]: vocabulary[ids[1]], ids[1]: vocabulary[ids[0]]})
    cased = BertTokenizer(vocab=vocabulary, do_lower_case=False)
    special = BertTokenizer(vocab=vocabulary, sep_token="[CLS]")
    assert tokenizer_digest(tokenizer) == tokenizer_digest(load_tokenizer(same))
    left = copy.deepcopy(tokenizer)
    left.truncation_side = "left"
    untyped = copy.deepcopy(tokenizer)
    untyped.model_input_names = ["input_ids", "attention_mask"]
    assert len({tokenizer_digest(other) for other in (tokenizer, swapped, cased, special, left, untyped)}) == 6


# Data


def data_of(recipe):
    data = recipe.prepare().data
    return data_fingerprint(data.train, data.validation)


def changed_names(before, after):
    return {name for name, _, _ in changes(before, after)}


def reviews(number=None, **change):
    rows = sample_reviews("train", count=24)
    if number is not None:
        rows[number] |= change
    return Dataset.from_list(rows)


@pytest.mark.parametrize("number", [0, 11, 23])
def test_every_review_counts(dropout_model, tmp_path, number):
    """Its text and its label, whether it is trained or evaluated on."""

    def fingerprint(train, validation):
        source = LabelledSource(train, validation=validation)
        return data_of(build("classification", dropout_model, tmp_path, source=source))

    rows = reviews()
    original = fingerprint(rows, rows)
    assert fingerprint(reviews(), reviews()) == original
    flipped = "positive" if rows[number]["label"] == "negative" else "negative"
    for changed_rows in (reviews(number, text=rows[number]["text"] + " cat"), reviews(number, label=flipped)):
        assert changed_names(original, fingerprint(changed_rows, rows)) == {"data"}
        assert changed_names(original, fingerprint(rows, changed_rows)) == {"validation data"}


def test_every_changed_label_counts(dropout_model, tmp_path):
    """Wherever rows are from, after limits and with a share held out; renamed labels, too."""
    rows = [{"text": f"{row['text']} {number}", "label": row["label"]}
            for number, row in enumerate(sample_reviews("train", count=100) * 4)]  # fmt: skip
    other = {"positive": "negative", "negative": "positive"}
    flipped = [row | {"label": other[row["label"]]} if number % 4 else row for number, row in enumerate(rows)]
    Dataset.from_list(rows).to_csv(tmp_path / "rows.csv")

    def fingerprint(data, **source):
        source = LabelledSource(data, **source)
        prepared = build("classification", dropout_model, tmp_path, source=source, task=ClassificationTask("mine"))
        return prepared.run_fingerprint(prepared.load_data())

    original = fingerprint(Dataset.from_list(rows))
    assert original["training examples"] == 360
    assert changed_names(original, fingerprint(str(tmp_path / "rows.csv"))) == set()
    assert changed_names(original, fingerprint(Dataset.from_list(flipped))) == {"data", "validation data"}
    limited = fingerprint(Dataset.from_list(rows), max_train_examples=4)
    assert changed_names(limited, fingerprint(Dataset.from_list(rows[:4] + flipped[4:]), max_train_examples=4)) == set()
    renamed = fingerprint(Dataset.from_list([row | {"label": f"a {row['label']} one"} for row in rows]))
    assert changed_names(original, renamed) == {"labels"}


def questions(number=None, **change):
    rows = sample_questions("train", count=12)
    if number is not None:
        rows[number] |= change
    return Dataset.from_list(rows)


@pytest.mark.parametrize("number", [0, 5])
def test_every_question_counts(dropout_model, tmp_path, number):
    """Its text, where its answer stands, and for an evaluation every accepted answer and the article."""

    def fingerprint(train, validation):
        source = QuestionSource(train, validation=validation)
        return data_of(build("question_answering", dropout_model, tmp_path, source=source))

    rows = questions()
    original, row = fingerprint(rows, rows), rows[number]
    assert fingerprint(questions(), questions()) == original
    context, answers = row["context"], row["answers"]
    first = {"text": [context.split()[0]], "answer_start": [0]}
    both = {"text": [*answers["text"], *first["text"]], "answer_start": [*answers["answer_start"], 0]}
    for change in ({"question": "Who is it?"}, {"context": context + " It is old."}, {"answers": first}):
        names = changed_names(original, fingerprint(questions(number, **change), rows))
        assert {"data"} <= names <= {"data", "training examples"}, change
    for change in ({"question": "Who is it?"}, {"answers": first}, {"answers": both}, {"title": "Another"}):
        names = changed_names(original, fingerprint(rows, questions(number, **change)))
        assert names == {"validation data"}, change


def documents(number=None, text=None):
    rows = [" ".join(sentences) for sentences in sample_documents("train", count=12)]
    if number is not None:
        rows[number] = text
    return Dataset.from_dict({"text": rows})


@pytest.mark.parametrize("number", [0, 11])
def test_every_document_counts(dropout_model, tmp_path, number):
    def fingerprint(train, validation):
        source = TextSource(train, validation=validation, documents="records")
        return data_of(build("pretraining", dropout_model, tmp_path, source=source))

    original = fingerprint(documents(), documents())
    changed_rows = documents(number, documents()[number]["text"] + " The boat is old.")
    assert {"data"} <= changed_names(original, fingerprint(changed_rows, documents())) <= {"data", "training examples"}
    assert changed_names(original, fingerprint(documents(), changed_rows)) == {"validation data"}


def test_examples_of_a_recipe_without_a_digest_are_all_read():
    class Squares:
        def __init__(self, changed=None):
            self.changed = changed

        def __len__(self):
            return 1000

        def __getitem__(self, key):
            epoch, number, in_loss = key
            assert (epoch, in_loss) == (0, True)
            return {"input_ids": [number**2 + (number == self.changed)]}

    original = data_fingerprint(Squares(), {"validation": Squares()})
    assert original["training examples"] == 1000
    assert data_fingerprint(Squares(), {"validation": Squares()}) == original
    for number in (0, 501, 999):
        assert data_fingerprint(Squares(number), {"validation": Squares()})["data"] != original["data"]
        assert data_fingerprint(Squares(), {"validation": Squares(number)})["validation data"] != original["data"]


# Runs

LIMITED = {"max_steps": 6, "save_steps": 2, "eval_steps": 2}


def stop(recipe, step=2):
    recipe.callbacks.append(Signal(step))
    with pytest.raises(RunStopped):
        recipe.train()


@pytest.fixture(scope="module")
def stopped_run(tmp_path_factory, dropout_model):
    """Folder of a classification that was stopped at step 2."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    stop(build("classification", dropout_model, folder, **LIMITED))
    return folder


@pytest.fixture
def stopped(stopped_run, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(stopped_run, tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"learning_rate": 5e-4}, "learning_rate was 0.001 and is now 0.0005"),
        ({"per_device_train_batch_size": 8}, "effective batch was 8 and is now 16"),
        ({"seed": 3}, "seed was 42 and is now 3"),
        ({"config": replace(CONFIGS["classification"], threshold=0.6)}, "threshold was 0.5 and is now 0.6"),
    ],
)
def test_changed_settings_are_refused(stopped_run, dropout_model, changes, difference):
    with pytest.raises(OutputError, match=f"(?s){difference}.*--force"):
        build("classification", dropout_model, stopped_run, **(LIMITED | changes)).train(resume=True)


def test_changed_settings_are_refused_unless_they_are_forced(stopped, dropout_model, monkeypatch):
    """Settings, and versions of what computes."""
    monkeypatch.setattr("bert_finetune_kit.runs.fingerprint.package_versions", lambda: {"torch": "9.9"})
    differences = ("seed was 42 and is now 3", "version of torch was .* and is now '9.9'")
    settings = LIMITED | {"seed": 3}
    with pytest.raises(OutputError, match="(?s)" + ".*".join((*differences, "--force"))):
        build("classification", dropout_model, stopped, **settings).train(resume=True)
    report = build("classification", dropout_model, stopped, **settings).train(resume=True, force=True)
    for difference in differences:
        assert any(re.search(f"mixed: up to checkpoint-2, {difference}", note) for note in report.notes)


@pytest.fixture(scope="module")
def stopped_lora_run(tmp_path_factory, tokenizer):
    """What a run with LoRA on rows in memory was built with, which was stopped at step 2."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    rows = Dataset.from_list(sample_reviews("train", count=48))
    parts = {
        "model": small_config(tokenizer, dropout=0.1), "tokenizer": tokenizer, "lora": {"r": 2, "lora_alpha": 4},
        "task": ClassificationTask("mine"), "source": LabelledSource(rows, validation_share=0.25), **LIMITED,
    }  # fmt: skip
    stop(build("classification", output_dir=folder, **parts))
    return folder, parts


@pytest.mark.parametrize(
    ("part", "change", "difference"),
    [
        ("model", {"hidden_dropout_prob": 0.2}, "model.hidden_dropout_prob was 0.1 and is now 0.2"),
        ("model", {"hidden_act": "relu"}, "model.hidden_act was 'gelu' and is now 'relu'"),
        ("lora", {"r": 3}, "lora.r was 2 and is now 3"),
        ("lora", {"lora_alpha": 8}, "lora.lora_alpha was 4 and is now 8"),
        ("lora", {"lora_dropout": 0.1}, "lora.lora_dropout was 0.0 and is now 0.1"),
        ("lora", {"use_rslora": True}, "lora.use_rslora was False and is now True"),
        ("lora", {"target_modules": ["key"]}, "lora.target_modules was None and is now ['key']"),
        ("lora", None, "lora.r was 2 and is now None"),
        ("model", {"num_attention_heads": 4}, "model.num_attention_heads was 2 and is now 4"),
        ("model", {"layer_norm_eps": 1e-5}, "model.layer_norm_eps was 1e-12 and is now 1e-05"),
        ("model", {"num_hidden_layers": 3}, "model.num_hidden_layers was 2 and is now 3"),
        ("model", {"hidden_size": 64}, "model.hidden_size was 32 and is now 64"),
        ("task", {"name": "yours"}, "task.name was 'mine' and is now 'yours'"),
        (
            "task", {"labels": ("positive", "negative")},
            "labels was ['negative', 'positive'] and is now ['positive', 'negative']",
        ),
        ("task", {"metrics": ("f1_macro",), "best_metric": None}, "best_metric was 'accuracy' and is now 'f1_macro'"),
        ("source", {"validation_share": 0.5}, "validation_share was 0.25 and is now 0.5"),
        ("source", {"validation": reviews()}, "validation examples have changed"),
        ("metric_for_best_model", "f1_macro", "metric_for_best_model was None and is now 'f1_macro'"),
        ("lr_scheduler_type", "cosine", "lr_scheduler_type was 'linear' and is now 'cosine'"),
        ("optim_args", "amsgrad=True", "optim_args was None and is now 'amsgrad=True'"),
        ("neftune_noise_alpha", 5.0, "neftune_noise_alpha was None and is now 5.0"),
    ],
)  # fmt: skip
def test_a_changed_model_config_adapter_task_or_held_out_share_is_refused(stopped_lora_run, part, change, difference):
    folder, parts = stopped_lora_run
    if change is None or part not in parts:
        value = change
    elif part == "lora":
        value = parts[part] | change
    elif part == "model":
        value = copy.deepcopy(parts[part])
        value.update(change)
    else:
        value = replace(parts[part], **change)
    with pytest.raises(OutputError, match=re.escape(difference)):
        build("classification", output_dir=folder, **(parts | {part: value})).train(resume=True)
    assert sorted(path.name for path in folder.glob("checkpoint-*")) == ["checkpoint-2"]  # nothing was trained


def test_the_same_settings_are_resumed(stopped_lora_run, tmp_path, capsys):
    """What is refused above is refused for its change."""
    folder, parts = stopped_lora_run
    shutil.copytree(folder, tmp_path / "run")
    report = build("classification", output_dir=tmp_path / "run", **parts).train(resume=True)
    assert f"Resuming from {tmp_path / 'run' / 'checkpoint-2'}." in capsys.readouterr().out
    assert not any("mixed" in note for note in report.notes)


def test_changed_data_are_refused_and_another_batch_split_is_not(stopped, dropout_model):
    changed_data = build("classification", dropout_model, stopped, **LIMITED)
    rows = changed_data.prepare().data.train
    rows.targets[:] = 1 - rows.targets
    with pytest.raises(OutputError, match=r"training examples have changed"):
        changed_data.train(resume=True)
    split = {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 1, "logging_steps": 5}
    assert build("classification", dropout_model, stopped, **(LIMITED | split)).train(resume=True).scores


def test_a_finished_run_names_what_was_asked_for_and_differs(stopped, dropout_model, capsys, monkeypatch):
    """It is refused; where that is forced, its report is returned, and nothing is trained."""
    report = build("classification", dropout_model, stopped, **LIMITED).train(resume=True)
    capsys.readouterr()
    other = build("classification", dropout_model, stopped, **(LIMITED | {"weight_decay": 0.5}))
    with pytest.raises(OutputError, match=r"weight_decay was 0\.01 and is now 0\.5"):
        other.train(resume=True)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("bert_finetune_kit.runs.fingerprint.package_versions", lambda: {"torch": "9.9"})
    again = other.train(resume=True, force=True)
    assert again == RunReport.load(stopped)
    assert again.result == report.result
    printed = capsys.readouterr().out
    assert "skipping training" in printed
    assert "weight_decay was 0.01 and is now 0.5" in printed
    assert "version of torch was" in printed


@pytest.mark.parametrize(
    ("name", "parts", "expected"),
    [
        (
            "question_answering", {},
            ["recipe was 'classification' and is now 'question_answering'", "training examples was 45"],
        ),
        (
            "classification",
            {"source": LabelledSource(reviews()), "lora": {"r": 2}, "seed": 5, "task": ClassificationTask("mine")},
            [
                "training examples was 45 and is now 22", "training examples have changed",
                "validation examples have changed", "task.name was .* and is now 'mine'",
                "lora.r was None and is now 2", "source.max_train_examples was 45 and is now None",
                "seed was 42 and is now 5",
            ],
        ),
    ],
)  # fmt: skip
def test_a_finished_run_of_another_recipe_data_or_adapter_is_refused(
    stopped_run, dropout_model, tmp_path, name, parts, expected
):
    """All differences are named, the most important first."""
    saved = saved_fingerprint(latest_valid_checkpoint(stopped_run)[0])
    RunReport(
        recipe="classification", summary=[], scores=[], result={}, baselines={}, glossary=[], data={}, history=[],
        parameters={"name": "Bert", "total": 1, "trainable": 1, "tied": 0}, settings={}, timings={}, fingerprint=saved,
    ).save(tmp_path)  # fmt: skip
    with pytest.raises(OutputError, match="(?s)has finished with other settings:.*- " + ".*- ".join(expected)):
        build(name, dropout_model, tmp_path, **(LIMITED | parts)).train(resume=True)
