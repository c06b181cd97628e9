"""The questions of the train split → folds of whole articles; predictions of all of them → scores."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from datasets import Dataset

from ..compat.datasets import no_progress_bars
from ..contract import Fold, FoldedData
from ..data.folds import assign_folds, join_groups, same_text
from ..data.memory import FoldData
from ..data.questions import LoadedSplits, articles, hold_out_questions
from ..data.sources import QuestionSource
from ..data.splits import limit
from ..errors import DataError
from ..reporting.intervals import Interval, mean_interval


def fold_data(loaded: LoadedSplits, source: QuestionSource, folds: int) -> FoldedData:
    """Divide the questions of the train split into folds of whole articles, each with its share of unanswerable ones.

    Args:
        loaded: questions by split.
        source: its settings.
        folds: how many.

    Raises:
        DataError: there are too few articles, or too few answers.
    """
    train = limit(loaded.train, source.max_train_examples)
    has_answer = np.array([bool(answers["text"]) for answers in train["answers"]])
    groups, unit = articles(train)
    units = join_groups(same_text(train["context"][:]), groups)
    assigned = assign_folds(units, folds, has_answer.astype(np.int64), unit=unit, are_groups=True)
    validation = None if loaded.validation is None else limit(loaded.validation, source.max_validation_examples)
    rows = train.add_column("is_impossible", (~has_answer).tolist())
    shares = "" if has_answer.all() else ", with equal shares of unanswerable questions"
    return FoldedData(
        name=loaded.name,
        unit="question",
        divided_by=f"by whole {unit}s{shares}",
        folds=[_fold(rows, validation, loaded.name, source, assigned, number) for number in range(folds)],
        notes=loaded.notes,
        has_validation=validation is not None,
        clusters=units,
        cluster=unit,
        pool=pool,
    )


def _fold(
    rows: Dataset, validation: Dataset | None, name: str, source: QuestionSource, assigned: np.ndarray, number: int
) -> Fold:
    numbers, name = np.flatnonzero(assigned == number), f"{name}, fold {number + 1} of {assigned.max() + 1}"
    with no_progress_bars():
        train = rows.select(np.flatnonzero(assigned != number)).flatten_indices()
        scored = rows.select(numbers).flatten_indices()
    kept = train if validation is not None else hold_out_questions(train, source.validation_share)[0]
    if all(kept["is_impossible"]):
        raise DataError(f"No question that fold {number + 1} would train on has an answer: choose other folds.")
    fold_source = replace(
        source,
        train=FoldData(name, {"train": train}),
        validation=validation,
        hub_config=None,
        max_train_examples=None,
        max_validation_examples=None,
    )
    return Fold(fold_source, FoldData(name, {"test": scored}), numbers)


def pool(
    rows: Sequence[Mapping[str, Any]], clusters: np.ndarray | None
) -> tuple[dict[str, float], dict[str, Interval]]:
    """Return exact match and F1 in percent of answers that several models gave, and their 95% intervals.

    Args:
        rows: predictions, as in `predictions.jsonl`, each at the threshold of its model.
        clusters: (rows,) int64: which questions belong together, and are drawn together.
    """
    has_answer = np.array([bool(row["reference"]) for row in rows])
    kinds = {"": np.ones(len(rows), bool)}
    if has_answer.any() and not has_answer.all():
        kinds |= {"HasAns_": has_answer, "NoAns_": ~has_answer}
    scores, bounds = {}, {}
    for prefix, chosen in kinds.items():
        for name in ("exact", "f1"):
            values = np.array([float(row[name]) for row in rows])[chosen]
            scores[f"{prefix}{name}"] = 100 * float(values.mean())
            low, high = mean_interval(values, clusters=None if clusters is None else clusters[chosen])
            if low < high:
                bounds[f"{prefix}{name}"] = (100 * low, 100 * high)
    return scores, bounds
