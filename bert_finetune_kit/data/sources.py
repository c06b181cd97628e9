"""Sources as settings: where text, labelled examples and questions come from."""

from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from types import NoneType
from typing import Any, ClassVar, TypeVar

from ..errors import ConfigError, raise_faults
from ..settings import setting
from .documents import DOCUMENT_STYLES, DocumentStyle
from .memory import as_dataset, check_named

_WHAT = (
    "Hub id, file, folder, list of files, or data in memory (Dataset, DatasetDict, DataFrame, list of dicts, dict of "
    "columns or of splits)"
)
# Types of fields → what their values must be, and how a message calls that.
_TYPES: dict[Any, tuple[Any, str]] = {
    str: (str, "a name"),
    str | None: ((str, NoneType), "one name"),
    int | None: ((Integral, NoneType), "a whole number"),
    float: (Real, "a number"),
}
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
    encoding: str | None = setting(
        None, "Encoding of files of text, such as latin-1 or cp1252. Default: UTF-8, or what a byte order mark says."
    )

    @property
    def is_sample(self) -> bool:
        """Whether this is the bundled sample."""
        return self.default_is_sample and self.train is None and self.validation is None

    def __post_init__(self) -> None:
        for name in ("train", "validation"):
            given = as_dataset(getattr(self, name))
            check_named(given)
            if isinstance(given, list | tuple) and len(given) == 1:  # a command line passes a single name as a list
                given = given[0]
            object.__setattr__(self, name, given)
        raise_faults(self._wrong_types() or self._faults(), type(self).__name__)

    def _wrong_types(self) -> list[str]:
        """Return the faults of names and numbers of another type; further checks compare numbers."""
        faults = []
        for field in fields(self):
            value = getattr(self, field.name)
            types, wanted = _TYPES.get(field.type, (object, ""))
            if not isinstance(value, types) or (isinstance(value, bool) and wanted):
                faults.append(f"{field.name} is {value!r}: give {wanted}")
        return faults

    def _faults(self) -> list[str]:
        faults = []
        if self.default_is_sample and self.train is None and self.validation is not None:
            faults.append("validation is given without train: there is nothing to train on")
        if self.encoding is not None and not _is_encoding(self.encoding):
            faults.append(f"encoding is {self.encoding!r}, which there is not: give one such as 'latin-1' or 'cp1252'")
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
        None,
        "How documents are separated: headings, blank_lines, records or files (each file is one). Default: each .txt "
        "file of a folder is one, unless the text has headings; elsewhere detected from the text.",
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
    group: str | None = setting(
        None,
        "Column by which examples belong together, such as their author: where a share is held out, it is of whole "
        "groups.",
    )


@dataclass(frozen=True)
class QuestionSource(DataSource):
    """Questions to train on, and questions to evaluate on."""

    train: Any = setting(None, f"squad, squad_v2, another {_WHAT}; none means the bundled sample.")
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


def _is_encoding(name: str) -> bool:
    try:
        "".encode(name)
    except LookupError:
        return False
    return True


SourceT = TypeVar("SourceT", bound=DataSource)


def as_source(kind: type[SourceT], given: Any, validation: Any = None) -> SourceT:
    """Return as a source what a recipe was given: a source, or data to train on, and data to evaluate on.

    Args:
        kind: class of the sources of the recipe.
        given: a source of this class, or what its field `train` takes.
        validation: what its field `validation` takes.

    Raises:
        ConfigError: the source is that of another recipe, or has data to evaluate on, too.
    """
    if not isinstance(given, DataSource):
        return kind(train=given, validation=validation)
    if not isinstance(given, kind):
        raise ConfigError(f"The source is a {type(given).__name__}: this recipe takes a {kind.__name__}.")
    if validation is not None and given.validation is not None:
        raise ConfigError(f"validation is given twice, by validation= and in the {kind.__name__}: remove one of them.")
    return given if validation is None else replace(given, validation=validation)


def source_to_evaluate(given: Any, source: SourceT) -> SourceT:
    """Return the source whose `train` is to be evaluated: the given one, or that of a recipe with other data.

    Args:
        given: a source of the same class, or what its field `train` takes.
        source: of the recipe, which says how files are written.

    Raises:
        ConfigError: the given source is that of another recipe.
    """
    if isinstance(given, DataSource):
        return as_source(type(source), given)
    return replace(source, train=given, validation=None)
