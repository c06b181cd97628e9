from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from bert_finetune_kit import ClassificationRecipe, ConfigError, PretrainRecipe, QARecipe
from bert_finetune_kit.argument_parser import as_flags
from bert_finetune_kit.command_line import parse_arguments
from bert_finetune_kit.settings import setting


@dataclass(frozen=True)
class Settings:
    """Two settings."""

    files: Any = setting(None, "Which files, 100% of them.")
    rate: float = setting(0.5, "How fast.")


@dataclass(frozen=True)
class Objects:
    """Settings whose types a command line cannot spell."""

    source: str | Path | Mapping[str, str] | None = setting(None, "A path or several, or rows in memory.")
    style: Literal["short", "long"] | None = setting(None, "How long.")
    debug: dict[str, int] | str | None = setting(None, "A word.")


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("rate: 0.25\nfiles: [a, b]\n", "utf-8")
    parse = lambda *argv: parse_arguments([Settings], {"rate": 0.75}, argv)[0]  # noqa: E731
    assert parse() == Settings(None, 0.75)
    assert parse("--config", str(file)) == Settings(["a", "b"], 0.25)
    assert parse("--config", str(file), "--rate", "0.1", "--files", "c") == Settings(["c"], 0.1)


def test_invalid_settings_files(tmp_path):
    file = tmp_path / "settings.yaml"
    for text, message in (("speed: 1\nmodel: x\n", "(?s)2 faults.*'speed'.*'model'"), ("- 1", "a mapping")):
        file.write_text(text, "utf-8")
        with pytest.raises(ConfigError, match=message):
            parse_arguments([Settings], argv=["--config", str(file)])
    with pytest.raises(ConfigError, match="cannot be read"):
        parse_arguments([Settings], argv=["--config", str(tmp_path / "none.yaml")])


def test_fields_that_take_objects_are_flags_of_several_words():
    parse = lambda *argv: parse_arguments([Objects], argv=argv)[0]  # noqa: E731
    assert parse("--source", "a", "b", "--style", "long", "--debug", "x") == Objects(["a", "b"], "long", "x")
    with pytest.raises(ConfigError, match=r"--style: invalid choice: 'middle' \(choose from"):
        parse("--style", "middle")


def test_help_shows_the_text_of_a_setting(capsys):
    with pytest.raises(SystemExit):
        parse_arguments([Settings], argv=["--help"])
    assert "Which files, 100% of them." in " ".join(capsys.readouterr().out.split())


def test_help_of_a_flag_that_is_on(capsys):
    with pytest.raises(SystemExit):
        ClassificationRecipe.from_command_line(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count("skip the padding of a batch; --no_unpad switches it off.") == 2


def test_values_of_a_yaml_file(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("save_strategy: no\nlearning_rate: 2e-5\nseeds: 3\nmax_steps: 4\n", "utf-8")
    recipe, run = PretrainRecipe.from_command_line(["--config", str(file)])
    assert (recipe.args.save_strategy, recipe.args.learning_rate, run.seeds) == ("no", 2e-5, [3])
    invalid = ("max_length: 64.5", "mlm_probability: [1]", "whole_word_masking: 3", "max_documents: true", "x: 1")
    file.write_text("\n".join(invalid), "utf-8")
    with pytest.raises(ConfigError, match="5 faults") as caught:
        PretrainRecipe.from_command_line(["--config", str(file)])
    assert "max_length is 64.5: it takes int" in str(caught.value)
    file.write_bytes("train: caf\xe9.txt\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="cannot be read"):
        PretrainRecipe.from_command_line(["--config", str(file)])


def test_help_shows_the_defaults_of_the_model(capsys):
    with pytest.raises(SystemExit):
        PretrainRecipe.from_command_line(["--model", "base", "--train", "x.txt", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "(default: 0.0001)" in shown


def test_faults_of_all_dataclasses_are_reported_at_once():
    flags = ["--train", "nope.txt", "--mlm_probability", "3", "--validation_share", "7", "--max_length", "2"]
    with pytest.raises(ConfigError) as caught:
        PretrainRecipe.from_command_line(flags)
    for part in ("mlm_probability is 3", "validation_share is 7", "max_length is 2"):
        assert part in str(caught.value)


def test_unknown_settings_are_refused_with_the_closest_name(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("lerning_rate: 1\n", "utf-8")
    with pytest.raises(ConfigError, match="no setting 'lerning_rate'; did you mean 'learning_rate'"):
        PretrainRecipe.from_command_line(["--config", str(file)])
    with pytest.raises(ConfigError) as caught:
        PretrainRecipe.from_command_line(["--max-lenght", "3", "--bf61=true"])
    assert "no setting 'max-lenght'; did you mean 'max_length'?" in str(caught.value)
    assert "no setting 'bf61'; did you mean 'bf16'?" in str(caught.value)
    for flag, ours in {"--lr": "learning_rate", "--epochs": "num_train_epochs", "--text": "text_column"}.items():
        with pytest.raises(ConfigError, match=f"did you mean '{ours}'"):
            PretrainRecipe.from_command_line([flag, "x"])
    for flag, ours in {"--text_column": "text", "--train_file": "train", "--label-column": "label"}.items():
        with pytest.raises(ConfigError, match=f"did you mean '{ours}'"):
            ClassificationRecipe.from_command_line([flag, "x"])
    with pytest.raises(ConfigError, match="no setting 'word'"):
        parse_arguments([Settings], argv=["word"])


@pytest.mark.parametrize("recipe", [PretrainRecipe, ClassificationRecipe, QARecipe])
def test_every_setting_has_a_help_text(recipe, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "10000")
    with pytest.raises(SystemExit):
        recipe.from_command_line(["--help-all"])
    flags = capsys.readouterr().out.split("\n  --")[1:]
    assert len(flags) > 100
    assert [flag for flag in flags if "(default: " not in flag] == []  # which follows the text


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Set text= and label= to columns.", "Set --text and --label to columns."),
        ("declare kind='regression'.", "declare --kind regression."),
        ("set warmup_steps=0, or bf16=False", "set --warmup_steps 0, or --bf16 false"),
        ("pass resume=True (--resume).", "pass --resume."),
        ("or set new_head=True (--new_head true) to", "or set --new_head to"),
        ("(documents='blank_lines' or 'records')", "(--documents blank_lines or 'records')"),
        ("the task's text= and the user's", "the task's --text and the user's"),
        # What is no setting: calls, paths, text of the data.
        ("train(resume=True), or", "train(resume=True), or"),
        ("lora=LoraConfig(…).", "lora=LoraConfig(…)."),
        ("labels=('a', 'b') (--labels a b)", "labels=('a', 'b') (--labels a b)"),
        ("runs/lr=0.1/a.csv does not exist", "runs/lr=0.1/a.csv does not exist"),
        ("The label 'a b=3' in row 2", "The label 'a b=3' in row 2"),
    ],
)
def test_settings_in_messages_are_shown_as_flags(message, shown):
    assert as_flags(message) == shown


def test_words_that_yaml_reads_as_booleans(tmp_path):
    """They are words, unless the setting is switched on or off by them."""
    file = tmp_path / "settings.yaml"
    file.write_text(
        "train: a.csv\nmodel: tiny\nlabels: [no, yes, 1, true]\nbf16: no\nnew_head: yes\nsave_strategy: no\n"
    )
    recipe, _ = ClassificationRecipe.from_command_line(["--config", str(file)])
    assert recipe.task.labels == ("no", "yes", "1", "true")
    assert (recipe.args.bf16, recipe.config.new_head, recipe.args.save_strategy) == (False, True, "no")
    file.write_text("bf16: maybe\n")
    with pytest.raises(ConfigError, match="bf16 is 'maybe': it takes bool"):
        ClassificationRecipe.from_command_line(["--config", str(file)])
