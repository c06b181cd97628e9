import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("minutes", ["0", "10"])  # without and with measurements of throughput
def test_every_check_passes_on_a_cpu(minutes, tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--device", "cpu", "--minutes", minutes]
    environment = os.environ | {"HF_DATASETS_CACHE": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    table = done.stdout.split("| check | result |")[1].splitlines()[2:]
    assert not [line for line in table if "FAIL" in line]
    assert sum("PASS" in line for line in table) == (11 if minutes == "0" else 16)
    assert sum("ratio" in line for line in table) == (0 if minutes == "0" else 5)
