import pytest

from bert_finetune_kit import DataError, QuestionSource
from bert_finetune_kit.data.questions import load_questions
from bert_finetune_kit.data.tables import open_tables


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"t": "a"}\n\n{"t": "b"\n', r"line 3, column \d+: Expecting ',' delimiter"),
        ("a.jsonl", '{"t": "a"}\n\n{"t": 1}\n', "line 3: 't' is a number, and a string before"),
        ("a.jsonl", '{"t": "a"}\n[1]\n', "line 2 is a list; an object is needed"),
        ("a.jsonl", '{"t": "a", "t": "b"}\n', "line 1: an object has the key 't' twice"),
        ("a.json", '[{"t": "a", "t": "b"}]', "an object has the key 't' twice"),
        ("a.json", '[{"t": "a"},\n3]', r"item 1 \(counted from 0\) is a number; an object is needed"),
        ("a.json", '[{"t": "a"},\n{"t" 1}]', "line 2, column 6: Expecting ':' delimiter"),
        ("a.json", '{"t": "a"}\n\n{"t": 1}', "line 3: 't' is a number, and a string before"),
    ],
)
def test_what_cannot_be_read(tmp_path, name, content, message):
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(DataError, match=rf"{name}.*{message}"):
        open_tables(tmp_path / name)["train"]
    (tmp_path / f"good_{name}").write_text('{"t": "a"}', "utf-8")
    with pytest.raises(DataError, match=rf"^{tmp_path / name}[ :,].*{message}"):  # and not the first
        open_tables([tmp_path / f"good_{name}", tmp_path / name])["train"]


def test_files_that_fit_alone_and_not_together(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"t": "a"}', "utf-8")
    (tmp_path / "b.jsonl").write_text('{"t": [1]}', "utf-8")
    with pytest.raises(DataError, match=r"a\.jsonl, .*b\.jsonl cannot be read as json"):
        open_tables([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])["train"]


def test_a_key_twice_in_questions(tmp_path):
    content = '{"data": [{"paragraphs": [{"context": "a", "context": "b", "qas": []}]}]}'
    (tmp_path / "a.json").write_text(content, "utf-8")
    with pytest.raises(DataError, match="an object has the key 'context' twice"):
        load_questions(QuestionSource(tmp_path / "a.json"))
