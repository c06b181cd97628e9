"""Output of the kit on terminals and pipes of any encoding."""

import io
import sys

import pytest
from rich.panel import Panel
from rich.progress import Progress

from bert_finetune_kit.command_line import RunArguments, parse_arguments
from bert_finetune_kit.output import StandardOutput, encodable, show, write_to
from bert_finetune_kit.reporting.terminal import stdout_console

ENCODINGS = ("ascii", "latin-1", "cp1252", "utf-8")
# What the kit writes, what a user's data hold, and a lone surrogate, which no encoding has.
TEXT = "5 steps · 0.1 → 0.2 ± 0.1 · größe 東京 🏭 \udcff"


class Stream(io.TextIOWrapper):
    """A stream that takes nothing beyond its encoding."""

    def __init__(self, encoding, terminal=False):
        super().__init__(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)
        self.terminal = terminal

    def isatty(self):
        return self.terminal


every_encoding = pytest.mark.parametrize("encoding", ENCODINGS)


def replace_stdout(monkeypatch, stream):
    """In the test itself, since pytest replaces standard output after its fixtures."""
    monkeypatch.setattr(sys, "stdout", stream)
    return stream


def written(stream):
    return stream.buffer.getvalue().decode(stream.encoding)


def test_what_an_encoding_lacks_becomes_a_similar_character_or_an_escape():
    assert encodable(TEXT, "ascii") == "5 steps - 0.1 > 0.2 ~ 0.1 - gr\\xf6\\xdfe \\u6771\\u4eac \\U0001f3ed \\udcff"
    assert encodable(TEXT, "latin-1") == "5 steps · 0.1 > 0.2 ± 0.1 · größe \\u6771\\u4eac \\U0001f3ed \\udcff"
    assert encodable(TEXT, None) == TEXT.replace("\udcff", "\\udcff")
    assert encodable("plain", "ascii") == "plain"


@every_encoding
def test_lines_of_any_text(encoding, monkeypatch):
    stdout = replace_stdout(monkeypatch, Stream(encoding))
    show(TEXT)
    assert written(stdout) == encodable(TEXT, stdout.encoding) + "\n"


@every_encoding
def test_tables_and_bars_of_any_text(encoding, monkeypatch):
    stdout = replace_stdout(monkeypatch, Stream(encoding))
    console = stdout_console()
    console.print(Panel(TEXT, title="·"), soft_wrap=True)
    with Progress(console=console) as progress:
        progress.add_task(TEXT, total=1)
        show(TEXT)
    assert "5 steps" in written(stdout)
    assert ("╭" in written(stdout)) == (stdout.encoding == "utf-8")


@every_encoding
def test_a_line_beside_bars_on_a_terminal(encoding, monkeypatch):
    """While bars are shown, rich passes on what is printed."""
    stdout = replace_stdout(monkeypatch, Stream(encoding, terminal=True))
    monkeypatch.setenv("TERM", "xterm")
    console = stdout_console()
    with Progress(console=console):
        assert sys.stdout is not stdout
        show(TEXT)
    assert "steps" in written(stdout)


@every_encoding
def test_the_help_of_a_command(encoding, monkeypatch):
    stdout = replace_stdout(monkeypatch, Stream(encoding))
    with pytest.raises(SystemExit) as ended:
        parse_arguments((RunArguments,), argv=["--help"])
    assert ended.value.code == 0
    assert "--tokenizer" in written(stdout)


def test_without_standard_output(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    show(TEXT)
    stdout_console().print(TEXT)
    assert write_to(None, "text") == 4
    assert not StandardOutput().isatty()
