"""Text files of a run."""

import json

import pytest

from bert_finetune_kit.text_files import write_text


def test_a_file_is_utf8_without_other_line_ends(tmp_path):
    write_text(tmp_path / "page.md", "größe → 東京\n")
    assert (tmp_path / "page.md").read_bytes() == "größe → 東京\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


def test_a_lone_surrogate_of_json_is_read_back(tmp_path):
    """As in the name of a file under a locale without UTF-8."""
    names = {"gr\udcc3\udcb6sse": "\ud800"}
    path = write_text(tmp_path / "names.json", json.dumps(names, ensure_ascii=False))
    assert json.loads(path.read_text("utf-8")) == names


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path):
    path = write_text(tmp_path / "report.json", "before")
    (tmp_path / "report.json.part").mkdir()
    with pytest.raises(OSError, match=r"report\.json\.part"):
        write_text(path, "after")
    assert path.read_text() == "before"
