"""What the diagnosis of a classification needs, in numbers."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..data.duplicates import label_runs, shared_texts
from .features import ClassificationExamples
from .metrics import Predictions, calibration_gaps, confidences

_DRAWS = 200


def gather(
    train: ClassificationExamples,
    validation: dict[str, ClassificationExamples],
    told: dict[str, Predictions],
    kind: str,
) -> dict[str, Any]:
    """Return `leak` and `calibration_by_chance` by split, the latter of labels alone, and `label_runs` of single ones.

    Args:
        train: examples of the train split.
        validation: of the splits that were scored.
        told: what the model says of these.
        kind: kind of the task.
    """
    found: dict[str, Any] = {
        "leak": {split: shared_texts(_texts(train), _texts(one), "texts") for split, one in validation.items()}
    }
    if kind == "single_label":
        found["label_runs"] = label_runs(train.labels)
    if kind != "regression":
        found["calibration_by_chance"] = {
            split: calibration_by_chance(one) for split, one in told.items() if len(one.references)
        }
    return found


def calibration_by_chance(told: Predictions, draws: int = _DRAWS, seed: int = 0) -> float:
    """Return the 95th percentile of the calibration error that as many examples have whose probabilities are true.

    Consistency resampling (Bröcker and Smith 2007): each prediction is right with its own probability.
    """
    confidence, _ = confidences(told)
    rng = np.random.default_rng(seed)
    errors = [calibration_gaps(confidence, rng.random(len(confidence)) < confidence) for _ in range(draws)]
    return float(np.percentile(errors, 95))


def _texts(examples: ClassificationExamples) -> Iterator[bytes]:
    for number in range(len(examples)):
        first, second = examples.texts[number]
        yield first.tobytes() + (b"" if second is None else b"|" + second.tobytes())
