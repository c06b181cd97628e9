"""The examples that an export is proven on: those of the run, found again by its report."""

import json
import shutil

import numpy as np
import pytest
from torch_session import exported_by_torch

from bert_finetune_kit import DataError
from bert_finetune_kit.commands.run_folder import load_recipe
from bert_finetune_kit.data.sequences import SequenceFormat
from bert_finetune_kit.export.calibration import OF_THE_KIT, OWN, calibrated_as
from bert_finetune_kit.export.kinds import kind_of
from bert_finetune_kit.export.proof import VALIDATION, score
from bert_finetune_kit.export.validation import calibration_batches, sample_batch, validation_data

KINDS = [
    "classification",
    pytest.param("question_answering", marks=pytest.mark.slow),
    pytest.param("pretraining", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("name", KINDS)
def test_a_run_is_proven_on_its_own_validation_split(uninterrupted, tmp_path, name):
    """The kit and the exported form have the scores of the report, and logits that are equal."""
    run = uninterrupted(name)
    recipe = load_recipe(run, {"use_cpu": True})
    kind, trained = kind_of(recipe), recipe.trained()
    data = kind.as_trained(validation_data(recipe, trained, None), trained)
    before = score(recipe, data, lambda: kind.kit_outputs(trained, data, 4))
    model = exported_by_torch(recipe, tmp_path / "exported")
    after = score(recipe, data, lambda: kind.exported_outputs(model, data, 4))
    assert np.abs(after.logits - before.logits)[np.isfinite(before.logits)].max() < 1e-5
    assert after.decisions == before.decisions
    report = json.loads((run / "report.json").read_text("utf-8"))
    for key, value in before.scores.items():
        assert after.scores[key] == pytest.approx(value, rel=1e-6, abs=1e-5), key
        if name != "question_answering":  # whose report scores one half of the questions
            assert value == pytest.approx(report["result"][key], rel=1e-6, abs=1e-5), key

    check_calibration(trained, recipe, data, after.outputs)


def check_calibration(trained, recipe, data, outputs):
    """With the outputs of the kit's own model, int8 gets what the training has saved; other logits get another one."""
    if trained.calibration is None:
        assert calibrated_as(trained, recipe, data, outputs, "int8", VALIDATION) == (trained, "")
        return
    for settings in (("fp32", VALIDATION), ("int8", "few.csv")):
        assert calibrated_as(trained, recipe, data, outputs, *settings) == (trained, OF_THE_KIT)
    own, words = calibrated_as(trained, recipe, data, outputs, "int8", VALIDATION)
    assert words == OWN
    assert own.calibration.reasons == trained.calibration.reasons
    assert own.calibration.temperatures == pytest.approx(trained.calibration.temperatures, rel=1e-3)
    for half in ("chosen_on", "measured_on"):
        saved, fitted = (getattr(model.calibration, half) for model in (trained, own))
        assert fitted.confidence == pytest.approx(saved.confidence, abs=1e-3)
        assert (fitted.correct, fitted.clusters) == (saved.correct, saved.clusters)
    if recipe.name == "classification":
        flat = {split: (losses, logits / 2, labels) for split, (losses, logits, labels) in outputs.items()}
        other = calibrated_as(trained, recipe, data, flat, "int8", VALIDATION)[0].calibration
        assert max(other.chosen_on.confidence) < max(own.calibration.chosen_on.confidence)


def changed(uninterrupted, tmp_path, **source):
    folder = shutil.copytree(uninterrupted("classification"), tmp_path / "run")
    report = json.loads((folder / "report.json").read_text("utf-8"))
    report["settings"]["source"] |= source
    (folder / "report.json").write_text(json.dumps(report))
    return load_recipe(folder, {"use_cpu": True})


def test_data_that_are_not_at_hand(uninterrupted, tmp_path):
    recipe = changed(uninterrupted, tmp_path, train="gone.csv")
    with pytest.raises(DataError, match=r"the data of this run \(gone.csv\) are not at hand: .* data='test.csv'"):
        validation_data(recipe, recipe.trained(), None)
    given = [{"text": "a fine day", "label": "positive"}, {"text": "a sad day", "label": "negative"}]
    assert len(next(iter(validation_data(recipe, recipe.trained(), given).validation.values()))) == 2


def test_data_that_have_changed(uninterrupted, tmp_path):
    recipe = changed(uninterrupted, tmp_path, max_validation_examples=19)
    with pytest.raises(DataError, match="is not the one that the run was scored on: the files have changed"):
        validation_data(recipe, recipe.trained(), None)


def test_a_batch_to_trace_a_model_with():
    pair = SequenceFormat((1,), (2,), (2,), (0, 0, 1))
    batch = sample_batch(pair)
    assert batch["input_ids"][0].tolist() == [1, 1, 1, 1, 2, 1, 1, 1, 2]
    assert batch["token_type_ids"][0].tolist() == [0] * 5 + [1] * 4
    assert batch["attention_mask"].tolist() == [[1] * 9, [1] * 7 + [0] * 2]
    single = sample_batch(SequenceFormat((1,), (), (2,), None))
    assert {name: values.shape for name, values in single.items()} == {"input_ids": (2, 5), "attention_mask": (2, 5)}


def test_activations_are_calibrated_on_training_texts(uninterrupted):
    recipe = load_recipe(uninterrupted("classification"), {"use_cpu": True})
    data = validation_data(recipe, recipe.trained(), None)
    batches = calibration_batches(data)
    assert sum(len(batch["input_ids"]) for batch in batches) == len(data.train)
    assert set(batches[0]) == {"input_ids", "attention_mask", "token_type_ids"}
