"""The metrics of a task: those of the kit by name, and modules of `evaluate`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..data.files import root_cause
from ..errors import ConfigError
from ..reporting.known_scores import KNOWN_SCORES, known_score
from ..reporting.schema import Score
from ..tasks.task import ClassificationTask, Kind
from .function_metric import function_metric
from .metrics import (
    ALWAYS_REPORTED,
    ALWAYS_REPORTED_BINARY,
    METRICS,
    Predictions,
    constant_prediction,
    decode,
    mean_loss,
)

_RECIPE = "classification"
# Scores of what is found: with rare labels, predicting all of them is the better constant.
_FOUND = {name for name in METRICS if name.startswith(("f1", "precision", "recall"))}


class MetricModule(Protocol):
    """A module of `evaluate`, or an object with the same method."""

    def compute(self, *, predictions: np.ndarray, references: np.ndarray) -> dict[str, Any]:
        """Return scores by name."""


@dataclass
class MetricSet:
    """The scores of a task."""

    kind: Kind
    labels: int
    names: list[str] = field(default_factory=list)
    """Keys of the scores that the task declares, in its order."""
    modules: list[MetricModule] = field(default_factory=list)
    module_keys: list[str] = field(default_factory=list)
    """Keys of the scores of modules; they replace metrics of the kit with the same name."""

    def score(self, predicted: Predictions) -> dict[str, float]:
        """Return all scores of a split."""
        scores = {name: METRICS[name].score(predicted) for name in self.computed}
        for module in self.modules:
            scores |= _scalars(module.compute(predictions=predicted.predictions, references=predicted.references))
        return scores

    def baseline(self, shares: np.ndarray, references: np.ndarray) -> dict[str, float]:
        """Return the scores of the best constant prediction.

        That is the most frequent label of the split, or the mean target of the training split. F1, precision and
        recall of the second label are those of always predicting it, and in a multi_label task each score is that of
        the better of predicting the labels that are frequent in the training split and predicting all of them.

        Args:
            shares: of the training split, as `target_shares` returns them.
            references: targets of the split to score.
        """
        constant = constant_prediction(shares, references, self.kind)
        scores = self.score(constant)
        if self.kind == "multi_label":
            everything = replace(constant, predictions=np.ones_like(constant.predictions))
            for name in _FOUND & set(self.computed):
                scores[name] = float(np.fmax(scores[name], METRICS[name].score(everything)))
        if self.kind == "single_label" and self.labels == 2:
            positive = constant_prediction(shares, references, self.kind, label=1)
            scores |= {name: METRICS[name].score(positive) for name in self.computed if METRICS[name].binary}
        return scores

    def score_logits(self, logits: np.ndarray, references: np.ndarray, threshold: float) -> dict[str, float]:
        """Return all scores of a split and the mean loss; examples with non-finite logits are counted and skipped.

        Args:
            logits: (examples, labels).
            references: targets, as `LabelSet.encode` returns them.
            threshold: lowest probability of a label in a multi_label task.
        """
        finite = np.isfinite(logits).all(1)
        non_finite = {} if finite.all() else {"non_finite_examples": int((~finite).sum())}
        if not finite.any():
            return {"loss": float("nan"), self.names[0]: float("nan"), **non_finite}
        logits, references = logits[finite], references[finite]
        scores = self.score(decode(logits, references, self.kind, threshold))
        return {**scores, "loss": mean_loss(logits, references, self.kind), **non_finite}

    def undefined(self, references: np.ndarray) -> list[str]:
        """Return the metrics of the kit that even perfect predictions of these references have no score of.

        Args:
            references: targets, as `LabelSet.encode` returns them.
        """
        one_hot = np.eye(self.labels)[references] if self.kind == "single_label" else references.astype(float)
        perfect = Predictions(references, references, one_hot)
        return [name for name in self.computed if math.isnan(METRICS[name].score(perfect))]

    def lower_is_better(self) -> dict[str, bool | None]:
        """Return for every score whether lower is better; none for those of modules that the kit does not know."""
        return {name: known_score(_RECIPE, name).lower_is_better for name in (*self.names, *self.computed)}

    @property
    def computed(self) -> list[str]:
        """Names of the metrics of the kit to compute: those of the task, then those of every report."""
        binary = self.kind == "single_label" and self.labels == 2
        always = ALWAYS_REPORTED_BINARY if binary else ALWAYS_REPORTED[self.kind]
        calibration = () if self.kind == "regression" else ("calibration_error",)
        declared = [name for name in self.names if name in METRICS and name not in self.module_keys]
        return [name for name in dict.fromkeys([*declared, *always, *calibration]) if name not in self.module_keys]

    def glossary(self, splits: Sequence[str]) -> list[Score]:
        """Return the declarations of the scores of the task; with several splits a key is `split_metric`."""
        further = [KNOWN_SCORES[_RECIPE][name] for name in ("loss", "non_finite_examples")]
        scores = [*(known_score(_RECIPE, name) for name in self.names), *further]
        glossary = []
        for split in splits:
            prefix, suffix = (f"{split}_", f" ({split.removeprefix('validation_')})") if len(splits) > 1 else ("", "")
            glossary += [replace(score, key=prefix + score.key, label=score.label + suffix) for score in scores]
        return glossary


def metric_set(metrics: Sequence[Any], kind: Kind, labels: int) -> MetricSet:
    """Return the metrics of a task; each module is tried once.

    Args:
        metrics: names of `METRICS`, functions, or `evaluate` modules by name, path or object.
        kind: of the task.
        labels: number of labels.

    Raises:
        ConfigError: a metric is unknown, cannot be loaded, or does not fit this kind of task.
    """
    result = MetricSet(kind, labels)
    for metric in metrics:
        if isinstance(metric, str) and metric in METRICS:
            _check_kind(metric, kind, labels)
            result.names.append(metric)
            continue
        module = _load_module(metric, kind)
        keys = _score_keys(module, kind, labels)
        if not keys:
            raise ConfigError(f"The metric {metric!r} returns no number, so that it cannot be a score.")
        result.modules.append(module)
        result.names += keys
        result.module_keys += keys
    return result


def _check_kind(name: str, kind: Kind, labels: int) -> None:
    available = [key for key, metric in METRICS.items() if kind in metric.kinds and (labels == 2 or not metric.binary)]
    if name not in available:
        why = f"a task of {labels} labels" if kind in METRICS[name].kinds else f"a {kind} task"
        raise ConfigError(f"The metric {name!r} is not for {why}. Available metrics: {', '.join(available)}.")


def _load_module(metric: Any, kind: Kind) -> MetricModule:
    if hasattr(metric, "compute"):
        module: MetricModule = metric
        return module
    if callable(metric):
        return function_metric(metric)
    similar = get_close_matches(str(metric), METRICS, n=1, cutoff=0.6)
    hint = f"Did you mean {similar[0]!r}? " if similar else ""
    if isinstance(metric, str) and Path(metric).name == metric and Path(metric).exists():
        raise ConfigError(
            f"{metric!r} is the name of a metric and of {Path(metric).resolve()}, whose code would be executed: give "
            f"./{metric} to execute it, or run from another working directory. {hint}"
        )
    import evaluate

    try:
        loaded: MetricModule = evaluate.load(str(metric))
        return loaded
    except Exception as error:
        names = ", ".join(name for name, item in METRICS.items() if kind in item.kinds)
        raise ConfigError(
            f"There is no metric {metric!r}, and as an `evaluate` module it cannot be loaded ({root_cause(error)}). "
            f"{hint}Available metrics: {names}; functions of references and predictions; and modules of `evaluate` by "
            "path, by name (on the Hub) or object."
        ) from error


def _score_keys(module: MetricModule, kind: Kind, labels: int) -> list[str]:
    """Return the keys of a module's scores by scoring a few examples, so that a faulty module fails before training."""
    values = np.array([0.0, 1.0]) if kind == "regression" else np.arange(max(labels, 2))
    if kind == "multi_label":
        values = np.eye(2, labels, dtype=np.int64)
    try:
        return list(_scalars(module.compute(predictions=values, references=values)))
    except Exception as error:
        name = getattr(module, "name", type(module).__name__)
        raise ConfigError(f"The metric {name!r} cannot score a {kind} task: {type(error).__name__}: {error}") from error


def _scalars(result: dict[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in result.items() if np.isscalar(value) or np.ndim(value) == 0}


def check_metrics(task: ClassificationTask) -> None:
    """Check the metrics of a task whose labels are known before the data are.

    Raises:
        ConfigError: a metric is unknown, cannot be loaded, or does not fit the task.
    """
    if task.labels is not None or task.kind == "regression":
        metric_set(task.metrics, task.kind, len(task.labels or ()))
