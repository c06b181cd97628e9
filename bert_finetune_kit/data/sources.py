"""Sources as settings: where text, labelled examples and questions come from."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from ..errors import raise_faults
from ..settings import setting
from .documents import DOCUMENT_STYLES, DocumentStyle

_WHAT = "Hub id, file, folder, list of files, Dataset or DatasetDict"
_VALIDATION_SHARE = "Share of the {} held out for evaluation where nothing else is given."


@dataclass(frozen=True)
class DataSource:
    """What every source has: data to train on, data to evaluate on, a share to hold out, and limits."""

    heading: ClassVar[str] = "Data"
    default_is_sample: ClassVar[bool] = True
    """Whether no data mean the bundled sample; otherwise they mean the data set of a task."""

    train: Any = setting(None, f"{_WHAT} to train on; none means the bundled sample.")
    validation: Any = setting(None, "The same for evaluation.")
    validation_share: float = setting(0.1, _VALIDATION_SHARE.format("examples"))

    @property
    def is_sample(self) -> bool:
        """Whether this is the bundled sample."""
        return self.default_is_sample and self.train is None and self.validation is None

    def __post_init__(self) -> None:
        for name in ("train", "validation"):
            given = getattr(self, name)
            if isinstance(given, list | tuple) and len(given) == 1:  # a command line passes a single name as a list
                object.__setattr__(self, name, given[0])
        raise_faults(self._faults(), type(self).__name__)

    def _faults(self) -> list[str]:
        faults = []
        if self.default_is_sample and self.train is None and self.validation is not None:
            faults.append("validation is given without train: there is nothing to train on")
        if not 0 < self.validation_share < 1:
            faults.append(f"validation_share is {self.validation_share}: it must be between 0 and 1")
        for name in (field.name for field in fields(self) if field.name.startswith("max_")):
            count = getattr(self, name)
            if count is not None and count < 1:
                faults.append(f"{name} is {count}: it must be at least 1")
        return faults


@dataclass(frozen=True)
class TextSource(DataSource):
    """A corpus to pretrain on, and the text to evaluate on."""

    train: Any = setting(None, f"{_WHAT}; none means the bundled sample.")
    validation: Any = setting(
        None, "The same for the text to evaluate on; none means the source's own validation split, or a share of it."
    )
    hub_config: str | None = setting(None, "Configuration of the Hub data set, such as wikitext-2-raw-v1.")
    train_split: str = setting("train", "Split to train on, where the source has splits.")
    validation_split: str | None = setting(
        None, "Split to evaluate on; none means validation, else test, where the source has them."
    )
    text_column: str | None = setting(None, "Column of the text; none means text, or the only column of strings.")
    documents: DocumentStyle | None = setting(
        None, "How documents are separated: headings, blank_lines or records; none means detected from the text."
    )
    validation_share: float = setting(0.05, _VALIDATION_SHARE.format("documents"))
    max_documents: int | None = setting(None, "Use the first n documents of each split; none means all.")

    def _faults(self) -> list[str]:
        faults = super()._faults()
        if self.documents is not None and self.documents not in DOCUMENT_STYLES:
            faults.append(f"documents is {self.documents!r}: it must be one of {', '.join(DOCUMENT_STYLES)}")
        return faults


@dataclass(frozen=True)
class LabelledSource(DataSource):
    """Labelled examples to train on and to evaluate on, in place of the data set that a task names."""

    default_is_sample: ClassVar[bool] = False

    train: Any = setting(None, f"{_WHAT}; none means the data set of the task.")
    validation: Any = setting(
        None, "The same for evaluation; none means the data set's own splits, or a share of its train split."
    )
    train_split: str = setting("train", "Split to train on, where the data set has splits.")
    validation_share: float = setting(0.1, _VALIDATION_SHARE.format("examples"))
    column_names: list[str] | None = setting(
        None, "Names of the columns, for .csv and .tsv files without a header line."
    )
    max_train_examples: int | None = setting(None, "Train on the first n examples; none means all.")
    max_validation_examples: int | None = setting(
        None, "Evaluate on the first n examples of each split; none means all."
    )


@dataclass(frozen=True)
class QuestionSource(DataSource):
    """Questions to train on, and questions to evaluate on."""

    train: Any = setting(
        None, f"squad, squad_v2, another {_WHAT} (files of several data sets, too); none means the bundled sample."
    )
    validation: Any = setting(
        None, "The same for evaluation; none means the data set's own validation split, or a share of its articles."
    )
    hub_config: str | None = setting(None, "Configuration of the Hub data set.")
    validation_share: float = setting(0.1, _VALIDATION_SHARE.format("articles"))
    max_train_examples: int | None = setting(
        None, "Train on the first n questions, with all of their windows; none means all."
    )
    max_validation_examples: int | None = setting(
        None, "Evaluate on the first n questions, with all of their windows; none means all."
    )
