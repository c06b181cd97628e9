"""Two real processes on the CPU compute what a single one does."""

import json
import os
import subprocess
import sys

import cross_validated
import evaluate_given
import one_step
import pytest
import torch
from small_recipes import KINDS

from bert_finetune_kit import RunReport

SCRIPT = one_step.__file__
EVALUATION = evaluate_given.__file__


@pytest.fixture
def folder(tmp_path, tokenizer, config):
    """A model without dropout, which each process would draw on its own, and its tokenizer."""
    config.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def launch(processes, *arguments, script=SCRIPT):
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    subprocess.run(
        [sys.executable, *launcher, script, *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


@pytest.mark.parametrize(
    ("recipe", "scores"),
    [
        ("pretraining", ("perplexity", "mlm_accuracy", "pair_accuracy")),
        pytest.param("classification", ("accuracy", "f1", "loss", "calibration_error"), marks=pytest.mark.slow),
        pytest.param(
            "question_answering",
            ("exact", "f1", "HasAns_f1", "NoAns_f1", "threshold", "best_f1", "loss"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_two_processes_compute_the_gradient_of_a_single_one(folder, recipe, scores):
    """The last step is the last of an epoch, with fewer examples than the others."""
    steps = 2
    expected = one_step.train(recipe, folder, folder / "single", batch=16, accumulation=1, steps=steps)
    assert 16 < expected["examples"] < 32
    launch(2, recipe, folder, folder / "two.pt", 8, 1, steps)
    results = torch.load(folder / "two.pt")
    assert len(expected["losses"]) == steps
    assert results["losses"] == pytest.approx(expected["losses"], rel=1e-5)
    norm = torch.stack([value.norm() for value in expected["gradients"].values()]).norm()
    differences = [(results["gradients"][name] - value).norm() for name, value in expected["gradients"].items()]
    assert torch.stack(differences).norm() / norm < 1e-5
    for name in scores:
        assert results["scores"][f"eval_{name}"] == pytest.approx(expected["scores"][f"eval_{name}"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_two_processes_score_given_data_as_a_single_one(uninterrupted, tmp_path, name):
    run, files = uninterrupted(name), ("predictions.jsonl", "predicted.jsonl")
    evaluate_given.evaluate(name, run, tmp_path / "single")
    launch(2, name, run, tmp_path / "two", script=EVALUATION)
    for file in files[: 1 if name == "pretraining" else 2]:
        assert (tmp_path / "two" / file).read_bytes() == (tmp_path / "single" / file).read_bytes()
    single, two = (RunReport.load(tmp_path / folder) for folder in ("single", "two"))
    assert two.result == pytest.approx(single.result, rel=1e-6)
    assert two.tables == single.tables


@pytest.mark.slow
def test_two_processes_cross_validate_as_a_single_one(folder, tmp_path):
    expected = cross_validated.cross_validate(folder, tmp_path / "single", 8)
    launch(2, folder, tmp_path / "two", 4, script=cross_validated.__file__)
    summary = json.loads((tmp_path / "two" / "folds.json").read_text("utf-8"))
    assert summary["pooled"] == pytest.approx(expected.pooled, rel=1e-4)
    assert len((tmp_path / "two" / "predictions.jsonl").read_text("utf-8").splitlines()) == sum(expected.scored)
