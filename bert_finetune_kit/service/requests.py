"""The JSON of a request → what the model takes. Whatever a client sends, it gets an answer in words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .limits import Limits

Item = str | tuple[str, str]
"""A text, a pair of texts, or a question and its context."""


class RequestError(Exception):
    """A request that is refused."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Form:
    """What a model takes, and how a request says it."""

    fields: tuple[str, ...]
    """Of a request for one prediction, in their order."""
    many: str
    """Field of a request for several predictions: a list of texts, pairs or questions."""
    shared: tuple[str, ...]
    """Fields beside it, which all of them share."""
    example: str
    """Of both requests, for a message."""

    @property
    def parts(self) -> int:
        """Texts of each item of a list."""
        return len(self.fields) - len(self.shared)


TEXT = Form(("text",), "texts", (), '{"text": "…"} or {"texts": ["…", "…"]}')
PAIR = Form(("text", "text_pair"), "texts", (), '{"text": "…", "text_pair": "…"} or {"texts": [["…", "…"], …]}')
QUESTION = Form(
    ("question", "context"), "questions", ("context",),
    '{"question": "…", "context": "…"} or {"questions": ["…", "…"], "context": "…"}',
)  # fmt: skip


@dataclass(frozen=True)
class Inputs:
    """What a request asks for."""

    items: list[Item]
    is_single: bool
    """Whether one result is asked for, and not a list."""
    label: str | None = None
    """To explain."""


def characters(item: Item) -> int:
    """Return the number of characters of an item.

    >>> characters("soup"), characters(("who?", "I"))
    (4, 5)
    """
    return len(item) if isinstance(item, str) else sum(map(len, item))


def read_predict(body: bytes, form: Form, limits: Limits) -> Inputs:
    """Return what a request for predictions asks for.

    Raises:
        RequestError: it cannot be read, has other fields, or is too large; the message says what to send.
    """
    content = read_object(body)
    if set(content) == set(form.fields):
        item = _item([content[name] for name in form.fields], form.fields, limits.max_characters)
        return _within(Inputs([item], True), form, limits)
    if set(content) != {form.many, *form.shared}:
        given = ", ".join(map(_shown, content)) or "none"
        raise RequestError(422, f"The fields of the request are {given}; send {form.example}.")
    return _within(Inputs(_items(content, form, limits), False), form, limits)


def read_explain(body: bytes, form: Form, limits: Limits) -> Inputs:
    """Return what a request for an explanation asks for: one text or pair, and if it is given, a label.

    Raises:
        RequestError: as `read_predict`.
    """
    content = read_object(body)
    label = content.pop("label", None)
    if label is not None and not isinstance(label, str):
        raise RequestError(422, f"The label is {_shown(label)}; send the name of a label, or leave it out.")
    if set(content) != set(form.fields):
        given = ", ".join(map(_shown, content)) or "none"
        example = form.example.partition(" or ")[0]
        raise RequestError(422, f'The fields of the request are {given}; send {example}, and "label" to choose one.')
    item = _item([content[name] for name in form.fields], form.fields, limits.max_explained_characters)
    return Inputs([item], True, label)


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a request.

    Raises:
        RequestError: it is something else.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(400, f"The request is not UTF-8 (byte {error.start}); send JSON in UTF-8.") from error
    if text.startswith("\ufeff"):
        raise RequestError(400, "The request begins with a byte order mark, which JSON has not; send it without.")
    try:
        content = json.loads(text, object_pairs_hook=_without_repetition)
    except RequestError:
        raise
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"The request is not JSON {_fault(error)}; send a JSON object.") from error
    if not isinstance(content, dict):
        raise RequestError(400, f"The request is {_shown(content)}; send a JSON object.")
    return content


def _fault(error: Exception) -> str:
    """Return where JSON ends that can be read; the words of the parser are for those who write Python."""
    if isinstance(error, json.JSONDecodeError):
        return f"(from line {error.lineno}, column {error.colno} on)"
    depth = isinstance(error, RecursionError)
    return f"that can be read ({'it is nested too deeply' if depth else 'a number has too many digits'})"


def _without_repetition(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise RequestError(400, "A field is in the request twice; send each once.")
    return content


def _within(inputs: Inputs, form: Form, limits: Limits) -> Inputs:
    """Return inputs whose texts are not too long together."""
    total, most = sum(map(characters, inputs.items)), limits.max_total_characters
    if total > most:
        counts = f", where each of the {form.many} counts its {form.shared[0]}" if form.shared else ""
        raise RequestError(413, f"There are {total:,} characters in all{counts}; send at most {most:,} at once.")
    return inputs


def _items(content: Mapping[str, Any], form: Form, limits: Limits) -> list[Item]:
    rows = content[form.many]
    if not isinstance(rows, list):
        raise RequestError(422, f"{form.many} is {_shown(rows)}; send a list: {form.example}.")
    if len(rows) > limits.max_texts:
        raise RequestError(413, f"There are {len(rows)} {form.many}; send at most {limits.max_texts} at once.")
    shared = [content[name] for name in form.shared]
    items = []
    for number, row in enumerate(rows):
        names = [f"{form.many}[{number}]"] if form.parts == 1 else [f"{form.many}[{number}][{k}]" for k in range(2)]
        texts = [row] if form.parts == 1 else row
        if not isinstance(texts, list) or len(texts) != form.parts:
            raise RequestError(422, f"{form.many}[{number}] is {_shown(row)}; send a list of two texts.")
        items.append(_item([*texts, *shared], [*names, *form.shared], limits.max_characters))
    return items


def _item(values: Sequence[Any], names: Sequence[str], most: int) -> Item:
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str):
            raise RequestError(422, f"{name} is {_shown(value)}; send a text.")
        if len(value) > most:
            raise RequestError(413, f"{name} has {len(value):,} characters; send at most {most:,}.")
        if not _is_unicode(value):
            raise RequestError(422, f"{name} has a lone surrogate, which is no character; remove it.")
    return values[0] if len(values) == 1 else (values[0], values[1])


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value)
    except RecursionError:
        return "a list of lists"
    return text if len(text) <= 40 else f"{text[:37]}..."
