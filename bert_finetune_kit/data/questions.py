"""Questions on passages: the official nested JSON of SQuAD, the Hub's columns, flat files, or the bundled sample."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, List, Value

from ..errors import DataError, raise_faults
from .readers import missing_path
from .sample import sample_questions
from .tables import open_tables

COLUMNS = ("id", "title", "context", "question", "answers")
_FEATURES = Features(
    {
        "id": Value("string"),
        "title": Value("string"),
        "context": Value("large_string"),
        "question": Value("string"),
        "answers": {"text": List(Value("string")), "answer_start": List(Value("int64"))},
    }
)


@dataclass(frozen=True)
class QuestionSource:
    """Questions to train on, and those to evaluate on."""

    train: Any = None
    """Hub id, file, folder, list of files (of several data sets, too) or `Dataset`; none means the bundled sample."""
    validation: Any = None
    """The same for evaluation; none means the data set's own validation split."""
    hub_config: str | None = None
    """Configuration of the Hub data set."""
    max_train_examples: int | None = None
    """Train on the first so many questions, with all of their windows; none means all."""
    max_validation_examples: int | None = None
    """Evaluate on the first so many questions; none means all."""

    @property
    def is_sample(self) -> bool:
        """Whether this is the bundled sample."""
        return self.train is None and self.validation is None

    def __post_init__(self) -> None:
        faults = []
        if self.train is None and self.validation is not None:
            faults.append("validation is given without train: there is nothing to train on")
        for name in ("max_train_examples", "max_validation_examples"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                faults.append(f"{name} is {getattr(self, name)}: at least one question is needed")
        raise_faults(faults, "QuestionSource")


@dataclass(frozen=True)
class Questions:
    """Questions of the splits, each a row of `id`, `title`, `context`, `question` and `answers`."""

    name: str
    train: Dataset
    validation: Dataset | None
    notes: list[str] = field(default_factory=list)


def load_questions(source: QuestionSource) -> Questions:
    """Load the questions of `source`.

    Raises:
        DataError: a file, split or column is missing, or there is nothing in it.
    """
    notes: list[str] = []
    if source.is_sample:
        splits = {split: _rows(sample_questions(split)) for split in ("train", "validation")}
        name = "the bundled sample's questions"
    else:
        splits = _open(source.train, "train", source.hub_config)
        name = ", ".join(map(str, source.train)) if isinstance(source.train, list | tuple) else str(source.train)
    if "train" not in splits:
        raise DataError(f"{name} has no split 'train'. There are: {', '.join(splits)}.")
    validation = splits.get("validation")
    if source.validation is not None:
        opened = _open(source.validation, "validation", source.hub_config)
        validation = opened["validation"] if "validation" in opened else next(iter(opened.values()))
    train = _limit(_unique(splits["train"], "train", notes), source.max_train_examples)
    if validation is not None:
        validation = _limit(_unique(validation, "validation", notes), source.max_validation_examples)
    return Questions(name, train, validation, notes)


def _open(given: Any, split: str, config: str | None) -> dict[str, Dataset]:
    files = list(given) if isinstance(given, list | tuple) else [given]
    if all(isinstance(one, str | Path) and Path(one).expanduser().is_file() for one in files):
        return {split: _rows([row for one in files for row in _read_file(Path(one).expanduser())])}
    missing = [one for one in files if isinstance(one, str | Path) and not Path(one).expanduser().exists()]
    if len(files) > 1 and missing:
        raise missing_path(missing[0])
    return {name: _rows(_flat(table, str(given))) for name, table in open_tables(given, split, config).items()}


def _read_file(file: Path) -> list[dict[str, Any]]:
    if Path(file.name.removesuffix(".gz")).suffix == ".json":
        opener: Callable[..., Any] = gzip.open if file.name.endswith(".gz") else open
        try:
            with opener(file, "rt", encoding="utf-8") as stream:
                content = json.load(stream)
        except (ValueError, OSError, EOFError) as error:
            if not isinstance(error, json.JSONDecodeError):
                raise DataError(f"{file} cannot be read: {error}") from error
            content = None  # JSON lines, perhaps
        if isinstance(content, dict) and isinstance(content.get("data"), list):
            return list(_nested(content["data"], file))
    (table,) = open_tables(file).values()
    return list(_flat(table, str(file)))


def _nested(articles: Sequence[Any], file: Path) -> Iterator[dict[str, Any]]:
    """Yield the questions of the official format, of v1.1 and of v2.0 alike."""
    try:
        for article in articles:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    answers = [] if question.get("is_impossible", False) else question.get("answers", [])
                    yield {
                        "id": str(question["id"]),
                        "title": article.get("title", ""),
                        "context": paragraph["context"],
                        "question": question["question"],
                        "answers": {
                            "text": [answer["text"] for answer in answers],
                            "answer_start": [answer["answer_start"] for answer in answers],
                        },
                    }
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{file} has a list `data` as SQuAD's files have, but not their articles, paragraphs and qas: "
            f"{type(error).__name__}: {error}."
        ) from error


def _flat(table: Dataset, name: str) -> Iterator[dict[str, Any]]:
    lacking = [column for column in ("context", "question") if column not in table.column_names]
    if lacking:
        raise DataError(
            f"{name} has no column {' and no column '.join(map(repr, lacking))}. There are: "
            f"{', '.join(table.column_names)}. Needed are question, context and, to learn and to score, answers."
        )
    for number, row in enumerate(table):
        answers = row.get("answers") or {"text": [], "answer_start": []}
        if isinstance(answers, list):  # one dict an answer
            keys = ("text", "answer_start")
            answers = {key: [answer[key] for answer in answers] for key in keys}
        yield {
            "id": str(row.get("id", number)),
            "title": row.get("title") or "",
            "context": row["context"] or "",
            "question": row["question"] or "",
            "answers": answers,
        }


def _rows(rows: Any) -> Dataset:
    listed = list(rows)
    if not listed:
        raise DataError("The data set has no questions.")
    return Dataset.from_list(
        [{column: row.get(column, "") for column in COLUMNS} for row in listed], features=_FEATURES
    )


def _unique(rows: Dataset, split: str, notes: list[str]) -> Dataset:
    """Give questions that share an id ids of their own."""
    ids = rows["id"][:]
    counts = Counter(ids)
    if len(counts) == len(ids):
        return rows
    seen: Counter[str] = Counter()
    renamed = []
    for one in ids:
        seen[one] += 1
        renamed.append(one if seen[one] == 1 else f"{one}#{seen[one]}")
    notes.append(
        f"{len(ids) - len(counts):,} questions of the {split} split had the id of another one, and got new ones"
    )
    return rows.remove_columns("id").add_column("id", renamed).select_columns(list(COLUMNS))


def _limit(rows: Dataset, count: int | None) -> Dataset:
    return rows if count is None else rows.take(min(count, len(rows)))
