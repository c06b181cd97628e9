from dataclasses import fields

import pytest

from bert_finetune_kit import ConfigError, LabelledSource, QuestionSource, TextSource
from bert_finetune_kit.data.sources import source_to_evaluate
from bert_finetune_kit.settings import help_of

each_source = pytest.mark.parametrize("source", [TextSource, LabelledSource, QuestionSource])


@each_source
def test_faults_of_all_sources_are_found_in_one_place(source):
    limits = {field.name: 0 for field in fields(source) if field.name.startswith("max_")}
    with pytest.raises(ConfigError, match=f"{source.__name__} has {1 + len(limits)} faults"):
        source(validation_share=1.5, **limits)


@each_source
def test_every_setting_has_a_help_text(source):
    for field in fields(source):
        assert help_of(source, field.name).endswith("."), field.name


@each_source
def test_a_single_name_from_a_command_line_is_a_name(source):
    assert source(["a"], validation=["b.json"]) == source("a", validation="b.json")
    assert source(["a", "b"]).train == ["a", "b"]


def test_only_a_task_has_data_of_its_own():
    for source in (TextSource, QuestionSource):
        with pytest.raises(ConfigError, match="without train"):
            source(validation="a.json")
    assert LabelledSource(validation="a.csv").train is None
    assert not LabelledSource().is_sample
    assert TextSource().is_sample
    assert not TextSource("a.txt").is_sample


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"group": ["a", "b"]}, r"group is \['a', 'b'\]: give one name"),
        ({"train_split": None}, "train_split is None: give a name"),
        ({"max_train_examples": "9"}, "max_train_examples is '9': give a whole number"),
        ({"validation_share": "0.1"}, "validation_share is '0.1': give a number"),
        ({"validation_share": True}, "validation_share is True: give a number"),
    ],
)
def test_settings_of_another_type(settings, message):
    with pytest.raises(ConfigError, match=f"LabelledSource: {message}"):
        LabelledSource("a.csv", **settings)


@each_source
def test_a_source_to_evaluate(source):
    own = source("a.json", validation="b.json", encoding="latin-1")
    assert source_to_evaluate("c.json", own) == source("c.json", encoding="latin-1")
    given = source("c.json", encoding="cp1252")
    assert source_to_evaluate(given, own) is given
    with pytest.raises(ConfigError, match="this recipe takes a"):
        source_to_evaluate(next(kind("a") for kind in (TextSource, QuestionSource) if kind is not source), own)
