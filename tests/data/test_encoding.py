import gzip
import json
import subprocess

import pytest

from bert_finetune_kit import DataError, LabelledSource, QuestionSource, TextSource
from bert_finetune_kit.classification.task_file import find_task
from bert_finetune_kit.data.corpus import load_corpus
from bert_finetune_kit.data.encoding import read_lines
from bert_finetune_kit.data.labelled import load_labelled
from bert_finetune_kit.data.questions import load_questions

WORD = "café"  # in each format in the second line
ROW = {"context": WORD, "question": WORD, "text": WORD, "label": "a"}
CONTENTS = {
    ".txt": f"One .\n{WORD} .\n",
    ".csv": f"text,label,context,question\n{WORD},a,{WORD},{WORD}\n",
    ".tsv": f"text\tlabel\tcontext\tquestion\n{WORD}\ta\t{WORD}\t{WORD}\n",
    ".jsonl": json.dumps(dict.fromkeys(ROW, "One .")) + "\n" + json.dumps(ROW, ensure_ascii=False) + "\n",
    ".json": "[\n" + json.dumps(ROW, ensure_ascii=False) + "]",
}
READERS = {
    "text": (lambda file: load_corpus(TextSource(file)), (".txt", ".csv", ".jsonl", ".json")),
    "labels": (
        lambda file: load_labelled(find_task(None), LabelledSource(file)),
        (".csv", ".tsv", ".jsonl", ".json"),
    ),
    "questions": (lambda file: load_questions(QuestionSource(file)), (".csv", ".tsv", ".jsonl", ".json")),
}
# encoding of the file → its name in the message, line and byte of the first fault
ENCODINGS = {
    "latin-1": ("WINDOWS-1252", 2, "0xe9"),
    "utf-16": ("UTF-16", 1, "0xff"),
    "utf-16-le": ("UTF-16LE", 1, "0x00"),
    "utf-16-be": ("UTF-16BE", 1, "0x00"),
    "utf-32": ("UTF-32", 1, "0xff"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("reader", "ending"), [(name, ending) for name in READERS for ending in READERS[name][1]])
def test_a_file_of_another_encoding(tmp_path, encoding, reader, ending):
    name, line, byte = ENCODINGS[encoding]
    file = tmp_path / f"train{ending}"
    file.write_bytes(CONTENTS[ending].encode(encoding))
    with pytest.raises(DataError) as raised:
        READERS[reader][0](file)
    message = str(raised.value)
    assert f"train{ending}, line {line}: byte {byte} at position " in message
    assert f"iconv -f {name} -t UTF-8 < {file} > {tmp_path / 'train.utf8'}{ending}" in message


@pytest.mark.parametrize("name", ["train.txt", "train.csv.gz"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_command_converts_the_file(tmp_path, name, encoding):
    file = tmp_path / name
    ending = ".csv" if ".csv" in name else ".txt"
    content = CONTENTS[ending].encode(encoding)
    file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(DataError) as raised:
        list(read_lines(file))
    subprocess.run(str(raised.value).split("UTF-8: ")[1], shell=True, check=True)
    converted = tmp_path / name.replace("train", "train.utf8")
    assert "".join(read_lines(converted)) == CONTENTS[ending]


def test_the_file_at_fault_is_named_and_not_the_first(tmp_path):
    for ending in (".txt", ".csv", ".jsonl", ".json"):
        good, bad = tmp_path / f"good{ending}", tmp_path / f"bad{ending}"
        good.write_text(CONTENTS[ending], "utf-8")
        bad.write_bytes(CONTENTS[ending].encode("latin-1"))
        with pytest.raises(DataError, match=rf"^{bad}, line 2"):
            load_corpus(TextSource([good, bad]))


@pytest.mark.parametrize("ending", CONTENTS)
def test_a_nul_byte_is_no_text(tmp_path, ending):
    file = tmp_path / f"train{ending}"
    file.write_bytes(CONTENTS[ending].replace("é", "\0").encode())
    reader = "text" if ending == ".txt" else "labels"
    with pytest.raises(DataError, match=rf"{ending}, line 2: there is a NUL byte at position \d+.*tr -d"):
        READERS[reader][0](file)


def test_a_byte_that_windows_does_not_define(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a \x81 b\n")
    with pytest.raises(DataError, match=r"byte 0x81 at position 2 .*iconv -f ISO-8859-1"):
        list(read_lines(tmp_path / "a.txt"))


def test_lines_end_as_in_python(tmp_path):
    (tmp_path / "a.txt").write_bytes("a\x0b\nb\u2028c\r\nd\x85e\rf".encode())
    assert list(read_lines(tmp_path / "a.txt")) == ["a\x0b\n", "b\u2028c\n", "d\x85e\n", "f"]
    with open(tmp_path / "a.txt", encoding="utf-8") as stream:
        assert list(stream) == list(read_lines(tmp_path / "a.txt"))
