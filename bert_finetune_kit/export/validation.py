"""The examples that an exported model is proven on."""

import copy
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from ..contract import LoadedModel
from ..data.sequences import SequenceFormat
from ..errors import DataError, KitError
from ..modeling.architecture import MODEL_INPUTS
from ..runs.fingerprint import data_fingerprint
from ..runs.saved_report import saved_report
from .proof import VALIDATION

_CALIBRATED_ON, _TOKENS = 256, 16_384  # examples, and tokens after which there are enough of them
_BATCH = 8


def name_of(given: Any) -> str:
    """Return what the examples of a proof are called.

    >>> name_of(None), name_of("data/test.csv"), name_of([{"text": "a"}])
    ('validation split', 'test.csv', 'a list of your own')
    """
    if given is None:
        return VALIDATION
    return Path(given).name if isinstance(given, str | Path) else f"a {type(given).__name__} of your own"


def validation_data(recipe: Any, trained: LoadedModel, given: Any) -> Any:
    """Return the data of a recipe whose validation splits the exported model is proven on.

    Args:
        recipe: of the model.
        trained: the model.
        given: data with labels or answers; none means the validation split of the run.

    Raises:
        DataError: the data of the run are not at hand, or have changed.
    """
    if given is not None:
        return recipe.evaluation_data(given, trained, None)
    prepared = recipe.state.prepared
    data = _data_of_run(recipe) if prepared is None else prepared.data
    if not data.validation:
        raise DataError("The run has no validation split to prove an export on: give a file, data='test.csv'.")
    return data


def _data_of_run(recipe: Any) -> Any:
    """Return the data that a loaded model was trained with, by the settings in its report."""
    report = saved_report(recipe.model_folder)
    source, name = report.settings.get("source", {}), type(recipe.source)
    known = {field.name: source[field.name] for field in fields(name) if field.init and field.name in source}
    place = known.get("train") or source.get("name", "its data")
    settings = {key: value for key, value in recipe.given().items() if key not in ("source", "callbacks")}
    try:
        rebuilt = type(recipe)(source=name(**known), args=_with_seed(recipe.args, report), **settings)
        data = rebuilt.load_data()
    except (KitError, OSError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"An export is proven on the validation split of its run, and the data of this run ({place}) are not at "
            f"hand: {reason} Give a file with labels or answers: data='test.csv'."
        ) from error
    saved, now = report.fingerprint, data_fingerprint([], data.validation)
    changed = [key for key, value in now.items() if key in saved and key != "data" and saved[key] != value]
    changed = [key for key in changed if key.startswith("validation")]
    if changed:
        raise DataError(
            f"The validation split of {place} is not the one that the run was scored on: the files have changed. Give "
            "a file with labels or answers to prove the export on: data='test.csv'."
        )
    return data


def _with_seed(args: Any, report: Any) -> Any:
    training = report.settings.get("training", {})
    args = copy.copy(args)
    args.seed, args.data_seed = training.get("seed", args.seed), training.get("data_seed", args.data_seed)
    return args


def sample_batch(format: SequenceFormat) -> dict[str, np.ndarray]:
    """Return a batch of two sequences of nine and seven tokens to trace a model with, (2, seq) int64.

    Args:
        format: of the sequences; its first special token stands for any token.
    """
    ids = format.join(*(np.full(3, format.before[0]),) * (2 if format.between else 1))
    rows = np.stack([ids, ids]).astype(np.int64)
    mask = np.ones_like(rows)
    mask[1, -2:] = 0
    starts = [3 + format.second_text if format.between else rows.shape[1]] * 2
    return {"input_ids": rows, "attention_mask": mask, **format.token_types(starts, [rows.shape[1]] * 2, rows.shape[1])}


def calibration_batches(data: Any) -> list[dict[str, np.ndarray]]:
    """Return batches of texts to find the range of activations by: training texts, or where there are none others.

    Args:
        data: of the run. Of the validation texts neither labels nor scores are read.
    """
    examples = data.train if len(data.train) else next(iter(data.validation.values()))
    chosen = np.random.default_rng(0).permutation(len(examples))[:_CALIBRATED_ON].tolist()
    return list(_batches(data, examples, chosen))


def _batches(data: Any, examples: Any, chosen: list[int]) -> Iterator[dict[str, np.ndarray]]:
    tokens = 0
    for start in range(0, len(chosen), _BATCH):
        if tokens > _TOKENS:
            return
        batch = data.collator([examples[number] for number in chosen[start : start + _BATCH]])
        tokens += int(batch["attention_mask"].sum())
        yield {name: batch[name].numpy() for name in MODEL_INPUTS if name in batch}
