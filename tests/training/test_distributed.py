"""Two real processes on the CPU, against one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parent / "one_step.py"


@pytest.fixture
def run(tmp_path, tokenizer, config):
    config.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)

    def run(recipe, processes, batch, accumulation, steps):
        file = tmp_path / f"{processes}-{batch}-{accumulation}.pt"
        settings = (recipe, tmp_path, file, batch, accumulation, steps)
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        subprocess.run(
            [sys.executable, *(launcher if processes > 1 else []), str(SCRIPT), *map(str, settings)],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        return torch.load(file)

    return run


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
def test_two_processes_give_the_gradient_of_one(run, recipe, scores):
    """The last step is the last of an epoch, with fewer examples than the others."""
    steps = 2
    one = run(recipe, processes=1, batch=16, accumulation=1, steps=steps)
    assert 16 < one["examples"] < 32
    two = run(recipe, processes=2, batch=8, accumulation=1, steps=steps)
    assert len(one["losses"]) == steps
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-5)
    norms = [torch.stack([value.norm() for value in side["gradients"].values()]).norm() for side in (one, two)]
    difference = torch.stack([(two["gradients"][name] - value).norm() for name, value in one["gradients"].items()])
    assert difference.norm() / norms[0] < 1e-5
    for name in scores:
        assert two["scores"][f"eval_{name}"] == pytest.approx(one["scores"][f"eval_{name}"], rel=1e-5)
