"""Rows of questions: the official nested JSON of SQuAD, the Hub's columns, flat files, or plain dicts."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from datasets import Dataset, Features, List, Value

from ..errors import DataError
from .cells import to_boolean
from .columns import check_usable, column_advice, listed
from .files import Files, ending_of
from .json_files import load_json
from .opening import Opened
from .tables import TABLE_FORMATS, read_table


class Answers(TypedDict):
    """Answers to a question, two lists of one length; both empty where there is no answer."""

    text: list[str]
    answer_start: list[int]
    """First character of each answer in the context."""


class Question(TypedDict):
    """A question on a context."""

    id: str
    title: str
    context: str
    question: str
    answers: Answers
    is_impossible: bool | None
    """Whether the data call it unanswerable; the answers decide."""
    other_columns: str | None
    """Names of the columns where none of them is for answers; none where one is."""


COLUMNS = ("id", "title", "context", "question", "answers")
_FEATURES = Features(
    {
        "id": Value("string"),
        "title": Value("string"),
        "context": Value("large_string"),
        "question": Value("string"),
        "answers": {"text": List(Value("string")), "answer_start": List(Value("int64"))},
        "is_impossible": Value("bool"),
        "other_columns": Value("string"),
    }
)
_ANSWER_COLUMNS = ("answers", "answer")
_NO_ANSWERS: Answers = {"text": [], "answer_start": []}


def read_questions(opened: Opened, name: str) -> Dataset:
    """Return the questions of files, which may be of several formats, or of a table, with all columns.

    Args:
        opened: files or a table.
        name: name of the table for messages.

    Raises:
        DataError: a file cannot be read, a column is missing, or a row is no question.
    """
    if isinstance(opened, Dataset):
        if "paragraphs" in opened.column_names:  # the official format, as from json.load(file)["data"]
            return as_questions(nested_questions(opened.to_list(), name))
        return as_questions(_flat(opened, opened.column_names, name))
    return as_questions(question for path in opened.paths for question in _read_file(path, opened.encoding))


def as_questions(rows: Iterable[Mapping[str, Any]] | Mapping[str, Sequence[Any]]) -> Dataset:
    """Return questions as a `Dataset` with all columns, from dicts or from a dict of lists; missing values are empty.

    Raises:
        DataError: there are none, or a text cannot be encoded as UTF-8.
    """
    if isinstance(rows, Mapping):
        rows = [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)]
    questions = [
        {"title": "", "answers": _NO_ANSWERS, "is_impossible": None, "other_columns": None, **row} for row in rows
    ]
    if not questions:
        raise DataError("The data set has no questions.")
    for number, question in enumerate(questions):
        question["id"] = question.get("id") or str(number)
    try:
        complete = [{column: question[column] for column in _FEATURES} for question in questions]
        return Dataset.from_list(complete, features=_FEATURES)
    except UnicodeEncodeError as error:
        raise DataError(
            f"A question, context or answer contains a lone surrogate (invalid Unicode): {error}. Remove it."
        ) from error


def _read_file(path: Path, encoding: str | None) -> Iterator[Question]:
    files = Files((path,), encoding=encoding)
    files.common_format(TABLE_FORMATS)
    rows = _json_rows(path, encoding) if ending_of(path) == ".json" else None
    if rows is not None and rows and "paragraphs" in rows[0]:
        return nested_questions(rows, str(path))
    if rows is not None:
        return _flat(rows, list(dict.fromkeys(name for row in rows for name in row)), str(path))
    table = read_table(files, str(path))
    return _flat(table, table.column_names, str(path))


def _json_rows(path: Path, encoding: str | None) -> list[dict[str, Any]] | None:
    """Return the list of objects that a JSON file is, or has under `data`; none for other content, such as JSON lines.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        content = load_json(path, encoding)
    except json.JSONDecodeError:
        return None
    rows = content.get("data") if isinstance(content, dict) else content
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None


def nested_questions(articles: Sequence[Any], name: str) -> Iterator[Question]:
    """Yield the questions of the official format, of v1.1 and of v2.0 alike."""
    try:
        for article in articles:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    row = {"title": article.get("title"), "context": paragraph["context"], **question}
                    yield _to_question(row, f"{name}, question {question.get('id')!r}")
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{name} has a list `data` like SQuAD's files, but not their articles, paragraphs and qas: "
            f"{type(error).__name__}: {error}."
        ) from error


def to_answer(rows: Iterable[Mapping[str, Any]], name: str) -> Dataset:
    """Return questions to predict, without answers; a question or context that is missing is empty.

    Args:
        rows: with `question` and `context`.
        name: of the data for messages.

    Raises:
        DataError: a row lacks a column, or a question or context is not a text.
    """
    questions = []
    for number, row in enumerate(rows):
        texts = {}
        for column in ("question", "context"):
            if column not in row:
                raise DataError(f"{name}, row {number}, has no column {column!r}. Columns: {listed(row)}.")
            text = "" if row[column] is None else row[column]
            if not isinstance(text, str):
                raise DataError(f"{name}, row {number}: the {column} is {text!r}; a text is needed.")
            texts[column] = text
        questions.append({"id": "" if row.get("id") is None else str(row["id"]), **texts})
    return as_questions(questions)


def _flat(rows: Any, columns: Sequence[str], name: str) -> Iterator[Question]:
    missing = [column for column in ("context", "question") if rows and column not in columns]
    if missing:
        advice = "Needed are question and context, and answers for training and evaluation."
        raise DataError(
            f"{name} has no column {' and no column '.join(map(repr, missing))}. Columns: {listed(columns)}. "
            f"{column_advice(columns, advice)}"
        )
    if isinstance(rows, Dataset):
        check_usable(rows, (*_FEATURES, *_ANSWER_COLUMNS))
    for number, row in enumerate(rows):
        yield _to_question(row, f"{name}, row {number}")


def _to_question(row: Mapping[str, Any], where: str) -> Question:
    """Return a row with all columns; a missing id is empty.

    Raises:
        DataError: there is no question, the context is not a text, or the answers or is_impossible are malformed.
    """
    context, question, id_ = row.get("context"), row.get("question"), row.get("id")
    column = next((name for name in _ANSWER_COLUMNS if name in row), None)
    if not isinstance(question, str) or not question.strip():
        raise DataError(f"{where}: the question is {question!r}; a text is needed.")
    if context is not None and not isinstance(context, str):
        raise DataError(f"{where}: the context is {context!r}; a text is needed.")
    return {
        "id": "" if id_ is None else str(id_),
        "title": row.get("title") or "",
        "context": context or "",
        "question": question,
        "answers": _to_answers(row.get(column or "answers"), row.get("answer_start"), context or "", where),
        "is_impossible": _to_flag(row.get("is_impossible"), where),
        "other_columns": ", ".join(row) if column is None else None,
    }


def _to_flag(given: Any, where: str) -> bool | None:
    try:
        return to_boolean(given)
    except ValueError as error:
        raise DataError(f"{where}: is_impossible is {given!r}; true or false is needed.") from error


def _to_answers(given: Any, start: Any, context: str, where: str) -> Answers:
    """Return answers as the Hub's columns have them: a dict of lists, or a list with a dict for each answer.

    A cell of a .csv file contains the same as JSON. An answer may also be a text alone, or have no `answer_start`.

    Args:
        given: the answers.
        start: `answer_start` in a column of its own, for an answer that is a text alone.
        context: of the question.
        where: the row, for messages.

    Raises:
        DataError: it is none of these, or an answer without `answer_start` is not at exactly one place of its context.
    """
    if given is None or given == "":
        return _NO_ANSWERS
    try:
        answers = _from_json(given) if isinstance(given, str) else given
        if isinstance(answers, str):
            answers = [{"text": answers, "answer_start": None if start == "" else start}]
        if isinstance(answers, list):
            answers = [{"text": answer} if isinstance(answer, str) else answer for answer in answers]
            answers = {key: [answer.get(key) for answer in answers] for key in _NO_ANSWERS}
        texts = list(answers["text"])
        starts = list(answers.get("answer_start") or [None] * len(texts))
        if len(texts) == len(starts) and all(isinstance(text, str) for text in texts):
            return _located(texts, starts, context, where)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
    raise DataError(
        f"{where}: the answers are {given!r}. Needed is a dict of `text` and `answer_start`, two lists of one length "
        "(empty for no answer), or a list with such a dict for each answer; without `answer_start`, an answer is "
        "searched for in its context."
    )


def _from_json(cell: str) -> Any:
    """Return what a cell contains as JSON, and a cell that is no JSON object, list or string as the text it is."""
    try:
        content = json.loads(cell)
    except json.JSONDecodeError:
        if cell.lstrip().startswith(("{", "[")):
            raise
        return cell
    return content if isinstance(content, dict | list | str) else cell


def _located(texts: list[str], starts: Sequence[Any], context: str, where: str) -> Answers:
    """Return answers with where each begins: at its `answer_start`, or else where its text stands, if at one place."""
    answers: Answers = {"text": [], "answer_start": []}
    for text, start in zip(texts, starts, strict=True):
        if start is None and not text.strip():
            continue  # an empty cell
        answers["text"].append(text)
        answers["answer_start"].append(_only_place(text, context, where) if start is None else int(start))
    return answers


def _only_place(text: str, context: str, where: str) -> int:
    places = [match.start() for match in re.finditer(f"(?={re.escape(text)})", context)]
    if len(places) == 1:
        return places[0]
    found = f"at {len(places)} places of" if places else "nowhere in"
    raise DataError(
        f"{where}: the answer {text!r} has no `answer_start`, and stands {found} its context. Give `answer_start`, the "
        "number of characters before it."
    )
