import gzip
import json
import subprocess

import pytest

from bert_finetune_kit import ConfigError, DataError, LabelledSource, QuestionSource, TextSource
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
MARKED = ("utf-8-sig", "utf-16", "utf-32")
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
    "utf-16-le": ("UTF-16LE", 1, "0x00"),
    "utf-16-be": ("UTF-16BE", 1, "0x00"),
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
    assert f"Set encoding='{name.lower()}', or save it as UTF-8" in message
    assert f"train{ending}, line {line}: byte {byte} at position " in message
    assert f"iconv -f {name} -t UTF-8 < {file} > {tmp_path / 'train.utf8'}{ending}" in message


def texts(reader, file, **settings):
    """Return the texts that a reader of sources finds in a file."""
    if reader == "text":
        return load_corpus(TextSource(file, **settings)).train["text"][:]
    if reader == "labels":
        return load_labelled(find_task(None), LabelledSource(file, **settings)).train["text"][:]
    return load_questions(QuestionSource(file, validation=file, **settings)).train["question"][:]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1", "utf-16-le"])
@pytest.mark.parametrize(("reader", "ending"), [(name, ending) for name in READERS for ending in READERS[name][1]])
def test_an_encoding_is_that_of_the_mark_or_the_one_that_is_set(tmp_path, encoding, reader, ending):
    content = CONTENTS[ending].replace("label", "answer") if reader == "questions" else CONTENTS[ending]
    file = tmp_path / f"train{ending}"
    file.write_text(content, "utf-8")
    expected = texts(reader, file)
    for name in (f"a{ending}", f"a{ending}.gz"):
        data = content.encode(encoding)
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        assert texts(reader, tmp_path / name, encoding=None if encoding in MARKED else encoding) == expected
    assert WORD in " ".join(expected)


def test_files_of_several_encodings_of_which_each_has_its_mark(tmp_path):
    for ending in (".txt", ".csv", ".jsonl"):
        files = [tmp_path / f"{name}{ending}" for name in MARKED]
        for file, encoding in zip(files, MARKED, strict=True):
            file.write_bytes(CONTENTS[ending].encode(encoding))
        assert " ".join(texts("text", files)).count(WORD) == 3


def test_an_encoding_that_is_not_that_of_the_file(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"text,label\n\x81,a\n")
    with pytest.raises(DataError, match=r"a.csv is not of the encoding cp1252: .*Set encoding= to another one"):
        texts("labels", tmp_path / "a.csv", encoding="cp1252")
    (tmp_path / "b.csv").write_bytes("text,label\na,b\n".encode("utf-16-le"))
    with pytest.raises(DataError, match=r"b.csv has a NUL character, read by the encoding latin-1"):
        texts("labels", tmp_path / "b.csv", encoding="latin-1")
    for name in ("klingon", "rot13"):
        with pytest.raises(ConfigError, match=f"encoding is '{name}', which there is not"):
            LabelledSource("a.csv", encoding=name)


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
