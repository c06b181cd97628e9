from dataclasses import FrozenInstanceError, dataclass

import pytest
from transformers import HfArgumentParser

from bert_finetune_kit.settings import help_of, setting


@dataclass(frozen=True)
class Settings:
    share: float = setting(0.1, "Share held out, such as 10%.")
    names: list[str] | None = setting(None, "Names.")
    plain: int = 3


def test_a_setting_is_an_ordinary_field_of_a_frozen_dataclass():
    assert Settings() == Settings(0.1, None, 3)
    assert hash(Settings()) == hash(Settings())
    with pytest.raises(FrozenInstanceError):
        Settings().share = 0.2


def test_the_command_line_shows_the_help_as_it_was_written(capsys):
    parser = HfArgumentParser(Settings)
    assert "such as 10%." in parser.format_help()
    assert parser.parse_args_into_dataclasses(["--names", "a", "b"])[0] == Settings(names=["a", "b"])
    assert (help_of(Settings, "share"), help_of(Settings, "plain")) == ("Share held out, such as 10%.", "")
