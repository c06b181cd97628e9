import gzip

import pytest
from datasets import Dataset, DatasetDict

from bert_finetune_kit import DataError
from bert_finetune_kit.data.tables import open_tables

ROWS = [{"sentence": "a fine film", "label": "1"}, {"sentence": 'he said "no', "label": "0"}]


def rows_of(given, **settings):
    tables = open_tables(given, **settings)
    assert list(tables) == ["train"]
    return tables["train"].to_list()


def test_csv(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('sentence,label\na fine film,1\n"he said ""no",0\n', "utf-8")
    assert rows_of(file) == ROWS


def test_gz_and_byte_order_mark(tmp_path):
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress("\ufeffsentence,label\nnaïve,1\n".encode()))
    assert rows_of(file) == [{"sentence": "naïve", "label": "1"}]


def test_glues_own_tsv_is_not_quoted(tmp_path):
    file = tmp_path / "train.tsv"
    file.write_text('sentence\tlabel\n"a" fine film\t1\n"he said "no\t0\nan "end"\t1\n', "utf-8")
    assert [row["sentence"] for row in rows_of(file)] == ['"a" fine film', '"he said "no', 'an "end"']


def test_quoted_tsv(tmp_path):
    file = tmp_path / "train.tsv"
    file.write_text('sentence\tlabel\n"a\tb"\t1\n"he said ""no"\t0\n', "utf-8")
    assert [row["sentence"] for row in rows_of(file)] == ["a\tb", 'he said "no']


def test_a_cell_with_a_word_like_none_is_no_empty_cell(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("text,label\nNA,None\nnull,\n", "utf-8")
    assert rows_of(file) == [{"text": "NA", "label": "None"}, {"text": "null", "label": None}]


def test_a_file_without_a_header(tmp_path):
    file = tmp_path / "cola.tsv"
    file.write_text("gj04\t1\t\tOur friends.\ngj05\t0\t*\tOne more.\n", "utf-8")
    rows = rows_of(file, column_names=["source", "label", "star", "sentence"])
    assert [row["sentence"] for row in rows] == ["Our friends.", "One more."]


def test_json_lines_parquet_and_memory(tmp_path):
    rows = Dataset.from_list(ROWS)
    rows.to_json(tmp_path / "a.jsonl")
    rows.to_parquet(tmp_path / "a.parquet")
    assert rows_of(tmp_path / "a.jsonl") == rows_of([str(tmp_path / "a.parquet")]) == rows_of(rows) == ROWS
    assert set(open_tables(DatasetDict(dev=rows))) == {"dev"}


def test_a_folder_of_splits(tmp_path):
    rows = Dataset.from_list(ROWS)
    for name in ("train-00000-of-00002", "train-00001-of-00002", "validation_matched-00000-of-00001", "dev"):
        rows.to_parquet(tmp_path / f"{name}.parquet")
    tables = open_tables(tmp_path)
    assert {name: len(table) for name, table in tables.items()} == {
        "train": 4,
        "validation_matched": 2,
        "validation": 2,
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", "text,label\ncaf\xe9,1\n".encode("latin-1"), "line 2: byte 0xe9 at position 3 is not UTF-8"),
        ("a.csv", b"text,label\na,1,2,3\nb,1\n", "line 2, has 4 cells, and the header 2"),
        ("a.json", b"{", "cannot be read"),
        ("a.xls", b"x", "must share one format"),
    ],
)
def test_what_cannot_be_read(tmp_path, name, content, message):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        open_tables(file)["train"]


@pytest.mark.parametrize("given", ["missing.tsv", "./missing", 7, ["missing.csv", "gone.csv"]])
def test_what_is_not_there(given):
    with pytest.raises(DataError):
        open_tables(given)


def test_a_folder_without_tables(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match="no file that can be read"):
        open_tables(tmp_path)


def test_a_quotation_over_several_rows_does_not_swallow_them(tmp_path):
    file = tmp_path / "train.tsv"
    file.write_text('sentence\tlabel\n"Hello there\t1\nnothing here\t0\nI said so"\t0\n', "utf-8")
    assert [row["label"] for row in rows_of(file)] == ["1", "0", "0"]


def test_a_row_with_more_cells_than_the_header(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("text,label\ngood, bad,pos\nfine,neg\n", "utf-8")
    with pytest.raises(DataError, match=r"a\.csv, line 2, has 3 cells, and the header 2\..*quotation marks"):
        open_tables(file)["train"]


def test_test_files_are_never_trained_on(tmp_path):
    for name in ("reviews_train", "reviews_test", "dev_matched", "dev_mismatched"):
        Dataset.from_list(ROWS).to_csv(tmp_path / f"{name}.csv")
    assert set(open_tables(tmp_path)) == {"train", "test", "validation_matched", "validation_mismatched"}
