"""Checks of a model card's metadata without the Hub.

`ModelCard.validate` asks the Hub, and fails where there is none. These are the rules of the Hub's specification
(github.com/huggingface/hub-docs, modelcard.md); what only the Hub can answer, such as whether a data set exists, is
left to it.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml
from huggingface_hub import metadata_load

from ..compat.hub import is_repo_id
from ..errors import HubError

CARD_FILE = "README.md"
_RELATIONS = ("finetune", "adapter", "merge", "quantized")
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*|code|multilingual")
Check = Callable[[object], bool]


def check_card_file(folder: str | Path) -> None:
    """Check the metadata of the card in the folder of a run; a card without metadata, or no card, passes.

    Raises:
        HubError: the Hub would refuse them; the message names each field.
    """
    path = Path(folder) / CARD_FILE
    if not path.exists():
        return
    try:
        faults = metadata_faults(metadata_load(path) or {})
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        faults = [f"the metadata cannot be read: {' '.join(str(error).split())}"]
    except ValueError:  # of `metadata_load`
        faults = ["the metadata are not a mapping of fields to values"]
    if faults:
        lines = "".join(f"\n  - {fault}" for fault in faults)
        raise HubError(f"{path} has metadata that the Hub refuses:{lines}\nCorrect them, and push again.", final=True)


def metadata_faults(data: Mapping[str, object]) -> list[str]:
    """Return what is wrong with the metadata of a model card, each fault beginning with the field.

    >>> metadata_faults({"license": "Apache 2.0", "language": False})
    ["license is 'Apache 2.0': use an identifier of the Hub, such as apache-2.0, mit or other",
    "language is False: use a code of two or three letters, such as en (YAML reads no as false: write 'no')"]
    """
    return [*_empty(data, ""), *_fields(data), *_model_index(data.get("model-index"))]


def _empty(value: object, place: str) -> Iterator[str]:
    """Yield each null and each number that is not finite, at any depth."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _empty(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _empty(item, f"{place}[{index}]")
    elif value is None:
        yield f"{place} is empty: remove the field, or set a value"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{place} is {value}: use a finite number"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_TEXT = "use text"
_REPO_ID = "use an id of the Hub, such as google-bert/bert-base-uncased"
# Field → whether one of its values is valid, and what to use instead.
_FIELDS: dict[str, tuple[Check, str]] = {
    "license": (_matches(_LICENSE), "use an identifier of the Hub, such as apache-2.0, mit or other"),
    "license_name": (_matches(_LICENSE), "use small letters, digits, dots and hyphens"),
    "language": (_matches(_LANGUAGE), "use a code of two or three letters, such as en"),
    "base_model": (is_repo_id, _REPO_ID),
    "datasets": (is_repo_id, _REPO_ID),
    "base_model_relation": (lambda value: value in _RELATIONS, f"use one of {', '.join(_RELATIONS)}"),
    **dict.fromkeys(("tags", "metrics", "library_name", "pipeline_tag", "license_link"), (_is_text, _TEXT)),
}


def _fields(data: Mapping[str, object]) -> Iterator[str]:
    for name, (is_valid, advice) in _FIELDS.items():
        values = data.get(name)
        for value in values if isinstance(values, list) else [] if values is None else [values]:
            if not is_valid(value):
                hint = " (YAML reads no as false: write 'no')" if value is False else ""
                yield f"{name} is {value!r}: {advice}{hint}"
    if data.get("license") == "other" and not data.get("license_name"):
        yield "license is 'other' without a license_name"


# Of a result in the model index: part, field, whether it is required.
_RESULT_FIELDS = (
    ("task", "type", True), ("task", "name", False), ("dataset", "type", True), ("dataset", "name", True),
    ("dataset", "config", False), ("dataset", "split", False), ("dataset", "revision", False),
)  # fmt: skip


def _model_index(models: object) -> Iterator[str]:
    if models is None:
        return
    yield from _list_faults(models, "model-index")
    for place, model in _mappings(models, "model-index"):
        if not _is_text(model.get("name")):
            yield f"{place}.name is missing"
        yield from _list_faults(model.get("results"), f"{place}.results")
        for result_place, result in _mappings(model.get("results"), f"{place}.results"):
            yield from _result(result, result_place)


def _result(result: Mapping[str, object], place: str) -> Iterator[str]:
    for part, field, required in _RESULT_FIELDS:
        fields = result.get(part)
        value = fields.get(field) if isinstance(fields, Mapping) else None
        if value is None and required:
            yield f"{place}.{part}.{field} is missing"
        elif value is not None and not _is_text(value):
            yield f"{place}.{part}.{field} is {value!r}: {_TEXT}"
    yield from _list_faults(result.get("metrics"), f"{place}.metrics")
    for metric_place, metric in _mappings(result.get("metrics"), f"{place}.metrics"):
        if not _is_text(metric.get("type")):
            yield f"{metric_place}.type is missing"
        if metric.get("value") is None:
            yield f"{metric_place}.value is missing"


def _list_faults(values: object, place: str) -> list[str]:
    return [] if isinstance(values, list) and values else [f"{place} is not a list, or empty"]


def _mappings(values: object, place: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the place and the fields of each item of a list; an item of another type has no fields."""
    for index, item in enumerate(values if isinstance(values, list) else []):
        yield f"{place}[{index}]", item if isinstance(item, Mapping) else {}
