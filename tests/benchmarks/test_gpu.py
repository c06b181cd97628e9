import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parts", "minutes", "passed", "ratios"),
    [
        (["parity", "attention", "synchronizations", "recipes", "resume"], "20", 22, 0),
        (["throughput", "inference", "compiled", "large"], "20", 13, 8),
        ([], "0", 0, 0),  # all parts, none of which begins
    ],
)
def test_every_check_passes_on_a_cpu(parts, minutes, passed, ratios, tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--device", "cpu", "--minutes", minutes]
    command += ["--part", *parts] if parts else []
    environment = os.environ | {"HF_DATASETS_CACHE": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    table = done.stdout.split("| check | result |")[1].splitlines()[2:]
    assert not [line for line in table if "FAIL" in line]
    assert sum("PASS" in line for line in table) == passed
    assert sum("ratio" in line for line in table) == ratios
