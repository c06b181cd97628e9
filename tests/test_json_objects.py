"""JSON that is read back: every kind of damage is an error in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

import pytest

from bert_finetune_kit.json_objects import conforms, from_mapping, read_mapping


class Row(TypedDict):
    step: int


@dataclass(frozen=True)
class Example:
    name: str
    sizes: list[int]
    share: float = 0.5
    parts: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b'{"name": ', "not complete JSON"),
        (b"\xff\xfe", "not complete JSON"),
        (b"[" * 100_000, "not complete JSON"),
        (b"null", "it holds null, and a JSON object is needed"),
        (b'[{"name": "a"}]', r"it holds \[\{.*a JSON object is needed"),
        (b"3", "it holds 3"),
    ],
)
def test_what_is_no_json_object(tmp_path, content, fault):
    (tmp_path / "file.json").write_bytes(content)
    with pytest.raises(ValueError, match=fault):
        read_mapping(tmp_path / "file.json")


def test_a_dataclass_from_json():
    content = {"name": "a", "sizes": [1, 2], "parts": {"low": [0, 0.5]}}
    assert from_mapping(Example, content) == Example("a", [1, 2], 0.5, {"low": [0, 0.5]})


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"name": "a"}, "sizes is missing"),
        ({"sizes": [], "name": None}, "name is null, which is of another type"),
        ({"sizes": [1, "2"], "name": "a"}, r'sizes is \[1, "2"\], which is of another type'),
        ({"sizes": [], "name": "a", "colour": 1}, "there is no field 'colour'"),
        ({"sizes": {}, "name": ["a"]}, "sizes is .*; name is|name is .*; sizes is|sizes is"),
        ([], r"Example is \[\], and a JSON object is needed"),
        (None, "Example is null"),
    ],
)
def test_every_fault_of_its_fields_is_named(content, fault):
    with pytest.raises(ValueError, match=fault):
        from_mapping(Example, content)


@pytest.mark.parametrize(
    ("hint", "fitting", "other"),
    [
        (str, ["", "a"], [None, 1, [], {}]),
        (int, [0, -3], [None, True, 1.5, "1"]),
        (float, [0, 0.5, "nan", "-inf"], [None, True, "0.5", []]),
        (bool, [True], [1, 0, None, "true"]),
        (str | None, [None, "a"], [1]),
        (Literal["a", "b"], ["a"], ["c", None]),
        (list[str], [[], ["a"]], [None, "a", {}, [1]]),
        (tuple[str, ...], [["a", "b"]], ["a", [1]]),
        (tuple[float, float], [[0.1, 1]], [[0.1], [0.1, None], {}]),
        (str | Sequence[float] | None, [None, "a", [0.5]], [3, ["a"]]),
        (dict[str, list[int]], [{}, {"a": [1]}], [[], None, {"a": 1}]),
        (Row, [{}, {"step": 1}], [[], None]),
        (Any, [None, 1, "a", [], {}], []),
        (object, [None, 1, "a", [], {}], []),
    ],
)
def test_values_of_a_type(hint, fitting, other):
    assert [value for value in fitting if not conforms(value, hint)] == []
    assert [value for value in other if conforms(value, hint)] == []
