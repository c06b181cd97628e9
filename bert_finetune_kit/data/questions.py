"""Questions on passages: the official nested JSON of SQuAD, the Hub's columns, flat files, or the bundled sample."""

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, Features, List, Value

from ..errors import DataError, raise_faults
from ..tasks.squad import QA_TASKS
from .randomness import Stream, stateless_rng
from .readers import SPLITS, missing_path, quiet_datasets, split_of
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
_NO_ANSWERS: dict[str, list[Any]] = {"text": [], "answer_start": []}
_FILES = (".json", ".jsonl", ".parquet", ".csv", ".tsv")


@dataclass(frozen=True)
class QuestionSource:
    """Questions to train on, and those to evaluate on."""

    train: Any = None
    """squad, squad_v2, another Hub id, file, folder, list of files (of several data sets, too), `Dataset` or
    `DatasetDict`; none means the bundled sample."""
    validation: Any = None
    """The same for evaluation; none means the data set's own validation split, or a share of its articles."""
    hub_config: str | None = None
    """Configuration of the Hub data set."""
    validation_share: float = 0.1
    """Share of the articles held out for evaluation where nothing else is given."""
    max_train_examples: int | None = None
    """Train on the first so many questions, with all of their windows; none means all."""
    max_validation_examples: int | None = None
    """Evaluate on the first so many questions, with all of their windows; none means all."""

    @property
    def is_sample(self) -> bool:
        """Whether this is the bundled sample."""
        return self.train is None and self.validation is None

    def __post_init__(self) -> None:
        for name in ("train", "validation"):
            given = getattr(self, name)
            if isinstance(given, list | tuple) and len(given) == 1:  # as the command line gives one name
                object.__setattr__(self, name, given[0])
        faults = []
        if self.train is None and self.validation is not None:
            faults.append("validation is given without train: there is nothing to train on")
        if not 0 < self.validation_share < 1:
            faults.append(f"validation_share is {self.validation_share}: a share lies between 0 and 1")
        for name in ("max_train_examples", "max_validation_examples"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                faults.append(f"{name} is {getattr(self, name)}: at least one question is needed")
        raise_faults(faults, "QuestionSource")


@dataclass(frozen=True)
class Questions:
    """Questions of the splits, each a row of `id`, `title`, `context`, `question` and `answers`."""

    name: str
    train: Dataset
    validation: Dataset
    notes: list[str] = field(default_factory=list)
    held_out: bool = False
    """Whether the validation split was held out of the train split."""


def load_questions(source: QuestionSource) -> Questions:
    """Load the questions of `source`.

    Raises:
        DataError: a file, split or column is missing, there is nothing in it, or no question to learn from has an
            answer.
    """
    notes: list[str] = []
    if source.is_sample:
        splits = {split: as_questions(sample_questions(split)) for split in ("train", "validation")}
        name = "the bundled sample's questions"
    else:
        tables, name = _open(source.train, "train", source.hub_config), _describe(source.train)
        if "train" not in tables:
            raise DataError(f"{name} has no split 'train'. There are: {', '.join(tables)}.")
        chosen = {"train": tables["train"], "validation": tables.get("validation")}
        if source.validation is not None:
            chosen["validation"] = _validation_of(source)
        splits = {split: read() for split, read in chosen.items() if read is not None}
    train = _unique(splits["train"], "train", notes)
    if "validation" in splits:
        validation = _unique(splits["validation"], "validation", notes)
    else:
        train, validation = _hold_out(train, source.validation_share, notes)
    train, validation = _limit(train, source.max_train_examples), _limit(validation, source.max_validation_examples)
    if not any(answers["text"] for answers in train["answers"]):
        raise DataError(
            f"None of the {len(train):,} questions of the train split has an answer. Answers stand in a column "
            "`answers` with `text` and `answer_start`, as in squad_v2."
        )
    return Questions(name, train, validation, notes, held_out="validation" not in splits)


def _validation_of(source: QuestionSource) -> Callable[[], Dataset]:
    tables = _open(source.validation, "validation", source.hub_config)
    if "validation" not in tables and len(tables) > 1:
        raise DataError(f"{_describe(source.validation)} has no split 'validation': {', '.join(tables)}.")
    return tables["validation"] if "validation" in tables else next(iter(tables.values()))


def open_questions(given: Any) -> Dataset:
    """Return the questions of a file or a `Dataset`, with or without answers."""
    return next(iter(_open(given, "given", None).values()))()


def _describe(given: Any) -> str:
    if isinstance(given, list | tuple):
        return ", ".join(map(str, given))
    return str(given) if isinstance(given, str | Path) else "a data set in memory"


def _open(given: Any, split: str, config: str | None) -> dict[str, Callable[[], Dataset]]:
    """Return by split how to read its questions: those that nobody asks for are not read."""
    files = [Path(one).expanduser() for one in _listed(given) if isinstance(one, str | Path)]
    if len(files) > 1:
        missing = [file for file in files if not file.is_file()]
        if missing:
            raise missing_path(missing[0])
    if isinstance(given, list | tuple) and len(files) < len(given):
        raise DataError("A list of questions holds files alone: put data sets together by concatenate_datasets.")
    if files and all(file.is_file() for file in files):
        return {split: partial(_read_files, files)}
    if files and files[0].is_dir():
        return _read_folder(files[0], split)
    if isinstance(given, str) and given in QA_TASKS:
        given = QA_TASKS[given].dataset
    tables = open_tables(given, split, config)
    return {name: partial(_read_table, table, f"{_describe(given)}, {name}") for name, table in tables.items()}


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else [given]


def _read_folder(folder: Path, split: str) -> dict[str, Callable[[], Dataset]]:
    """Read the files of a folder whose names tell their split, such as train-v2.0.json; else all of them as one.

    Where a split is told, but not train, files that tell none are its training files.
    """
    files = [file for file in sorted(folder.rglob("*")) if _ending(file) in _FILES]
    if not files:
        raise DataError(f"The folder {folder} holds no file of questions ({', '.join(_FILES)}, or .gz of these).")
    told: dict[str, list[Path]] = {}
    for file in files:
        name = split_of(file, folder)
        told.setdefault(name if name in SPLITS else split, []).append(file)
    return {name: partial(_read_files, found) for name, found in told.items()}


def _ending(file: Path) -> str:
    return Path(file.name.removesuffix(".gz")).suffix.lower()


def _read_table(table: Dataset, name: str) -> Dataset:
    return as_questions(_flat(table, table.column_names, name))


def _read_files(files: Iterable[Path]) -> Dataset:
    return as_questions(row for file in files for row in _read_file(file))


def _read_file(file: Path) -> Iterator[dict[str, Any]]:
    if _ending(file) == ".json":
        opener: Callable[..., Any] = gzip.open if file.name.endswith(".gz") else open
        try:
            with opener(file, "rt", encoding="utf-8-sig") as stream:
                content = json.load(stream)
        except (ValueError, OSError, EOFError, zlib.error) as error:
            if not isinstance(error, json.JSONDecodeError):
                raise DataError(f"{file} cannot be read: {error}") from error
            content = None  # JSON lines, perhaps
        rows = content.get("data") if isinstance(content, dict) else content
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            if rows and "paragraphs" in rows[0]:
                return _nested(rows, str(file))
            return _flat(rows, list(dict.fromkeys(name for row in rows for name in row)), str(file))
    (table,) = open_tables(file).values()
    return _flat(table, table.column_names, str(file))


def _nested(articles: Sequence[Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield the questions of the official format, of v1.1 and of v2.0 alike."""
    try:
        for article in articles:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    row = {"title": article.get("title"), "context": paragraph["context"], **question}
                    yield _checked(row, f"{name}, question {question.get('id')!r}")
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{name} has a list `data` as SQuAD's files have, but not their articles, paragraphs and qas: "
            f"{type(error).__name__}: {error}."
        ) from error


def _flat(rows: Any, columns: Sequence[str], name: str) -> Iterator[dict[str, Any]]:
    lacking = [column for column in ("context", "question") if rows and column not in columns]
    if lacking:
        raise DataError(
            f"{name} has no column {' and no column '.join(map(repr, lacking))}. There are: "
            f"{', '.join(columns)}. Needed are question, context and, to learn and to score, answers."
        )
    for number, row in enumerate(rows):
        yield _checked(row, f"{name}, row {number}")


def _checked(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a row with all columns; an id that is missing is empty.

    Raises:
        DataError: there is no question, the context is no text, or the answers are none.
    """
    context, question = row.get("context"), row.get("question")
    if not isinstance(question, str) or not question.strip():
        raise DataError(f"{where}: the question is {question!r}.")
    if context is not None and not isinstance(context, str):
        raise DataError(f"{where}: the context is {context!r}, which is no text.")
    given = row.get("id")
    return {
        "id": "" if given is None else str(given),
        "title": row.get("title") or "",
        "context": context or "",
        "question": question,
        "answers": _NO_ANSWERS if row.get("is_impossible") else _answers(row.get("answers"), where),
    }


def _answers(given: Any, where: str) -> dict[str, list[Any]]:
    """Return answers as the Hub's columns have them: a dict of lists; a list with a dict for each is taken, too.

    A cell of a .csv file holds the same as JSON.
    """
    if given is None or given == "":
        return _NO_ANSWERS
    told = given
    try:
        if isinstance(told, str):
            told = json.loads(told)
        if isinstance(told, list):
            told = {key: [answer[key] for answer in told] for key in _NO_ANSWERS}
        texts, starts = list(told["text"]), [int(start) for start in told["answer_start"]]
        if len(texts) == len(starts) and all(isinstance(text, str) for text in texts):
            return {"text": texts, "answer_start": starts}
    except (KeyError, TypeError, ValueError):
        pass
    raise DataError(
        f"{where}: the answers are {given!r}. Needed is a dict of `text` and `answer_start`, two lists of one length "
        "(empty for no answer), or a list with such a dict for each answer."
    )


def as_questions(rows: Any) -> Dataset:
    """Return questions as a `Dataset` with all columns, from dicts or from a dict of lists; what is lacking is empty.

    Raises:
        DataError: there are none, or a text cannot be written as UTF-8.
    """
    if isinstance(rows, dict):
        rows = [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)]
    listed = [{"title": "", "answers": _NO_ANSWERS, **row} for row in rows]
    if not listed:
        raise DataError("The data set has no questions.")
    for number, row in enumerate(listed):
        row["id"] = row.get("id") or str(number)
    try:
        return Dataset.from_list([{column: row[column] for column in COLUMNS} for row in listed], features=_FEATURES)
    except UnicodeEncodeError as error:
        raise DataError(f"A question, context or answer holds half of a character ({error}).") from error


def _unique(rows: Dataset, split: str, notes: list[str]) -> Dataset:
    """Give questions that share an id ids of their own."""
    ids = rows["id"][:]
    taken = set(ids)
    if len(taken) == len(ids):
        return rows
    seen: Counter[str] = Counter()
    renamed = []
    for one in ids:
        seen[one] += 1
        new = one
        while seen[one] > 1 and new in taken:
            new = f"{one}#{seen[one]}"
            seen[one] += new in taken
        taken.add(new)
        renamed.append(new)
    count = sum(one != new for one, new in zip(ids, renamed, strict=True))
    notes.append(f"{count:,} questions of the {split} split had the id of another one, and got new ones")
    return rows.remove_columns("id").add_column("id", renamed).select_columns(list(COLUMNS))


def passages(titles: Sequence[str], contexts: Sequence[str]) -> list[str]:
    """Return what questions have in common: their article, and where it has no title their context."""
    return [title or context for title, context in zip(titles, contexts, strict=True)]


def _hold_out(rows: Dataset, share: float, notes: list[str]) -> tuple[Dataset, Dataset]:
    """Return the questions to learn from and, of whole articles (without titles of whole contexts), those held out."""
    titles, contexts = rows["title"][:], rows["context"][:]
    several = len(set(titles)) > 1
    groups = passages(titles, contexts) if several else contexts
    names = list(dict.fromkeys(groups))
    if len(names) < 2:
        raise DataError(
            "There is no validation split, and all questions are on one context, of which no part can be held out: "
            "give validation."
        )
    count = min(max(1, round(len(names) * share)), len(names) - 1)
    order = stateless_rng(0, 0, 0, Stream.HELD_OUT).permutation(len(names))
    chosen = {names[place] for place in order[:count]}
    held_out = np.array([group in chosen for group in groups])
    kind = "articles" if several else "contexts"
    notes.append(
        f"there is no validation split: {count:,} of {len(names):,} {kind} ({int(held_out.sum()):,} questions) are "
        "held out for it, the same ones whatever the seed"
    )
    with quiet_datasets():
        kept, held = (rows.select(np.flatnonzero(side)).flatten_indices() for side in (~held_out, held_out))
    return kept, held


def _limit(rows: Dataset, count: int | None) -> Dataset:
    return rows if count is None else rows.take(min(count, len(rows)))
