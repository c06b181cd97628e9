"""A wheel holds all that an installed kit needs."""

import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import pytest

from bert_finetune_kit import RunReport

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build a wheel without network from a copy of the sources, and return the folder that it is unpacked in."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "bert_finetune_kit", folder / "sources/bert_finetune_kit")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "sources")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(folder / "sources")], check=True)
    with ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "installed")
    return folder / "installed"


@pytest.mark.slow
def test_it_has_every_file_of_the_package(installed):
    expected = {path.relative_to(ROOT) for path in (ROOT / "bert_finetune_kit").rglob("*") if path.is_file()}
    expected = {path for path in expected if "__pycache__" not in path.parts}
    assert expected <= {path.relative_to(installed) for path in installed.rglob("*")}


@pytest.mark.slow
def test_it_has_the_command(installed):
    entry_points = ConfigParser()
    entry_points.read(next(installed.glob("*.dist-info/entry_points.txt")))
    assert dict(entry_points["console_scripts"]) == {"bert-finetune-kit": "bert_finetune_kit.commands.main:main"}


@pytest.mark.slow
def test_it_trains_on_the_sample_and_writes_every_page_from_another_folder(installed, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    where = [sys.executable, "-c", "import bert_finetune_kit; print(bert_finetune_kit.__file__)"]
    assert str(installed) in subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, text=True).stdout
    flags = ["--max_steps", "2", "--max_train_examples", "40", "--max_validation_examples", "20", "--use_cpu"]
    command = [sys.executable, "-W", "error::UserWarning", "-m", "bert_finetune_kit", "classify", *flags]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs/classification"
    assert RunReport.load(run).recipe == "classification"
    for name in ("report.html", "report.md", "README.md", "model.safetensors"):
        assert (run / name).exists(), name
