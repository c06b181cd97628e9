"""A classification or regression task as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from ..errors import raise_faults

Kind = Literal["single_label", "multi_label", "regression"]

_DEFAULT_METRICS = {
    "single_label": ("accuracy", "f1_macro"),
    "multi_label": ("f1_micro", "f1_macro", "accuracy"),
    "regression": ("pearson", "spearman"),
}


@dataclass(frozen=True)
class Published:
    """A published result of a task, for comparison."""

    source: str
    """The model, and where its scores are published."""
    scores: Mapping[str, float]
    """Scores by metric, as a share of 1 (for questions in percent); by `split_metric` for several splits."""
    parameters: int | None = None
    """Of that model; none where it is not known."""
    examples: Mapping[str, int] = field(default_factory=dict)
    """The splits that were scored, such as `validation` or `test`, with their number of examples; empty where they are
    not known."""
    caveat: str = ""
    """Why the scores are comparable with no others, such as a threshold chosen on the same questions."""


@dataclass(frozen=True)
class ClassificationTask:
    """Declaration of a classification or regression: columns, labels and metrics.

    >>> ClassificationTask("boolq", "google/boolq", text="question", text_pair="passage", label="answer").metrics
    ('accuracy', 'f1_macro')
    """

    name: str
    """Unique name of the task."""
    dataset: Any = None
    """Hub id, file, folder, list of files, `Dataset` or `DatasetDict`; none means that the recipe gets a source."""
    hub_config: str | None = None
    """Configuration of the Hub data set."""
    text: str = "text"
    """Column of the text."""
    text_pair: str | None = None
    """Column of the second text, for sentence-pair tasks."""
    label: str | tuple[str, ...] = "label"
    """Column of the label; several columns of 0 and 1 for a multi_label task."""
    labels: tuple[str, ...] | None = None
    """Names of the labels, in the order of their ids; none means those of the data, in sorted order."""
    kind: Kind = "single_label"
    """single_label (one of the labels), multi_label (any number of them) or regression (a number)."""
    metrics: tuple[Any, ...] = ()
    """Names of metrics, functions of references and predictions, or `evaluate` modules by name, path or object; none
    means the default metrics of the kind."""
    best_metric: str | None = None
    """Metric to choose the best checkpoint by; none means the first of `metrics`."""
    validation_splits: tuple[str, ...] = ("validation",)
    """Splits to evaluate on."""
    published: Published | tuple[Published, ...] | None = field(default=None, repr=False)
    """Published results, for comparison; the first one is shown beside the scores."""
    label_separator: str | None = None
    """What stands between the labels in a cell of a multi_label task, such as ";" in "news;sport"; none means that the
    cells are lists."""

    def __post_init__(self) -> None:
        for name in ("labels", "metrics", "validation_splits"):  # YAML gives lists
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        if isinstance(self.label, list):
            object.__setattr__(self, "label", tuple(self.label))
        raise_faults(self._wrong_columns() or self._faults(), f"ClassificationTask {self.name!r}")
        if not self.metrics:
            object.__setattr__(self, "metrics", _DEFAULT_METRICS[self.kind])
        if self.best_metric is None and isinstance(self.metrics[0], str):
            object.__setattr__(self, "best_metric", self.metrics[0])

    @property
    def published_results(self) -> tuple[Published, ...]:
        """All published results."""
        if self.published is None:
            return ()
        return (self.published,) if isinstance(self.published, Published) else tuple(self.published)

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Columns of the texts."""
        return (self.text,) if self.text_pair is None else (self.text, self.text_pair)

    def _wrong_columns(self) -> list[str]:
        """Return the faults of columns that are no names; further checks compare names with each other."""
        faults = []
        for name in ("text", "text_pair", "label_separator"):
            value = getattr(self, name)
            if isinstance(value, str) or (value is None and name != "text"):
                continue
            advice = "give one text" if name == "label_separator" else "give the name of one column"
            if isinstance(value, list | tuple) and len(value) == 2 and (name, self.text_pair) == ("text", None):
                advice = f"text is one column, the second one is text_pair={value[1]!r}"
            faults.append(f"{name} is {value!r}: {advice}")
        names = self.label if isinstance(self.label, tuple) else (self.label,)
        if not names or any(not isinstance(name, str) for name in names):
            faults.append(f"label is {self.label!r}: give the name of a column, or of several for a multi_label task")
        return faults

    def _faults(self) -> list[str]:
        faults = []
        if not self.name or not isinstance(self.name, str):
            faults.append("name is empty: a task needs a unique name")
        if self.kind not in get_args(Kind):
            faults.append(f"kind is {self.kind!r}: it must be one of {', '.join(get_args(Kind))}")
        for name in ("labels", "metrics", "validation_splits"):
            if callable(getattr(self, name)):
                faults.append(f"{name} is a function: give a tuple, such as ('accuracy', my_metric)")
            if isinstance(getattr(self, name), str):
                faults.append(f"{name} is {getattr(self, name)!r}: give a tuple, such as ({getattr(self, name)!r},)")
        if not self.validation_splits:
            faults.append("validation_splits is empty: name at least one split to evaluate on")
        labels = self.labels if isinstance(self.labels, tuple) else ()
        if self.labels is not None and self.kind == "regression":
            faults.append("labels are set, and kind is 'regression', which has none: remove them")
        elif self.labels is not None and not isinstance(self.labels, str):
            if any(not isinstance(name, str) for name in labels):
                faults.append(f"labels are {labels}: label names must be strings")
            elif len(set(labels)) < len(labels):
                faults.append(f"labels are {labels}: each name must be unique")
            elif len(labels) < 2 and self.kind == "single_label":
                faults.append(f"labels are {labels}: at least two are needed")
        if isinstance(self.label, tuple) and self.kind != "multi_label":
            faults.append(
                f"label names {len(self.label)} columns, and kind is {self.kind!r}: several need kind 'multi_label'"
            )
        if isinstance(self.label, tuple) and self.labels is not None and len(self.labels) != len(self.label):
            faults.append(
                f"label names {len(self.label)} columns, and labels {len(self.labels)} names: give one name per column"
            )
        if self.label_separator is not None and (self.kind != "multi_label" or isinstance(self.label, tuple)):
            faults.append(
                f"label_separator is {self.label_separator!r}: only a column with several labels in a cell has one; "
                "set kind='multi_label' and label to that column, or remove it"
            )
        elif self.label_separator == "":
            faults.append("label_separator is empty: give the characters between two labels, such as ';'")
        columns = [self.text, self.text_pair, *([self.label] if isinstance(self.label, str) else self.label)]
        named = [column for column in columns if column is not None]
        if len(set(named)) < len(named):
            faults.append(f"text, text_pair and label name {', '.join(map(repr, named))}: each needs its own column")
        return faults
