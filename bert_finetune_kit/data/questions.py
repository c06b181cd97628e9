"""Questions of a source: the splits to train and evaluate on, with unique ids."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset

from ..compat.datasets import no_progress_bars
from ..errors import DataError
from .columns import did_you_mean
from .opening import DataLike, Splits, open_splits
from .question_rows import COLUMNS, as_questions, read_questions
from .sample import sample_questions
from .sources import QuestionSource, source_to_evaluate
from .splits import TEST, held_out_note, hold_out, limit
from .tables import TABLE_FORMATS, read_table


@dataclass(frozen=True)
class Questions:
    """Questions of the splits, each a row of `id`, `title`, `context`, `question` and `answers`."""

    name: str
    train: Dataset
    validation: Dataset
    notes: tuple[str, ...] = ()
    held_out: bool = False
    """Whether the validation split was held out of the train split."""


def load_questions(source: QuestionSource) -> Questions:
    """Load the questions of `source`.

    Raises:
        DataError: a file, split or column is missing or empty, or no training question has an answer.
    """
    loaded = load_splits(source)
    train, validation, notes = loaded.train, loaded.validation, list(loaded.notes)
    if validation is None:
        train, validation, note = hold_out_questions(train, source.validation_share)
        notes.append(note)
    train, validation = limit(train, source.max_train_examples), limit(validation, source.max_validation_examples)
    if not any(answers["text"] for answers in train["answers"]):
        raise DataError(
            f"None of the {len(train):,} questions that are left to train on has an answer: raise max_train_examples, "
            "or give validation, so that none are held out."
        )
    return Questions(loaded.name, train, validation, tuple(notes), loaded.validation is None)


@dataclass(frozen=True)
class LoadedSplits:
    """Questions of the splits that a source has."""

    name: str
    train: Dataset
    """As in `Questions`."""
    validation: Dataset | None
    """None where the source has no validation split."""
    notes: tuple[str, ...]


def load_splits(source: QuestionSource) -> LoadedSplits:
    """Load the questions of `source` as they are in it, with unique ids; nothing is held out or limited.

    Raises:
        DataError: a file, split or column is missing or empty.
    """
    notes: list[str] = []
    if source.is_sample:
        sample = {split: as_questions(sample_questions(split)) for split in ("train", "validation")}
        splits = Splits("the bundled sample's questions", sample, read_table)
    else:
        splits = open_questions(source.train, "train", source.hub_config, source.encoding)
    notes += splits.notes
    train = splits.pick("train")
    _check_answers(train, f"the train split of {splits.source}", needs_one=True)
    train = _checked(train, "train", notes)
    if source.validation is not None:
        others = open_questions(source.validation, "validation", source.hub_config, source.encoding)
        validation, name = others.pick_first("validation"), others.source
    else:
        validation, name = splits.get("validation"), f"the validation split of {splits.source}"
    if validation is not None:
        _check_answers(validation, name)
        validation = _checked(validation, "validation", notes)
    return LoadedSplits(splits.source, train, validation, tuple(notes))


def open_questions(
    given: DataLike, split: str = "train", config: str | None = None, encoding: str | None = None
) -> Splits[Dataset]:
    """Open questions, with or without answers, as splits by name; a split is read when it is looked up.

    Args:
        given: squad, squad_v2, another Hub id, file, folder, list of files, `Dataset` or `DatasetDict`. Files are .json
            (of the official format, too), .jsonl, .parquet, .csv and .tsv, or .gz of these.
        split: name for what has no splits of its own.
        config: configuration of a Hub data set.
        encoding: of files of text; none means UTF-8, or what a byte order mark says.

    Raises:
        DataError: it is missing; and when a split is looked up, it is empty or contains something else.
    """
    return open_splits(given, read_questions, TABLE_FORMATS, split, config, encoding)


def _check_answers(rows: Dataset, name: str, needs_one: bool = False) -> None:
    """Check that there is something to compare predictions with.

    Args:
        rows: questions.
        name: of the data.
        needs_one: whether at least one question must have an answer; otherwise a column for answers is enough, or one
            that tells which questions have none.

    Raises:
        DataError: there is not; the message has a similar column.
    """
    if any(answers["text"] for answers in rows["answers"]):
        return
    columns = rows["other_columns"][:]
    if not needs_one and (None in columns or any(rows["is_impossible"])):
        return
    raise no_answers(rows, name)


def no_answers(rows: Dataset, name: str) -> DataError:
    """Return the error for questions without a single answer."""
    others = next((columns for columns in rows["other_columns"] if columns), None)
    found = ""
    if others is not None:
        found = f" There is no column 'answers'{did_you_mean('answers', others.split(', '))}. Columns: {others}."
    return DataError(
        f"None of the {len(rows):,} questions of {name} has an answer to compare with.{found} Put answers into a "
        "column `answers`: a text, or `text` and `answer_start` as in squad_v2; for questions that really have none, "
        "set is_impossible. To answer questions without answers, use predict_file(), or predict RUN FILE --output on "
        "the command line."
    )


def _checked(rows: Dataset, split: str, notes: list[str]) -> Dataset:
    """Return the questions with unique ids and without `is_impossible`; count where that contradicts the answers."""
    ids, flags = rows["id"][:], rows["is_impossible"][:]
    answered = [bool(answers["text"]) for answers in rows["answers"]]
    consequences = {
        True: "are is_impossible and have answers: they count as answerable, as in the official evaluation",
        False: "have is_impossible false and no answers: they count as questions without an answer",
    }
    for flag, consequence in consequences.items():
        wrong = [id_ for id_, own, has in zip(ids, flags, answered, strict=True) if own is flag and has is flag]
        if wrong:
            shown = f"{', '.join(wrong[:5])}{' …' if len(wrong) > 5 else ''}"
            notes.append(f"{len(wrong):,} questions of the {split} split {consequence}: {shown}")
    return _with_unique_ids(rows.select_columns(list(COLUMNS)), split, notes)


def _with_unique_ids(rows: Dataset, split: str, notes: list[str]) -> Dataset:
    """Replace the ids of questions that share one."""
    ids = rows["id"][:]
    used = set(ids)
    if len(used) == len(ids):
        return rows
    seen: Counter[str] = Counter()
    unique = []
    for id_ in ids:
        seen[id_] += 1
        new = id_
        while seen[id_] > 1 and new in used:
            new = f"{id_}#{seen[id_]}"
            seen[id_] += new in used
        used.add(new)
        unique.append(new)
    count = sum(old != new for old, new in zip(ids, unique, strict=True))
    notes.append(f"{count:,} questions of the {split} split repeated an earlier id and were renamed")
    return rows.remove_columns("id").add_column("id", unique).select_columns(list(COLUMNS))


def passages(titles: Sequence[str], contexts: Sequence[str]) -> list[str]:
    """Return the passage of each question: its article, and where it has no title its context."""
    return [title or context for title, context in zip(titles, contexts, strict=True)]


def hold_out_questions(rows: Dataset, share: float) -> tuple[Dataset, Dataset, str]:
    """Return the questions to train on, those held out, of whole articles, and a note.

    Args:
        rows: as in `Questions`.
        share: of the articles to hold out.

    Raises:
        DataError: there is one article alone.
    """
    groups, unit = articles(rows)
    kept, held_out = hold_out(groups, share, unit=unit)
    groups_held_out = {groups[row] for row in held_out}
    note = held_out_note(len(groups_held_out), len(set(groups)), unit, f"{len(held_out):,} questions")
    with no_progress_bars():
        train, validation = (rows.select(chosen).flatten_indices() for chosen in (kept, held_out))
    return train, validation, note


def articles(rows: Dataset) -> tuple[list[str], str]:
    """Return the article of each question or, without titles, its context; and what it is called."""
    titles, contexts = rows["title"][:], rows["context"][:]
    has_articles = len(set(titles)) > 1
    return passages(titles, contexts) if has_articles else contexts, "article" if has_articles else "context"


@dataclass(frozen=True)
class EvaluationQuestions:
    """Questions to score a trained model on."""

    name: str
    """Name of the data."""
    split: str
    """Name of their split."""
    rows: Dataset
    """As in `Questions`."""
    notes: tuple[str, ...]


def load_to_evaluate(given: Any, source: QuestionSource) -> EvaluationQuestions:
    """Load questions with answers to score a trained model on.

    Args:
        given: as `source_to_evaluate` takes it. Of several splits the one to test on is taken, else that to validate
            on.
        source: of the recipe.

    Raises:
        DataError: it cannot be read, or no question has an answer and none is marked as having none.
    """
    source = source_to_evaluate(given, source)
    splits = open_questions(source.train, TEST, None, source.encoding)
    preferred = (TEST, "validation")
    split, rows = next((name for name in preferred if name in splits), TEST), splits.pick_first(*preferred)
    if not any(rows["is_impossible"]) and not any(answers["text"] for answers in rows["answers"]):
        raise no_answers(rows, splits.source)
    notes: list[str] = [*splits.notes]
    return EvaluationQuestions(splits.source, split, _checked(rows, split, notes), tuple(notes))
