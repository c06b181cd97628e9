"""A step has the gradient of its examples, whatever batches and processes they are in, for every architecture."""

import os
import subprocess
import sys
from functools import cache

import one_step
import pytest
import torch
import two_processes
from encoders import save
from promises import CASES, holds

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
EACH = pytest.mark.parametrize(("model_type", "recipe"), [case for case in CASES if holds(case[0], "accumulation")])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folders of configs without dropout, which each process would draw on its own, and of tokenizers."""
    folder = tmp_path_factory.mktemp("models")
    for model_type in {model_type for model_type, _ in CASES}:
        save(model_type, folder / model_type)
    return folder


@pytest.fixture(scope="module")
def single(folder):
    """Train one batch of 16, once for each case."""

    @cache
    def train(model_type, recipe):
        output = folder / "single" / model_type / recipe
        return one_step.train(recipe, folder / model_type, output, batch=16, accumulation=1, steps=1)

    return train


@pytest.fixture(scope="module")
def of_two_processes(folder):
    """Train all cases in one launch of two processes."""
    cases = [f"{model_type}/{recipe}" for model_type, recipe in CASES if holds(model_type, "accumulation")]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command = [sys.executable, *launcher, two_processes.__file__, str(folder), *cases]
    settings = {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, check=True, capture_output=True, env=os.environ | settings)
    return folder


@EACH
def test_accumulated_batches(single, folder, tmp_path, model_type, recipe):
    expected = single(model_type, recipe)
    split = one_step.train(recipe, folder / model_type, tmp_path, batch=4, accumulation=4, steps=1)
    assert split["losses"] == pytest.approx(expected["losses"], rel=1e-5)
    assert one_step.difference(split["gradients"], expected["gradients"]) < 1e-5


@EACH
def test_two_processes(single, of_two_processes, model_type, recipe):
    expected = single(model_type, recipe)
    results = torch.load(of_two_processes / f"{model_type}-{recipe}.pt")
    assert results["losses"] == pytest.approx(expected["losses"], rel=1e-5)
    assert one_step.difference(results["gradients"], expected["gradients"]) < 1e-5
    for name in ("loss", "perplexity", "accuracy", "f1", "exact"):
        if f"eval_{name}" in expected["scores"]:
            assert results["scores"][f"eval_{name}"] == pytest.approx(expected["scores"][f"eval_{name}"], rel=1e-5)
