"""Rows of a file one at a time."""

import gzip
import json
import tracemalloc

import pandas as pd
import pytest

from bert_finetune_kit import DataError
from bert_finetune_kit.data.row_stream import count_rows, stream_rows

ROWS = [{"id": "1", "text": 'a "quoted", long\nline'}, {"id": "2", "text": None}, {"id": "3", "text": "NA"}]


def write(folder, ending):
    frame, file = pd.DataFrame(ROWS), folder / f"rows{ending}"
    if ending in (".csv", ".tsv"):
        frame.to_csv(file, index=False, sep="," if ending == ".csv" else "\t")
    elif ending == ".parquet":
        frame.to_parquet(file)
    elif ending == ".json":
        file.write_text(json.dumps({"data": ROWS}))
    else:
        content = "".join(json.dumps(row) + "\n\n" for row in ROWS).encode()
        file.write_bytes(gzip.compress(content) if ending.endswith(".gz") else content)
    return file


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".jsonl.gz", ".json", ".parquet"])
def test_formats_have_the_same_rows(tmp_path, ending):
    assert list(stream_rows(write(tmp_path, ending))) == ROWS
    assert count_rows(write(tmp_path, ".parquet")) == count_rows(write(tmp_path, ".jsonl")) == 3


def test_questions_in_the_format_of_squad(tmp_path):
    question = {"id": "q", "question": "When ?", "answers": []}
    content = {"data": [{"title": "mill", "paragraphs": [{"context": "At six .", "qas": [question]}]}]}
    (tmp_path / "squad.json").write_text(json.dumps(content))
    (row,) = stream_rows(tmp_path / "squad.json")
    assert (row["id"], row["title"], row["question"], row["context"]) == ("q", "mill", "When ?", "At six .")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"text": "a"}\n[1]\n', "line 2, is a list; an object is needed"),
        ("a.jsonl", '{"text": "a"}\n{"text": \n', "line 2, column"),
        ("a.jsonl", '{"text": "a", "text": "b"}\n', "has the key 'text' twice"),
        ("a.csv", "text\na,b\n", "line 2, has 2 cells"),
        ("a.json", '{"data": [1]}', "no list of objects"),
        ("a.parquet", "text", "cannot be read as parquet"),
        ("a.xlsx", "text", "must share one format out of"),
        ("b.csv", None, "does not exist"),
    ],
)
def test_what_cannot_be_read(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        list(stream_rows(tmp_path / name))


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path, ending):
    """5 MB are read in less than 2.5 MB, of which a batch of a .parquet file has one."""
    file, text = tmp_path / f"rows{ending}", "word " * 200
    if ending == ".jsonl":
        file.write_text(f'{{"text": "{text}"}}\n' * 5_000)
    elif ending == ".parquet":
        pd.DataFrame({"text": [f"{text}{number}" for number in range(5_000)]}).to_parquet(file)
    else:
        file.write_text("text\tid\n".replace("\t", "," if ending == ".csv" else "\t"))
        with file.open("a") as stream:
            stream.writelines(f"{text}{',' if ending == '.csv' else chr(9)}{number}\n" for number in range(5_000))
    tracemalloc.start()
    try:
        assert sum(1 for _ in stream_rows(file)) == 5_000
        _, highest = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert highest < 2_500_000
