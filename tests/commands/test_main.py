"""The installed command as a whole: its help, its errors, its exit codes."""

import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest

from bert_finetune_kit import DataError, RunStopped
from bert_finetune_kit.commands import main as main_module
from bert_finetune_kit.commands.main import COMMANDS, main

NAMES = [command.name for group in COMMANDS.values() for command in group]


def error_of(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    return end.value.code, capsys.readouterr().err


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    """Undo what a command sets in its process."""
    monkeypatch.setattr(sys, "argv", ["pytest"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")


def test_help_names_every_command_and_imports_nothing_heavy():
    code = (
        "import sys; from bert_finetune_kit.commands.main import main; main(['--help'])\n"
        "print(*sorted({'torch', 'transformers', 'datasets', 'numpy', 'accelerate', 'rich', 'yaml'} & {*sys.modules}))"
    )
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[0] == "usage: bert-finetune-kit COMMAND ..."
    assert [line.split()[0] for line in lines if line.startswith("  ")] == NAMES
    assert lines[-1] == ""


def test_it_is_a_module_too():
    command = [sys.executable, "-m", "bert_finetune_kit", "classfy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ConfigError: There is no command 'classfy'. Did you mean 'classify'? Use one of pre")


def test_the_version(capsys):
    main(["--version"])
    assert capsys.readouterr().out == f"bert-finetune-kit {version('bert_finetune_kit')}\n"


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_a_help_with_examples(name, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    shown = capsys.readouterr().out
    assert end.value.code == 0
    assert f"  bert-finetune-kit {name}" in shown
    assert f"usage: bert-finetune-kit {name}" in shown
    assert len(shown.splitlines()) < 180


@pytest.mark.parametrize("name", NAMES)
def test_every_command_refuses_what_it_does_not_know_in_one_line(name, capsys):
    code, printed = error_of([name, "somewhere", "--nonsense"], capsys)
    assert code == 2
    assert printed.startswith("ConfigError: ")
    assert len(printed.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "code", "where", "line"),
    [
        (DataError("there is nothing"), 2, "err", "DataError: there is nothing\n"),
        (RunStopped("stopped and saved", 15), 143, "out", "stopped and saved\n"),
        (KeyboardInterrupt(), 130, "err", ""),
    ],
)
def test_exit_codes(error, code, where, line, capsys, monkeypatch):
    def run(words):
        raise error

    monkeypatch.setattr(import_module("bert_finetune_kit.commands.compare"), "compare", run)
    with pytest.raises(SystemExit) as end:
        main(["compare"])
    assert end.value.code == code
    assert getattr(capsys.readouterr(), where) == line


@pytest.mark.parametrize(
    ("given", "devices"),
    [({}, "0"), ({"CUDA_VISIBLE_DEVICES": "3"}, "3"), ({"LOCAL_RANK": "1"}, None)],
)
def test_a_process_without_a_launcher_sees_one_gpu(given, devices, monkeypatch):
    for name in ("CUDA_VISIBLE_DEVICES", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(import_module("bert_finetune_kit.commands.compare"), "compare", lambda words: None)
    main_module.main(["compare"])
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == devices
