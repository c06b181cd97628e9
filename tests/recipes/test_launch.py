"""Errors on a command line, also of several processes."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from bert_finetune_kit import ClassificationRecipe, DataError
from bert_finetune_kit.recipes import exit_codes
from bert_finetune_kit.recipes.launch import run_command_line


def refuse(_):
    raise DataError("there is nothing")


@pytest.fixture
def terminated():
    """Restore the handler of SIGTERM; until there is one, the signal does nothing."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGTERM, before)


def error_of(parse, capsys):
    with pytest.raises(SystemExit) as end:
        run_command_line(parse, [])
    return end.value.code, capsys.readouterr().err


def test_an_error_is_one_line_and_exit_code_2(capsys):
    assert error_of(refuse, capsys) == (2, "DataError: there is nothing\n")


def test_a_process_leaves_an_error_of_all_to_the_first(capsys, monkeypatch, terminated):
    """The launcher ends the others once the first has ended."""
    monkeypatch.setenv("RANK", "1")
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    told = error_of(refuse, capsys)
    timer.join()
    assert told == (2, "")


def test_a_process_tells_an_error_of_its_own(capsys, monkeypatch, terminated):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(exit_codes, "_PATIENCE", 0.0)
    assert error_of(refuse, capsys) == (2, "Process 1: DataError: there is nothing\n")


def test_a_value_that_is_no_number_is_an_error_of_the_kit(capsys):
    code, printed = error_of(lambda _: ClassificationRecipe.from_command_line(["--max_length", "long"]), capsys)
    assert code == 2
    assert printed == "ConfigError: Command line: argument --max_length/--max-length: invalid int value: 'long'\n"


@pytest.mark.slow
def test_two_processes_print_an_error_once(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("from bert_finetune_kit import ClassificationRecipe\nClassificationRecipe.main()\n")
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(script),
         "--train", "nothing.csv", "--model", "tiny", "--use_cpu", "true"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stderr.count("DataError: nothing.csv does not exist") == 1
    assert done.stderr.count("exitcode  : 2 ") == 2


def test_an_error_has_the_words_of_the_command_line(tmp_path, capsys):
    """In Python the same error names the settings as Python does."""
    (tmp_path / "a.csv").write_text("review,stars\ngood,1\nbad,0\n", "utf-8")
    flags = ["--train", str(tmp_path / "a.csv"), "--text", "reviews", "--model", "tiny"]
    recipe, _ = ClassificationRecipe.from_command_line(flags)
    with pytest.raises(DataError, match="Set text= and label= to the right column"):
        recipe.load_examples()

    def load(_):
        recipe.load_examples()

    code, printed = error_of(load, capsys)
    assert code == 2
    assert "Set --text and --label to the right column." in printed


def test_a_file_in_place_of_a_task_is_told_its_flag(capsys):
    _, printed = error_of(lambda _: ClassificationRecipe.from_command_line(["--task", "reviews.csv"]), capsys)
    assert "Data of your own: --train reviews.csv --text review --label stars." in printed
