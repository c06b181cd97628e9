"""Where text comes from: a Hub id, local files or folders, a `Dataset` in memory, or the bundled sample.

Everything ends as one `datasets.Dataset` a split with one document a row in the column `text`, written as Arrow by a
stream, so that memory stays flat however large the corpus is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import datasets
from datasets import Dataset, DatasetDict, Features, Value
from datasets.fingerprint import Hasher

from ..errors import DataError, raise_faults
from .documents import DOCUMENT_STYLES, DocumentStyle, detect_style, iter_documents
from .readers import Lines, Records, open_text, quiet_datasets, root_cause
from .sample import sample_documents

_DOCUMENTS = Features({"text": Value("large_string")})


@dataclass(frozen=True)
class TextSource:
    """A corpus to pretrain on, and what it is evaluated on."""

    train: Any = None
    """Hub id, file, folder, list of files, `Dataset` or `DatasetDict`; none means the bundled sample."""
    validation: Any = None
    """The same for the text to evaluate on; none means the source's own validation split, or a share of it."""
    hub_config: str | None = None
    """Configuration of the Hub data set, such as wikitext-2-raw-v1."""
    train_split: str = "train"
    """Split to train on, where the source has splits."""
    validation_split: str | None = None
    """Split to evaluate on; none means validation, else test, where the source has them."""
    text_column: str | None = None
    """Column that holds the text; none means `text`, or the only column of strings."""
    documents: DocumentStyle | None = None
    """How documents are set apart: headings, blank_lines or records; none means as the text itself shows."""
    validation_share: float = 0.05
    """Share of the documents held out for evaluation where nothing else is given."""
    max_documents: int | None = None
    """Use only the first so many documents of each split; none means all."""

    @property
    def is_sample(self) -> bool:
        """Whether this is the bundled sample."""
        return self.train is None and self.validation is None

    def __post_init__(self) -> None:
        faults = []
        if self.train is None and self.validation is not None:
            faults.append("validation is given without train: there is nothing to train on")
        if self.documents is not None and self.documents not in DOCUMENT_STYLES:
            faults.append(f"documents is {self.documents!r}: it can be {', '.join(DOCUMENT_STYLES)}")
        if not 0 < self.validation_share < 1:
            faults.append(f"validation_share is {self.validation_share}: a share lies between 0 and 1")
        if self.max_documents is not None and self.max_documents < 1:
            faults.append(f"max_documents is {self.max_documents}: at least one document is needed")
        raise_faults(faults, "TextSource")


@dataclass(frozen=True)
class Corpus:
    """Documents of one corpus, one a row in the column `text`."""

    train: Dataset
    validation: Dataset | None
    name: str
    notes: tuple[str, ...] = ()
    validation_split: str | None = None
    """Split of the source itself that the validation text is; none where it is another source, or held out."""


def load_corpus(source: TextSource) -> Corpus:
    """Load the documents of `source`.

    Raises:
        DataError: a file, folder, split or column is missing, the text is not UTF-8, there is nothing in it, or a
            Hub data set cannot be had.
    """
    if source.is_sample:
        train, validation = (Dataset.from_dict(_sample_rows(split)) for split in ("train", "validation"))
        return Corpus(_limit(train, source), _limit(validation, source), "the bundled sample")
    splits = open_text(source.train, source.train_split, source.hub_config, source.text_column)
    notes: list[str] = []
    own: str | None = None
    train = _to_documents(_pick(splits, source.train_split, source.train), source, notes)
    validation = None
    if source.validation is not None:
        opened = open_text(source.validation, "validation", source.hub_config, source.text_column)
        wanted = source.validation_split or next(iter(opened))
        validation = _to_documents(_pick(opened, wanted, source.validation), source, notes)
    elif source.validation_split is not None:
        own = source.validation_split
        validation = _to_documents(_pick(splits, own, source.train), source, notes)
    else:
        own = next((name for name in ("validation", "test") if name in splits and name != source.train_split), None)
        if own is not None:
            validation = _to_documents(splits[own], source, notes)
            notes.append(f"evaluated on the source's own split {own!r}")
    name = _describe(source.train) + (f" ({source.hub_config})" if source.hub_config else "")
    return Corpus(train, validation, name, tuple(notes), own)


def _pick(splits: dict[str, Lines | Records], wanted: str, given: Any) -> Lines | Records:
    if wanted not in splits:
        raise DataError(f"{_describe(given)} has no split {wanted!r}. There are: {', '.join(splits)}.")
    return splits[wanted]


def _to_documents(rows: Lines | Records, source: TextSource, notes: list[str]) -> Dataset:
    style: DocumentStyle = source.documents or detect_style(rows)
    if source.documents is None and style == "blank_lines" and isinstance(rows, Records):
        style = "records"
    if source.documents is None and style != "records":
        note = f"documents were set apart by {style.replace('_', ' ')}, as the text shows"
        notes += [] if note in notes else [note]
    if next(iter_documents(rows, style), None) is None:
        raise DataError("The data set holds no text: every document is empty.")
    fingerprint = Hasher.hash(["documents", 1, type(rows).__name__, rows.fingerprint(), style])
    try:
        with quiet_datasets():
            documents = Dataset.from_generator(
                _generate, features=_DOCUMENTS, gen_kwargs={"rows": rows, "style": style}, fingerprint=fingerprint
            )
    except datasets.exceptions.DatasetGenerationError as error:
        if isinstance(error.__cause__, DataError):
            raise error.__cause__ from None
        raise DataError(f"The documents cannot be written: {root_cause(error)}") from error
    if style == "records" and isinstance(rows, Records) and documents.num_rows < rows.dataset.num_rows:
        notes.append(f"{rows.dataset.num_rows - documents.num_rows:,} empty records were left out")
    return _limit(documents, source)


def _generate(rows: Iterable[str], style: DocumentStyle) -> Iterator[dict[str, str]]:
    for text in iter_documents(rows, style):
        yield {"text": text}


def _limit(documents: Dataset, source: TextSource) -> Dataset:
    if source.max_documents is None:
        return documents
    return documents.take(min(source.max_documents, documents.num_rows))


def _sample_rows(split: str) -> dict[str, list[str]]:
    return {"text": ["\n".join(sentences) for sentences in sample_documents(split)]}


def _describe(given: Any) -> str:
    if isinstance(given, Dataset | DatasetDict):
        return "a data set in memory"
    if isinstance(given, list | tuple):
        return ", ".join(str(file) for file in given)
    return str(given)
