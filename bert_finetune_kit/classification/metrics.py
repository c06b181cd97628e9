"""Logits → predictions → scores; scikit-learn and scipy compute them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special, stats
from sklearn import metrics as sk

from ..data.readers import root_cause
from ..errors import ConfigError
from ..reporting.report import Score
from ..tasks.task import Kind


@dataclass(frozen=True)
class Predictions:
    """What a model says of a split, beside what is true."""

    references: np.ndarray
    """(examples,) ids, (examples, labels) of 0 and 1, or (examples,) targets."""
    predictions: np.ndarray
    """The same, as the model has it."""
    probabilities: np.ndarray
    """(examples, labels); of a regression the predictions."""

    def take(self, rows: np.ndarray) -> "Predictions":
        """Return some of the examples."""
        return Predictions(self.references[rows], self.predictions[rows], self.probabilities[rows])


def decode(logits: np.ndarray, references: np.ndarray, kind: Kind, threshold: float = 0.5) -> Predictions:
    """Turn logits (examples, labels) into predictions and probabilities."""
    logits = np.asarray(logits, np.float64)
    if kind == "regression":
        return Predictions(references, logits[:, 0], logits[:, 0])
    if kind == "multi_label":
        probabilities = special.expit(logits)
        return Predictions(references, (probabilities >= threshold).astype(np.int64), probabilities)
    return Predictions(references, logits.argmax(1), special.softmax(logits, axis=1))


def confidences(told: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of each prediction, and whether it is right, both (predictions,).

    In a multi_label task every label of every example is one.
    """
    if told.references.ndim == 2:
        confidence = np.where(told.predictions == 1, told.probabilities, 1 - told.probabilities)
        return confidence.ravel(), (told.predictions == told.references).ravel()
    return told.probabilities.max(1), told.predictions == told.references


def bin_of(confidence: np.ndarray, bins: int) -> np.ndarray:
    """Return which of `bins` of equal width, from 0 to 1, each confidence falls into."""
    return np.minimum((confidence * bins).astype(int), bins - 1)


def expected_calibration_error(told: Predictions, bins: int = 15) -> float:
    """Return how far confidence and accuracy are apart, the mean over bins of equal width (Guo et al. 2017)."""
    return calibration_gaps(*confidences(told), bins)


def calibration_gaps(confidence: np.ndarray, correct: np.ndarray, bins: int = 15) -> float:
    """Return the calibration error of `confidences`."""
    gaps = np.bincount(bin_of(confidence, bins), weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


@dataclass(frozen=True)
class Metric:
    """A score by name, and for which kinds of task it is."""

    score: Callable[[Predictions], float]
    meaning: str
    kinds: Sequence[Kind] = ("single_label", "multi_label")
    lower_is_better: bool = False
    form: str = ".1%"
    binary: bool = False
    """Whether it is about the label with id 1 alone, which tasks of two labels have."""


def _classes(function: Callable[..., float], average: str) -> Callable[[Predictions], float]:
    return lambda told: float(function(told.references, told.predictions, average=average, zero_division=0.0))


def _plain(function: Callable[..., float]) -> Callable[[Predictions], float]:
    return lambda told: float(function(told.references, told.predictions))


def _correlation(function: Callable[..., Any]) -> Callable[[Predictions], float]:
    def score(told: Predictions) -> float:
        if np.ptp(told.predictions) == 0 or np.ptp(told.references) == 0:
            return 0.0  # undefined: one number for everything tells nothing
        return float(function(told.predictions, told.references).statistic)

    return score


_WRITTEN = {"f1": "F1", "mse": "MSE", "mae": "MAE"} | {
    name.lower(): name for name in ("Matthews", "Pearson", "Spearman")
}  # fmt: skip


def label_of(name: str) -> str:
    """Return the name of a metric as people write it.

    >>> label_of("f1_macro"), label_of("matthews")
    ('F1 macro', 'Matthews')
    """
    return " ".join(_WRITTEN.get(word, word) for word in name.split("_"))


_ONE: Sequence[Kind] = ("single_label",)
_NUMBER: Sequence[Kind] = ("regression",)
METRICS = {
    "accuracy": Metric(_plain(sk.accuracy_score), "share of the examples that are wholly right."),
    "f1": Metric(
        _classes(sk.f1_score, "binary"),
        "harmonic mean of precision and recall of the second label; saying it always scores high where it is frequent.",
        _ONE, binary=True,
    ),
    "precision": Metric(
        _classes(sk.precision_score, "binary"), "share of the second label that is said rightly.", _ONE, binary=True
    ),
    "recall": Metric(
        _classes(sk.recall_score, "binary"), "share of the second label that is found.", _ONE, binary=True
    ),
    "f1_macro": Metric(_classes(sk.f1_score, "macro"), "mean of the F1 of all labels, each weighing the same."),
    "f1_weighted": Metric(_classes(sk.f1_score, "weighted"), "mean of the F1 of all labels, by their frequency."),
    "f1_micro": Metric(_classes(sk.f1_score, "micro"), "F1 of all single decisions together."),
    "precision_macro": Metric(_classes(sk.precision_score, "macro"), "mean precision of all labels."),
    "recall_macro": Metric(_classes(sk.recall_score, "macro"), "mean recall of all labels; a constant: 1/labels."),
    "precision_weighted": Metric(_classes(sk.precision_score, "weighted"), "precision of all labels, by frequency."),
    "recall_weighted": Metric(_classes(sk.recall_score, "weighted"), "recall of all labels, by frequency."),
    "matthews": Metric(
        _plain(sk.matthews_corrcoef), "correlation of labels and predictions; guessing scores 0.", _ONE, form=".3f"
    ),
    "calibration_error": Metric(
        expected_calibration_error, "how far confidence and accuracy are apart (ECE, 15 bins).", lower_is_better=True
    ),
    "pearson": Metric(_correlation(stats.pearsonr), "linear correlation with the targets.", _NUMBER, form=".3f"),
    "spearman": Metric(_correlation(stats.spearmanr), "correlation of ranks with the targets.", _NUMBER, form=".3f"),
    "mse": Metric(_plain(sk.mean_squared_error), "mean squared error.", _NUMBER, True, ".4f"),
    "mae": Metric(_plain(sk.mean_absolute_error), "mean absolute error.", _NUMBER, True, ".4f"),
}  # fmt: skip
# What every report shows beside a task's own metrics.
ALWAYS = {
    "single_label": ("accuracy", "precision_macro", "recall_macro", "f1_macro", "f1_weighted", "matthews"),
    "multi_label": ("accuracy", "precision_macro", "recall_macro", "f1_micro", "f1_macro", "f1_weighted"),
    "regression": ("pearson", "spearman", "mse", "mae"),
}
_ALWAYS_BINARY = ("accuracy", "precision", "recall", "f1", "f1_macro", "f1_weighted", "matthews")


@dataclass
class MetricSet:
    """The metrics of a task: those of this module by name, and `evaluate` modules."""

    kind: Kind
    labels: int
    names: list[str] = field(default_factory=list)
    """Keys of the scores that the task asks for, in its order."""
    modules: list[Any] = field(default_factory=list)
    module_keys: list[str] = field(default_factory=list)
    """Keys of the scores that modules give, which may have the name of one of the kit's."""

    def score(self, told: Predictions) -> dict[str, float]:
        """Return all scores of a split."""
        scores = {name: METRICS[name].score(told) for name in self.shown}
        for module in self.modules:
            scores |= _scalars(module.compute(predictions=told.predictions, references=told.references))
        return scores

    def lower_is_better(self) -> dict[str, bool | None]:
        """Return for every score whether less of it is better; none for those of modules, which do not say."""
        known = {
            name: METRICS[name].lower_is_better if name in METRICS else None for name in (*self.names, *self.shown)
        }
        return {**known, "loss": True}

    @property
    def shown(self) -> list[str]:
        """Names of this module's metrics to compute: the task's own, then those of every report."""
        always = _ALWAYS_BINARY if self.kind == "single_label" and self.labels == 2 else ALWAYS[self.kind]
        more = () if self.kind == "regression" else ("calibration_error",)
        own = [name for name in self.names if name in METRICS and name not in self.module_keys]
        return [name for name in dict.fromkeys([*own, *always, *more]) if name not in self.module_keys]


def metric_set(given: Sequence[Any], kind: Kind, labels: int) -> MetricSet:
    """Return the metrics that a task names, each tried once.

    Args:
        given: names of `METRICS`, or `evaluate` modules by name, path or object.
        kind: kind of the task.
        labels: number of labels.

    Raises:
        ConfigError: a metric is unknown, cannot be loaded, or is not for this kind of task.
    """
    result = MetricSet(kind, labels)
    for one in given:
        if isinstance(one, str) and one in METRICS:
            _check_kind(one, kind, labels)
            result.names.append(one)
            continue
        module = _load_module(one, kind)
        result.modules.append(module)
        keys = _try(module, kind, labels)
        if not keys:
            raise ConfigError(f"The metric {one!r} gives no number to score by.")
        result.names += keys
        result.module_keys += keys
    return result


def _check_kind(name: str, kind: Kind, labels: int) -> None:
    metric = METRICS[name]
    fitting = [other for other, one in METRICS.items() if kind in one.kinds and (labels == 2 or not one.binary)]
    if name not in fitting:
        why = f"a task of {labels} labels" if kind in metric.kinds else f"a {kind} task"
        raise ConfigError(f"The metric {name!r} is not for {why}. There are: {', '.join(fitting)}.")


def _load_module(given: Any, kind: Kind) -> Any:
    if hasattr(given, "compute"):
        return given
    similar = get_close_matches(str(given), METRICS, n=1, cutoff=0.6)
    hint = f"Did you mean {similar[0]!r}? " if similar else ""
    if isinstance(given, str) and Path(given).name == given and Path(given).exists():
        raise ConfigError(
            f"{given!r} is the name of a metric and of {Path(given).resolve()}, whose code would be executed: say "
            f"./{given} if you mean that, or start from another folder. {hint}"
        )
    import evaluate

    try:
        return evaluate.load(str(given))
    except Exception as error:
        known = ", ".join(name for name, metric in METRICS.items() if kind in metric.kinds)
        raise ConfigError(
            f"There is no metric {given!r}, and as an `evaluate` module it cannot be loaded ({root_cause(error)}). "
            f"{hint}There are: {known}; and modules of `evaluate` by path, by name (with the network) or as objects."
        ) from error


def _try(module: Any, kind: Kind, labels: int) -> list[str]:
    """Return the keys that a module gives, found out on two examples: before training, not after it."""
    told = np.array([0.0, 1.0]) if kind == "regression" else np.arange(max(labels, 2))
    if kind == "multi_label":
        told = np.eye(2, labels, dtype=np.int64)
    try:
        return list(_scalars(module.compute(predictions=told, references=told)))
    except Exception as error:
        name = getattr(module, "name", type(module).__name__)
        raise ConfigError(f"The metric {name!r} cannot score a {kind} task: {type(error).__name__}: {error}") from error


def _scalars(result: dict[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in result.items() if np.isscalar(value) or np.ndim(value) == 0}


def glossary_of(metrics: MetricSet, splits: Sequence[str]) -> list[Score]:
    """Return how to show and read the scores; with several splits the key is `split_metric`."""
    scores = []
    for split in splits:
        prefix, suffix = (f"{split}_", f" ({split.removeprefix('validation_')})") if len(splits) > 1 else ("", "")
        for name in metrics.names:
            metric = METRICS.get(name, Metric(_unused, "score of an `evaluate` module.", form=".4f"))
            label = label_of(name) + suffix
            scores.append(Score(prefix + name, label, metric.form, metric.meaning, metric.lower_is_better))
        scores.append(Score(f"{prefix}loss", f"loss{suffix}", ".4f", "mean loss of an example, without weights.", True))
        scores.append(
            Score(f"{prefix}non_finite_examples", f"non-finite{suffix}", ",d", "examples with NaN, left out.", True)
        )
    return scores


def _unused(told: Predictions) -> float:
    raise NotImplementedError


def mean_loss(logits: np.ndarray, references: np.ndarray, kind: Kind) -> float:
    """Return the mean loss of an example: cross-entropy in nats (of several labels their mean), or squared error.

    Class weights and label smoothing are left out, so that guessing evenly scores ln(labels).
    """
    logits = np.asarray(logits, np.float64)
    if kind == "regression":
        return float(((logits[:, 0] - references) ** 2).mean())
    if kind == "multi_label":
        return float((np.logaddexp(0, logits) - logits * references).mean())
    return float(-np.take_along_axis(special.log_softmax(logits, 1), references[:, None], 1).mean())


def majority(train: np.ndarray, references: np.ndarray, kind: Kind, labels: int) -> Predictions:
    """Return what is said without looking: the most frequent training label, or the mean target, for everything."""
    count = len(references)
    if kind == "regression":
        constant = np.full(count, float(train.mean()))
        return Predictions(references, constant, constant)
    if kind == "multi_label":
        shares = np.tile(train.mean(0), (count, 1))
        return Predictions(references, (shares >= 0.5).astype(np.int64), shares)
    shares = np.bincount(train, minlength=labels) / len(train)
    return Predictions(references, np.full(count, shares.argmax()), np.tile(shares, (count, 1)))
