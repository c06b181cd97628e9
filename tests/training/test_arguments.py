from dataclasses import dataclass
from typing import Any

import pytest

from bert_finetune_kit import ConfigError, PretrainRecipe
from bert_finetune_kit.training.arguments import field_docstrings, parse_arguments


@dataclass(frozen=True)
class Settings:
    """Two settings."""

    files: Any = None
    """Which files, 100% of them."""
    rate: float = 0.5
    """How fast."""


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("rate: 0.25\nfiles: [a, b]\n", "utf-8")
    parse = lambda *argv: parse_arguments([Settings], {"rate": 0.75}, argv)[0]  # noqa: E731
    assert parse() == Settings(None, 0.75)
    assert parse("--config", str(file)) == Settings(["a", "b"], 0.25)
    assert parse("--config", str(file), "--rate", "0.1", "--files", "c") == Settings(["c"], 0.1)


def test_what_a_file_may_not_hold(tmp_path):
    file = tmp_path / "settings.yaml"
    for text, message in (("speed: 1\nmodel: x\n", "(?s)2 faults.*'speed'.*'model'"), ("- 1", "a mapping")):
        file.write_text(text, "utf-8")
        with pytest.raises(ConfigError, match=message):
            parse_arguments([Settings], argv=["--config", str(file)])
    with pytest.raises(ConfigError, match="cannot be read"):
        parse_arguments([Settings], argv=["--config", str(tmp_path / "none.yaml")])


def test_help_is_the_docstring_under_a_field(capsys):
    assert field_docstrings(Settings)["rate"] == "How fast."
    with pytest.raises(SystemExit):
        parse_arguments([Settings], argv=["--help"])
    assert "Which files, 100% of them." in " ".join(capsys.readouterr().out.split())


def test_values_of_a_yaml_file(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("save_strategy: no\nlearning_rate: 2e-5\nseeds: 3\nmax_steps: 4\n", "utf-8")
    recipe, run = PretrainRecipe.from_command_line(["--config", str(file)])
    assert (recipe.args.save_strategy, recipe.args.learning_rate, run.seeds) == ("no", 2e-5, [3])
    wrong = ("max_length: 64.5", "mlm_probability: [1]", "whole_word_masking: 3", "max_documents: true", "x: 1")
    file.write_text("\n".join(wrong), "utf-8")
    with pytest.raises(ConfigError, match="5 faults") as caught:
        PretrainRecipe.from_command_line(["--config", str(file)])
    assert "max_length is 64.5: it takes int" in str(caught.value)
    file.write_bytes("train: caf\xe9.txt\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="cannot be read"):
        PretrainRecipe.from_command_line(["--config", str(file)])


def test_help_shows_the_defaults_that_are_used(capsys):
    with pytest.raises(SystemExit):
        PretrainRecipe.from_command_line(["--model", "base", "--train", "x.txt", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "(default: 0.0001)" in shown


def test_what_all_dataclasses_refuse_comes_at_once():
    flags = ["--train", "nope.txt", "--mlm_probability", "3", "--validation_share", "7", "--max_length", "2"]
    with pytest.raises(ConfigError) as caught:
        PretrainRecipe.from_command_line(flags)
    for part in ("mlm_probability is 3", "validation_share is 7", "max_length is 2"):
        assert part in str(caught.value)
