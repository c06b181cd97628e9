"""Questions on passages: the official nested JSON of SQuAD, the Hub's columns, flat files, or the bundled sample."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
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


def load_questions(source: QuestionSource) -> Questions:
    """Load the questions of `source`.

    Raises:
        DataError: a file, split or column is missing, there is nothing in it, or no question has an answer.
    """
    notes: list[str] = []
    if source.is_sample:
        splits = {split: as_questions(sample_questions(split)) for split in ("train", "validation")}
        name = "the bundled sample's questions"
    else:
        splits, name = _open(source.train, "train", source.hub_config), _describe(source.train)
    if "train" not in splits:
        raise DataError(f"{name} has no split 'train'. There are: {', '.join(splits)}.")
    validation = splits.get("validation")
    if source.validation is not None:
        opened = _open(source.validation, "validation", source.hub_config)
        if "validation" not in opened and len(opened) > 1:
            raise DataError(f"{_describe(source.validation)} has no split 'validation': {', '.join(opened)}.")
        validation = opened["validation"] if "validation" in opened else next(iter(opened.values()))
    train = _limit(_unique(splits["train"], "train", notes), source.max_train_examples)
    if validation is None:
        train, validation = _hold_out(train, source.validation_share, notes)
    validation = _limit(_unique(validation, "validation", notes), source.max_validation_examples)
    for split, rows in (("train", train), ("validation", validation)):
        if not any(answers["text"] for answers in rows["answers"]):
            raise DataError(
                f"None of the {len(rows):,} questions of the {split} split has an answer. Answers stand in a column "
                "`answers` with `text` and `answer_start`, as in squad_v2."
            )
    return Questions(name, train, validation, notes)


def open_questions(given: Any) -> Dataset:
    """Return the questions of a file or a `Dataset`, with or without answers."""
    return next(iter(_open(given, "given", None).values()))


def _describe(given: Any) -> str:
    if isinstance(given, list | tuple):
        return ", ".join(map(str, given))
    return str(given) if isinstance(given, str | Path) else "a data set in memory"


def _open(given: Any, split: str, config: str | None) -> dict[str, Dataset]:
    files = list(given) if isinstance(given, list | tuple) else [given]
    if all(isinstance(one, str | Path) and Path(one).expanduser().is_file() for one in files):
        return {split: _read_files(Path(one).expanduser() for one in files)}
    missing = [one for one in files if isinstance(one, str | Path) and not Path(one).expanduser().exists()]
    if len(files) > 1 and missing:
        raise missing_path(missing[0])
    if len(files) == 1 and isinstance(files[0], str | Path) and Path(files[0]).expanduser().is_dir():
        return _read_folder(Path(files[0]).expanduser(), split)
    if isinstance(given, str) and given in QA_TASKS:
        given = QA_TASKS[given].dataset
    return {
        name: as_questions(_flat(table, _describe(given))) for name, table in open_tables(given, split, config).items()
    }


def _read_folder(folder: Path, split: str) -> dict[str, Dataset]:
    """Read the files of a folder whose names tell their split, such as train-v2.0.json; else all of them as one."""
    files = [file for file in sorted(folder.rglob("*")) if Path(file.name.removesuffix(".gz")).suffix in _FILES]
    if not files:
        raise DataError(f"The folder {folder} holds no file of questions ({', '.join(_FILES)}, or .gz of these).")
    told = {name: [file for file in files if split_of(file, folder) == name] for name in SPLITS}
    known = {name: found for name, found in told.items() if found}
    return {name: _read_files(found) for name, found in (known or {split: files}).items()}


def _read_files(files: Iterable[Path]) -> Dataset:
    return as_questions(row for file in files for row in _read_file(file))


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
                        "title": article.get("title") or "",
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
        yield {
            "id": str(row.get("id", number)),
            "title": row.get("title") or "",
            "context": row["context"] or "",
            "question": row["question"] or "",
            "answers": _answers(row.get("answers"), f"{name}, row {number}"),
        }


def _answers(given: Any, where: str) -> dict[str, list[Any]]:
    """Return answers as the Hub's columns have them: a dict of lists; a list with a dict for each is taken, too."""
    if given is None:
        return _NO_ANSWERS
    try:
        if isinstance(given, list):
            given = {key: [answer[key] for answer in given] for key in _NO_ANSWERS}
        answers = {key: [kind(value) for value in given[key]] for key, kind in (("text", str), ("answer_start", int))}
        if len(answers["text"]) == len(answers["answer_start"]):
            return answers
    except (KeyError, TypeError, ValueError):
        pass
    raise DataError(
        f"{where}: the answers are {given!r}. Needed is a dict of `text` and `answer_start`, two lists of one length "
        "(empty for no answer), or a list with such a dict for each answer."
    )


def as_questions(rows: Any) -> Dataset:
    """Return questions as a `Dataset` with all columns, from dicts or from a dict of lists; what is lacking is empty.

    Raises:
        DataError: there are none.
    """
    if isinstance(rows, dict):
        rows = [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)]
    listed = [{"id": str(number), "title": "", "answers": _NO_ANSWERS, **row} for number, row in enumerate(rows)]
    if not listed:
        raise DataError("The data set has no questions.")
    return Dataset.from_list([{column: row[column] for column in COLUMNS} for row in listed], features=_FEATURES)


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


def _hold_out(rows: Dataset, share: float, notes: list[str]) -> tuple[Dataset, Dataset]:
    """Return the questions to learn from and, of whole articles (without titles of whole contexts), those held out."""
    titles, contexts = rows["title"][:], rows["context"][:]
    groups = titles if len(set(titles)) > 1 else contexts
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
    kind = "articles" if groups is titles else "contexts"
    notes.append(
        f"there is no validation split: {count:,} of {len(names):,} {kind} ({int(held_out.sum()):,} questions) are "
        "held out for it, the same ones whatever the seed"
    )
    with quiet_datasets():
        kept, held = (rows.select(np.flatnonzero(side)).flatten_indices() for side in (~held_out, held_out))
    return kept, held


def _limit(rows: Dataset, count: int | None) -> Dataset:
    return rows if count is None else rows.take(min(count, len(rows)))
