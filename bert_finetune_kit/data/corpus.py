"""A source of text → documents, one a row, written as Arrow by a stream: memory stays flat whatever the size."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import datasets
from datasets import Dataset, Features, Value

from ..compat.datasets import content_hash, no_progress_bars
from ..errors import DataError
from .documents import DocumentStyle, detect_style, iter_documents
from .files import root_cause
from .opening import Splits, describe_source
from .sample import sample_documents
from .sources import TextSource, source_to_evaluate
from .splits import TEST, limit
from .text import Lines, Records, open_text

_DOCUMENTS = Features({"text": Value("large_string")})


@dataclass(frozen=True)
class Corpus:
    """Documents of one corpus, one a row in the column `text`."""

    train: Dataset
    validation: Dataset | None
    name: str
    notes: tuple[str, ...] = ()
    validation_split: str | None = None
    """Split of the source that the validation text is; none where it is from another source, or held out."""


def load_corpus(source: TextSource) -> Corpus:
    """Load the documents of `source`.

    Raises:
        DataError: a file, folder, split or column is missing, the text is not UTF-8 or empty, or a Hub data set cannot
            be loaded.
    """
    if source.is_sample:
        train, validation = (limit(_sample(split), source.max_documents) for split in ("train", "validation"))
        return Corpus(train, validation, "the bundled sample")
    splits = open_text(source.train, source.train_split, source.hub_config, source.text_column, source.encoding)
    notes = [*splits.notes]
    train = _to_documents(splits.pick(source.train_split), source, notes)
    text, own_split = _validation_text(source, splits)
    validation = None if text is None else _to_documents(text, source, notes)
    if own_split is not None and source.validation_split is None:
        notes.append(f"evaluated on the source's own split {own_split!r}")
    return Corpus(train, validation, describe_source(source.train, source.hub_config), tuple(notes), own_split)


def _validation_text(source: TextSource, splits: Splits[Lines | Records]) -> tuple[Lines | Records | None, str | None]:
    """Return the text to evaluate on, and which split of the source it is; none where there is none."""
    if source.validation is not None:
        others = open_text(source.validation, "validation", source.hub_config, source.text_column, source.encoding)
        if source.validation_split is not None:
            return others.pick(source.validation_split), None
        return others.pick_first("validation", "test"), None
    if source.validation_split is not None:
        return splits.pick(source.validation_split), source.validation_split
    own_split = next(
        (split for split in ("validation", "test") if split in splits and split != source.train_split), None
    )
    return (None, None) if own_split is None else (splits[own_split], own_split)


def _to_documents(text: Lines | Records, source: TextSource, notes: list[str]) -> Dataset:
    style = source.documents or _detected_style(text)
    if style == "files" and isinstance(text, Records):
        raise DataError(
            "documents is 'files', and the text is in a table: set documents='records' for a document a row."
        )
    if source.documents is None and style != "records":
        note = f"documents are separated by {style.replace('_', ' ')} (detected)"
        notes += [] if note in notes else [note]
    if next(iter_documents(text, style), None) is None:
        raise DataError("The data set contains no text: every document is empty.")
    fingerprint = content_hash(["documents", 2, type(text).__name__, text.fingerprint(), style])
    try:
        with no_progress_bars():
            documents = Dataset.from_generator(
                _generate, features=_DOCUMENTS, gen_kwargs={"text": text, "style": style}, fingerprint=fingerprint
            )
    except datasets.exceptions.DatasetGenerationError as error:
        if isinstance(error.__cause__, DataError):
            raise error.__cause__ from None
        raise DataError(f"The documents cannot be written to the cache: {root_cause(error)}") from error
    if style == "records" and isinstance(text, Records) and documents.num_rows < text.dataset.num_rows:
        notes.append(f"{text.dataset.num_rows - documents.num_rows:,} empty records were skipped")
    if style == "files" and isinstance(text, Lines) and documents.num_rows < len(text.files):
        notes.append(f"{len(text.files) - documents.num_rows:,} empty files were skipped")
    return limit(documents, source.max_documents)


def _detected_style(text: Lines | Records) -> DocumentStyle:
    """Return how the documents of a text are separated: a record, or a file of several in a folder, is one of them."""
    style = detect_style(text)
    if style == "headings":
        return style
    if isinstance(text, Records):
        return "records"
    return "files" if text.in_folder and len(text.files) > 1 else style


def _generate(text: Iterable[str], style: DocumentStyle) -> Iterator[dict[str, str]]:
    for document in iter_documents(text, style):
        yield {"text": document}


def _sample(split: str) -> Dataset:
    return Dataset.from_dict({"text": ["\n".join(sentences) for sentences in sample_documents(split)]})


def load_to_evaluate(given: Any, source: TextSource) -> tuple[str, str, Dataset, tuple[str, ...]]:
    """Load documents to score a trained model on.

    Args:
        given: as `source_to_evaluate` takes it. Of several splits the one to test on is taken, else that to validate
            on.
        source: of the recipe: column of the text, and how documents are separated.

    Returns:
        The name of the data, the name of the split, its documents as in `Corpus`, and notes.

    Raises:
        DataError: it cannot be read, or has no text.
    """
    source = source_to_evaluate(given, source)
    splits = open_text(source.train, TEST, None, source.text_column, source.encoding)
    preferred = (TEST, "validation")
    split, text = next((name for name in preferred if name in splits), TEST), splits.pick_first(*preferred)
    notes = [*splits.notes]
    return splits.source, split, _to_documents(text, replace(source, max_documents=None), notes), tuple(notes)
