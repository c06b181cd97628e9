"""The metadata of a model card, checked as the Hub checks them, without the Hub.

`ModelCard.validate` asks the Hub, and fails where there is none. These are the rules of its specification
(github.com/huggingface/hub-docs, modelcard.md), and of the forms of ids. What only the Hub knows, such as whether a
data set exists, is left to it.
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub.errors import HFValidationError
from huggingface_hub.repocard import REGEX_YAML_BLOCK
from huggingface_hub.utils import validate_repo_id

from ..errors import HubError

CARD_FILE = "README.md"
_RELATIONS = ("finetune", "adapter", "merge", "quantized")
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*|code|multilingual")


def check_card_file(folder: str | Path) -> None:
    """Check the metadata of the card in a run's folder; one without any, or no card at all, passes.

    Raises:
        HubError: the Hub would refuse it; the message names each field.
    """
    path = Path(folder) / CARD_FILE
    if not path.exists():
        return
    try:
        faults = metadata_faults(read_metadata(path.read_text("utf-8-sig")))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        faults = [f"its metadata cannot be read: {' '.join(str(error).split())}"]
    if faults:
        told = "".join(f"\n  - {fault}" for fault in faults)
        raise HubError(f"{path} has metadata that the Hub refuses:{told}\nCorrect them, and push again.", final=True)


def read_metadata(text: str) -> Any:
    """Return the metadata of a card as YAML reads them; nothing where there are none."""
    block = REGEX_YAML_BLOCK.search(text)
    return {} if block is None else yaml.safe_load(block[2]) or {}


def metadata_faults(data: Any) -> list[str]:
    """Return what is wrong with the metadata of a model card, each fault beginning with the field.

    >>> metadata_faults({"license": "Apache 2.0", "language": False})
    ["license is 'Apache 2.0': the Hub knows licenses by identifiers such as apache-2.0, mit or other",
    "language is False: a code of two or three letters is needed, such as en (YAML reads no as false: write 'no')"]
    """
    if not isinstance(data, Mapping):
        return [f"metadata are a {type(data).__name__}: a mapping of fields to values is needed"]
    return [
        *_empty(data, ""),
        *_license(data),
        *_words(data),
        *_ids(data),
        *_model_index(data.get("model-index")),
    ]


def _empty(value: Any, place: str) -> Iterator[str]:
    """Find nulls and what is no finite number, however deep."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _empty(one, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _empty(one, f"{place}[{number}]")
    elif value is None:
        yield f"{place} is empty: leave it out, or give it a value"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{place} is {value}: a finite number is needed"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _license(data: Mapping[str, Any]) -> Iterator[str]:
    for one in _listed(data.get("license")):
        if not isinstance(one, str) or not _LICENSE.fullmatch(one):
            yield (f"license is {one!r}: the Hub knows licenses by identifiers such as apache-2.0, mit or other")
        if one == "other" and not data.get("license_name"):
            yield "license is 'other' without a license_name"
    name = data.get("license_name")
    if name is not None and (not isinstance(name, str) or not _LICENSE.fullmatch(name)):
        yield f"license_name is {name!r}: it takes small letters, digits, dots and hyphens"


def _words(data: Mapping[str, Any]) -> Iterator[str]:
    for one in _listed(data.get("language")):
        if not isinstance(one, str) or not _LANGUAGE.fullmatch(one):
            hint = " (YAML reads no as false: write 'no')" if one is False else ""
            yield f"language is {one!r}: a code of two or three letters is needed, such as en{hint}"
    for name in ("tags", "metrics"):
        for one in _listed(data.get(name)):
            if not isinstance(one, str) or not one.strip():
                yield f"{name} has {one!r}: words are needed"
    for name in ("library_name", "pipeline_tag", "license_link"):
        one = data.get(name)
        if one is not None and (not isinstance(one, str) or not one.strip()):
            yield f"{name} is {one!r}: a word is needed"


def _ids(data: Mapping[str, Any]) -> Iterator[str]:
    for name in ("base_model", "datasets"):
        for one in _listed(data.get(name)):
            if not _is_id(one):
                yield f"{name} is {one!r}: an id on the Hub is needed, such as google-bert/bert-base-uncased"
    relation = data.get("base_model_relation")
    if relation is not None and relation not in _RELATIONS:
        yield f"base_model_relation is {relation!r}: it can be {', '.join(_RELATIONS)}"


def _is_id(value: Any) -> bool:
    try:
        validate_repo_id(value)
    except HFValidationError:
        return False
    return True


# Of a result in the model index: part, field, whether it must be there.
_RESULT_FIELDS = (
    ("task", "type", True), ("task", "name", False), ("dataset", "type", True), ("dataset", "name", True),
    ("dataset", "config", False), ("dataset", "split", False), ("dataset", "revision", False),
)  # fmt: skip


def _model_index(index: Any) -> Iterator[str]:
    if index is None:
        return
    if not isinstance(index, list) or not index:
        yield "model-index is no list of models"
        return
    for number, model in enumerate(index):
        place = f"model-index[{number}]"
        if not isinstance(model, Mapping) or not _is_word(model.get("name")):
            yield f"{place}.name is missing"
        results = model.get("results") if isinstance(model, Mapping) else None
        if not isinstance(results, list) or not results:
            yield f"{place}.results is no list of results"
            continue
        for second, result in enumerate(results):
            yield from _result(result, f"{place}.results[{second}]")


def _result(result: Any, place: str) -> Iterator[str]:
    if not isinstance(result, Mapping):
        yield f"{place} is no mapping of task, dataset and metrics"
        return
    for part, field, needed in _RESULT_FIELDS:
        holder = result.get(part)
        value = holder.get(field) if isinstance(holder, Mapping) else None
        if value is None and needed:
            yield f"{place}.{part}.{field} is missing"
        elif value is not None and not _is_word(value):
            yield f"{place}.{part}.{field} is {value!r}: text is needed"
    metrics = result.get("metrics")
    if not isinstance(metrics, list) or not metrics:
        yield f"{place}.metrics is no list of metrics"
        return
    for number, metric in enumerate(metrics):
        there = metric if isinstance(metric, Mapping) else {}
        if not _is_word(there.get("type")):
            yield f"{place}.metrics[{number}].type is missing"
        if there.get("value") is None:
            yield f"{place}.metrics[{number}].value is missing"


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
