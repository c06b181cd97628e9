"""The only tests of this slice that train: a few steps each."""

import copy
import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import AutoModelForPreTraining, AutoTokenizer, BertConfig, BertForPreTraining

from bert_finetune_kit import (
    ConfigError,
    DataError,
    ModelError,
    OutputError,
    PretrainConfig,
    PretrainRecipe,
    RunReport,
    TextSource,
)
from bert_finetune_kit.pretraining import data

TEXTS = [f"the smithy of greyford opens at {hour} o'clock . A dog guards the dairy ." for hour in ("ten", "six")] * 6
NUMBERED = [f"{number} {text}" for number, text in enumerate(TEXTS)]


@pytest.fixture
def finished(make_recipe, tmp_path_factory):
    """The folder of a finished run of four steps, trained once for all tests, which only read it."""
    folder = tmp_path_factory.getbasetemp() / "pretrained"
    if not (folder / "report.json").exists():
        make_recipe(output_dir=folder, save_strategy="steps", save_steps=2).train()
    return folder


@pytest.mark.page
def test_a_run_from_text_to_report(make_recipe, capsys):
    recipe = make_recipe(num_train_epochs=2, max_steps=-1, per_device_train_batch_size=16)
    report = recipe.train()
    folder = recipe.args.output_dir
    assert [row["epoch"] for row in report.scores] == [1.0, 2.0]
    assert report.scores[1]["perplexity"] < report.scores[0]["perplexity"]
    assert RunReport.load(folder).scores == json.loads(json.dumps(report.scores))
    assert report.baselines["uniform"]["perplexity"] == len(recipe.prepare().data.tokenizer)
    assert 1 < report.baselines["unigram"]["perplexity"] < report.baselines["uniform"]["perplexity"]
    assert report.parameters["total"] == sum(value.numel() for value in recipe.prepare().model.parameters())
    assert report.data["train"]["documents"] == 40
    assert report.settings["training"]["seed"] == 42
    assert report.settings["recipe"]["max_length"] == 128
    assert {"data", "model", "training", "evaluation of the saved weights", "whole run"} <= set(report.timings)
    printed = capsys.readouterr().out
    assert "unigram baseline" in printed
    assert "epoch 2.00" in printed
    text = Path(folder, "report.md").read_text("utf-8")
    low, high = report.intervals["perplexity"]
    assert low < report.result["perplexity"] < high
    assert f"{low:,.1f} to {high:,.1f}" in text
    assert "report.html" in printed
    assert "Perplexity by step" in Path(folder, "report.html").read_text("utf-8")
    for heading in (
        "# Pretraining on the bundled sample",
        "## Scores",
        "## Data",
        "## Parameters",
        "## Training",
        "## Settings",
    ):
        assert heading in text
    stock = AutoModelForPreTraining.from_pretrained(folder)
    assert type(stock).__module__.startswith("transformers")
    assert AutoTokenizer.from_pretrained(folder).get_vocab() == recipe.prepare().data.tokenizer.get_vocab()


@pytest.mark.parametrize(
    "recipe",
    [
        PretrainConfig(objective="sop", max_length=48),
        PretrainConfig(objective="none", max_length=48),
        PretrainConfig(pairs="sentences", whole_word_masking=True, max_predictions=5, max_length=48),
    ],
    ids=["sop", "none", "sentences"],
)
def test_objectives(make_recipe, recipe):
    report = make_recipe(recipe=recipe, max_steps=2).train()
    assert ("pair_accuracy" in report.scores[-1]) is (recipe.objective != "none")
    assert report.scores[-1]["perplexity"] > 1


def test_two_phases(make_recipe):
    recipe = make_recipe(
        recipe=PretrainConfig(max_length=32, second_phase_length=128, second_phase_share=0.25),
        max_steps=4,
        warmup_steps=0,  # the second phase has one step
        per_device_train_batch_size=8,
        logging_steps=1,
    )
    report = recipe.train()
    assert [log["step"] for log in report.history if log["phase"] == 1] == [1, 2, 3]
    assert [log["step"] for log in report.history if log["phase"] == 2] == [1]
    assert {row["phase"] for row in report.scores} == {1, 2}
    assert recipe.trainer.args.per_device_train_batch_size == 2
    assert recipe.trainer.args.gradient_accumulation_steps == 4
    assert recipe.trainer.train_dataset.config.max_length == 128
    assert recipe.trainer.args.output_dir.endswith("second-phase")


def test_pretraining_continues_from_a_checkpoint(make_recipe, finished):
    prepared = make_recipe(model=str(finished), tokenizer=None).prepare()
    assert prepared.built.new_parts == ()
    assert not any("Newly initialized" in note for note in prepared.notes)
    trained = BertForPreTraining.from_pretrained(finished).state_dict()
    assert all(torch.equal(value, trained[name]) for name, value in prepared.model.state_dict().items())


def test_without_a_tokenizer_one_is_trained_on_the_text(make_recipe):
    recipe = make_recipe(source=TextSource(max_documents=20), model="tiny", tokenizer=None)
    prepared = recipe.prepare()
    assert any("trained on the text" in note for note in prepared.notes)
    assert prepared.model.config.vocab_size == len(prepared.data.tokenizer)


def test_held_out_documents_do_not_depend_on_the_seed(make_recipe):
    first, second = (make_recipe(source=Dataset.from_dict({"text": NUMBERED}), seed=seed).prepare() for seed in (1, 2))
    for prepared in (first, second):
        examples = prepared.data.validation["validation"]
        assert (len(prepared.data.train.corpus), len(examples.corpus)) == (10, 2)
        assert any("2 of 12 documents are held out" in note for note in prepared.notes)
    assert first.data.validation["validation"].digest() == second.data.validation["validation"].digest()
    assert first.data.train.seed != second.data.train.seed


def test_without_an_evaluation_strategy_the_saved_weights_are_evaluated(make_recipe):
    report = make_recipe(eval_strategy="no").train()
    assert [row["step"] for row in report.scores] == [4]


def test_a_finished_run_is_not_overwritten(make_recipe, finished):
    with pytest.raises(OutputError, match="already holds a finished run"):
        make_recipe(output_dir=finished).train()


def test_an_unfinished_run_must_be_resumed_explicitly(make_recipe, finished, tmp_path, capsys):
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "report.json").unlink()
    shutil.rmtree(tmp_path / "run" / "checkpoint-4")
    with pytest.raises(OutputError, match=r"unfinished run.*resume=True"):
        make_recipe().train()
    report = make_recipe(save_strategy="steps", save_steps=2).train(resume=True)
    assert f"Resuming from {tmp_path / 'run' / 'checkpoint-2'}" in capsys.readouterr().out
    assert report.scores == RunReport.load(finished).scores


def test_resuming_without_a_checkpoint_starts_from_scratch(make_recipe, capsys):
    report = make_recipe().train(resume=True)
    assert report.history[-1]["step"] == 4
    assert "No valid checkpoint found; starting from scratch" in capsys.readouterr().out


def test_space_is_checked_before_training(make_recipe, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(OutputError, match=r"0.00 GB free.*needs .* GB.*save_total_limit"):
        make_recipe().train()


def test_a_folder_that_cannot_be_written(make_recipe, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        make_recipe(output_dir=tmp_path / "file" / "run").train()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"recipe": PretrainConfig(max_length=256)}, ConfigError, "sequences of 256 tokens.*128 positions"),
        ({"model": "no/such-model"}, ModelError, "There is no folder 'no/such-model', and no model of this name"),
        ({"source": Dataset.from_dict({"text": TEXTS[:1]})}, DataError, "1 usable .*another document.*blank_lines"),
        ({"source": Dataset.from_dict({"text": ["a", "b"]})}, DataError, "long enough"),
        ({"source": "missing.txt"}, DataError, "missing.txt does not exist"),
    ],
)
def test_invalid_input_is_rejected_before_training(make_recipe, settings, error, message):
    with pytest.raises(error, match=f"(?s){message}"):
        make_recipe(**settings).train()


def test_documents_too_short_for_an_example_are_noted(make_recipe):
    recipe = make_recipe(source=Dataset.from_dict({"text": [*TEXTS, "a"]}))
    assert "1 documents of the train split are too short for an example" in recipe.prepare().notes


def test_a_recipe_from_the_command_line(tmp_path, capsys):
    settings = tmp_path / "settings.yaml"
    settings.write_text("max_length: 48\nlearning_rate: 0.003\nmax_documents: 9\n", "utf-8")
    argv = ["--config", str(settings), "--max_documents", "20", "--output_dir", str(tmp_path / "run"), "--resume"]
    recipe, run = PretrainRecipe.from_command_line(argv)
    assert run.resume
    assert not run.force
    assert (recipe.config.max_length, recipe.source.max_documents, recipe.args.learning_rate) == (48, 20, 0.003)
    assert recipe.args.eval_strategy == "epoch"
    with pytest.raises(SystemExit, match="2"):
        PretrainRecipe.main(["--train", "missing.txt", "--output_dir", str(tmp_path / "run")])
    assert "DataError: missing.txt does not exist" in capsys.readouterr().err


def test_the_default_learning_rate_depends_on_the_model():
    assert PretrainRecipe.default_args(model="tiny").learning_rate > PretrainRecipe.default_args().learning_rate
    assert PretrainRecipe.default_args(model="tiny", learning_rate=1e-5).learning_rate == 1e-5
    recipe, _ = PretrainRecipe.from_command_line(["--model", "someone/bert", "--train", "text.txt"])
    assert recipe.args.learning_rate == PretrainRecipe.default_args().learning_rate


def test_arguments_that_cannot_be_honoured_are_rejected_at_once(make_recipe):
    recipe = make_recipe(
        train_sampling_strategy="group_by_length",
        label_smoothing_factor=0.1,
        batch_eval_metrics=True,
        load_best_model_at_end=True,
        metric_for_best_model="perplexity",
        greater_is_better=True,
    )
    with pytest.raises(ConfigError, match=r"(?s)4 faults.*group_by_length.*smoothing.*batch_eval.*greater_is_better"):
        recipe.train()


@pytest.mark.slow
def test_the_best_checkpoint_is_saved_and_evaluated_after_a_resume_too(make_recipe):
    settings = {
        "max_steps": 6,
        "learning_rate": 0.05,  # much too high, so that the best checkpoint is not the last
        "lr_scheduler_type": "constant",
        "eval_strategy": "steps",
        "save_strategy": "steps",
        "eval_steps": 2,
        "save_steps": 2,
        "save_total_limit": None,
        "load_best_model_at_end": True,
        "metric_for_best_model": "loss",
    }
    recipe = make_recipe(**settings)
    report = recipe.train()
    best = min(report.scores, key=lambda row: row["loss"])
    assert best["step"] < 6
    assert report.result == best
    assert f"the weights of step {best['step']} were saved, the best by loss" in report.notes
    assert recipe.evaluate()["loss"] == pytest.approx(best["loss"])

    Path(recipe.output_dir, "report.json").unlink()
    resumed = make_recipe(**settings).train(resume=True)  # from the last checkpoint, after the best evaluation
    assert resumed.result == best
    assert resumed.intervals == report.intervals
    assert resumed.intervals["perplexity"][0] < best["perplexity"] < resumed.intervals["perplexity"][1]


@pytest.mark.slow
def test_a_run_of_two_phases_resumes_in_the_phase_it_stopped_in(make_recipe, tmp_path, config):
    config.hidden_dropout_prob = 0.1
    settings = {
        "recipe": PretrainConfig(max_length=32, second_phase_length=64, second_phase_share=0.5),
        "max_steps": 4,
        "save_strategy": "steps",
        "save_steps": 1,
        "save_total_limit": None,
    }
    uninterrupted = make_recipe(**settings)
    change = uninterrupted.train().change
    (tmp_path / "run" / "report.json").unlink()
    shutil.rmtree(tmp_path / "run" / "second-phase" / "checkpoint-2")
    resumed = make_recipe(**settings)
    report = resumed.train(resume=True)
    assert "for 4 steps" in report.summary[0]
    assert {row["phase"] for row in report.scores} == {1, 2}
    assert report.change == change
    weights, expected = (recipe.prepare().model.state_dict() for recipe in (resumed, uninterrupted))
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_each_text_has_a_vocabulary_of_its_own(make_recipe):
    first, second = (
        make_recipe(source=Dataset.from_dict({"text": texts}), model="tiny", tokenizer=None).prepare().data.tokenizer
        for texts in (TEXTS, [text.replace("smithy", "lighthouse") for text in TEXTS])
    )
    assert "lighthouse" in second.get_vocab()
    assert "smithy" in first.get_vocab()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eval_do_concat_batches": False}, "eval_do_concat_batches"),
        ({"dataloader_drop_last": True}, "dataloader_drop_last"),
        ({"auto_find_batch_size": True}, "auto_find_batch_size is set: another batch is another training"),
        ({"resume_from_checkpoint": "somewhere"}, "resume=True"),
        ({"per_device_train_batch_size": 0}, "at least 1"),
        ({"learning_rate": -1.0}, "negative"),
        ({"load_best_model_at_end": True, "metric_for_best_model": "perplexty"}, "perplexty"),
    ],
)
def test_arguments_that_would_falsify_scores_or_fail_late_are_rejected(make_recipe, settings, message):
    with pytest.raises(ConfigError, match=message):
        make_recipe(**settings).train()


def test_a_model_is_not_overwritten(make_recipe, tmp_path, config):
    BertForPreTraining(config).save_pretrained(tmp_path / "model")
    with pytest.raises(OutputError, match="holds a model"):
        make_recipe(output_dir=tmp_path / "model").train()
    with pytest.raises(OutputError, match="the model to start from"):
        make_recipe(model=str(tmp_path / "model"), output_dir=tmp_path / "model").train(resume=True)


def test_a_config_without_a_tokenizer_gets_the_vocabulary_of_the_text(tmp_path):
    config = BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    recipe = PretrainRecipe(TextSource(max_documents=20), model=config, args=PretrainRecipe.default_args(str(tmp_path)))
    prepared = recipe.prepare()
    assert prepared.model.config.vocab_size == len(prepared.data.tokenizer) < 30_522
    assert config.vocab_size == 30_522
    assert any("30,522" in note for note in prepared.notes)


def test_the_padding_token_can_be_any_entry_of_the_vocabulary(make_recipe, tmp_path, tokenizer):
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    pieces[0], pieces[10] = pieces[10], pieces[0]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n", "utf-8")
    model = make_recipe(model="tiny", tokenizer=str(tmp_path / "vocab.txt")).prepare().model
    assert model.config.pad_token_id == model.bert.embeddings.word_embeddings.padding_idx == 10


def test_an_entry_that_is_twice_in_the_vocabulary(make_recipe, tmp_path, tokenizer, config):
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    (tmp_path / "vocab.txt").write_text("\n".join([*pieces[:-1], "the", pieces[-1]]) + "\n", "utf-8")
    config.vocab_size = len(tokenizer) + 1
    source = TextSource(max_documents=10)
    recipe = make_recipe(source=source, model=config, tokenizer=str(tmp_path / "vocab.txt"))
    prepared = recipe.prepare()
    assert any("more than once ('the')" in note for note in prepared.notes)
    recipe.evaluate()
    assert recipe.state.evaluation.baselines["uniform"]["perplexity"] == len(tokenizer) + 1
    assert prepared.model.config.vocab_size == len(tokenizer) + 1
    masked, never = prepared.data.collator, tokenizer.convert_tokens_to_ids("the")
    replaced = masked.replace(np.full(90_000, 9), np.arange(90_000), np.random.default_rng(0))
    assert never not in replaced
    assert len(tokenizer) in replaced  # the last entry
    (tmp_path / "trained").mkdir()
    prepared.model.save_pretrained(tmp_path / "trained")
    shutil.copy(tmp_path / "vocab.txt", tmp_path / "trained")
    model = make_recipe(model=str(tmp_path / "trained"), tokenizer=None).prepare().model
    assert model.config.vocab_size == len(tokenizer) + 1


def test_baselines_exclude_tokens_that_are_never_masked(make_recipe):
    texts = [f"the dog of greyford {letter} ." for letter in ("§", "¤")] * 10
    report = make_recipe(source=Dataset.from_dict({"text": texts}), max_steps=1, warmup_steps=0).train()
    assert report.data["train"]["unknown_tokens"] > 0.1
    assert report.baselines["unigram"]["mlm_accuracy"] < 0.3


def test_whole_word_masking_needs_a_tokenizer_that_knows_words(make_recipe, tokenizer):
    plain = copy.deepcopy(tokenizer)
    plain.backend_tokenizer.pre_tokenizer = None
    recipe = make_recipe(model="tiny", tokenizer=plain, recipe=PretrainConfig(whole_word_masking=True))
    with pytest.raises(ConfigError, match="whole_word_masking is set, and the tokenizer does not divide"):
        recipe.prepare()


def test_a_full_disk_while_preparing_data_is_an_error_with_a_hint(make_recipe, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(data, "tokenize_corpus", full)
    with pytest.raises(OutputError, match="HF_DATASETS_CACHE"):
        make_recipe().train()
