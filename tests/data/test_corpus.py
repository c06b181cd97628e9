import gzip
import json

import datasets
import pytest
from datasets import Dataset, DatasetDict

from bert_finetune_kit import ConfigError, DataError, TextSource
from bert_finetune_kit.data.corpus import load_corpus

LINES = ["One .", "Two .", "", "Three ."]
DOCUMENTS = ["One .\nTwo .", "Three ."]
RECORDS = ["One . Two .", "Three ."]


def write_txt(path):
    path.write_text("\n".join(LINES) + "\n", "utf-8")


def write_gz(path):
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.write("\n".join(LINES))


def write_jsonl(path):
    path.write_text("".join(json.dumps({"id": i, "text": text}) + "\n" for i, text in enumerate(RECORDS)), "utf-8")


def write_jsonl_gz(path):
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"text": text}) + "\n" for text in RECORDS)


def write_json(path):
    path.write_text(json.dumps([{"text": text} for text in RECORDS]), "utf-8")


def write_csv(path):
    Dataset.from_dict({"n": [1, 2], "text": RECORDS}).to_csv(path)


def write_parquet(path):
    Dataset.from_dict({"text": RECORDS}).to_parquet(path)


def texts(source, **settings):
    return list(load_corpus(source if isinstance(source, TextSource) else TextSource(source, **settings)).train["text"])


@pytest.mark.parametrize(
    ("name", "write", "documents"),
    [
        ("a.txt", write_txt, DOCUMENTS),
        ("a.txt.gz", write_gz, DOCUMENTS),
        ("a.jsonl", write_jsonl, RECORDS),
        ("a.jsonl.gz", write_jsonl_gz, RECORDS),
        ("a.json", write_json, RECORDS),
        ("a.csv", write_csv, RECORDS),
        ("a.parquet", write_parquet, RECORDS),
    ],
)
def test_every_kind_of_file(tmp_path, name, write, documents):
    write(tmp_path / name)
    assert texts(tmp_path / name) == documents
    assert texts(str(tmp_path / name)) == documents
    assert texts(tmp_path) == documents


def test_a_changed_file_is_read_anew(tmp_path):
    write_txt(tmp_path / "a.txt")
    assert texts(tmp_path / "a.txt") == DOCUMENTS
    (tmp_path / "a.txt").write_text("Other .\n\nText .\n", "utf-8")
    assert texts(tmp_path / "a.txt") == ["Other .", "Text ."]


def test_a_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfOne .\r\n\r\nTwo .\r\n")
    assert texts(tmp_path / "a.txt") == ["One .", "Two ."]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_any_system(tmp_path, end):
    (tmp_path / "a.txt").write_bytes(end.join(["One\u2028two .", "Three .", "", "Four\x0cfive ."]).encode())
    assert texts(tmp_path / "a.txt") == ["One two .\nThree .", "Four five ."]


def test_a_folder_of_splits(tmp_path):
    for split, text in (("train", "T ."), ("validation", "V ."), ("test", "E .")):
        (tmp_path / f"{split}.txt").write_text(text, "utf-8")
    corpus = load_corpus(TextSource(tmp_path))
    assert (list(corpus.train["text"]), list(corpus.validation["text"])) == (["T ."], ["V ."])
    assert corpus.notes == (
        "documents are separated by blank lines (detected)",
        "evaluated on the source's own split 'validation'",
    )
    assert corpus.validation_split == "validation"
    corpus = load_corpus(TextSource(tmp_path, validation_split="test"))
    assert list(corpus.validation["text"]) == ["E ."]
    assert corpus.validation_split == "test"
    assert load_corpus(TextSource(tmp_path / "train.txt", validation=tmp_path / "test.txt")).validation_split is None


def test_a_folder_and_a_list_of_files_keep_files_apart(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(f"{name} one .\n{name} two .\n", "utf-8")
    expected = ["a one .\na two .", "b one .\nb two ."]
    assert texts(tmp_path) == expected
    assert texts([tmp_path / "a.txt", str(tmp_path / "b.txt")]) == expected
    assert load_corpus(TextSource(tmp_path)).validation is None


def test_data_sets_in_memory():
    train = Dataset.from_dict({"text": [*RECORDS, None, " "], "n": [1, 2, 3, 4]})
    corpus = load_corpus(TextSource(train))
    assert list(corpus.train["text"]) == RECORDS
    assert corpus.notes == ("2 empty records were skipped",)
    both = DatasetDict(train=train, validation=Dataset.from_dict({"text": ["V ."]}))
    assert list(load_corpus(TextSource(both)).validation["text"]) == ["V ."]


def test_rows_that_are_lines_of_wikitext():
    rows = ["", " = A = \n", "", " Text . \n", "", " = B = \n", "", " More . \n"]
    assert texts(Dataset.from_dict({"text": rows})) == ["= A =\nText .", "= B =\nMore ."]


def test_the_bundled_sample():
    corpus = load_corpus(TextSource(max_documents=7))
    assert (len(corpus.train), len(corpus.validation), corpus.name) == (7, 7, "the bundled sample")


def test_the_bare_name_of_the_seed_corpus(monkeypatch):
    asked = []

    def load(name, config):
        asked.append((name, config))
        rows = [" = A = ", "", "Text .", "", " = B = ", "", "More ."]
        return DatasetDict({split: Dataset.from_dict({"text": rows}) for split in ("train", "validation", "test")})

    monkeypatch.setattr(datasets, "load_dataset", load)
    corpus = load_corpus(TextSource("wikitext-2-raw-v1", validation_split="test"))
    assert asked == [("Salesforce/wikitext", "wikitext-2-raw-v1")]
    assert (len(corpus.train), len(corpus.validation)) == (2, 2)
    load_corpus(TextSource("someone/corpus", hub_config="en"))
    assert asked[-1] == ("someone/corpus", "en")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"train": "no/such/file.txt"}, r"no/such/file.txt does not exist"),
        ({"train": "someone/corpus"}, r"'someone/corpus' is not a local file or folder.*cannot be loaded"),
        ({"train": 7}, r"The data set is of type int"),
        ({"train": ["a.txt", "b.txt"]}, r"a.txt, b.txt do not exist"),
        ({"train": Dataset.from_dict({"text": []})}, r"no rows"),
        ({"train": Dataset.from_dict({"text": ["", " "]})}, r"every document is empty"),
        ({"train": Dataset.from_dict({"a": ["x"], "b": ["y"]})}, r"Which column.*a \(string\), b \(string\)"),
        ({"train": Dataset.from_dict({"text": ["x"]}), "text_column": "body"}, r"no column 'body'.*text \(string\)"),
        (
            {"train": Dataset.from_dict({"text": [1]}), "text_column": "text"},
            r"'text' of .* does not contain text.*int64",
        ),
        (
            {"train": Dataset.from_dict({"text": ["x"]}), "validation_split": "dev"},
            r"no split 'dev' in .*Available splits: train",
        ),
    ],
)
def test_clear_errors(source, message):
    with pytest.raises(DataError, match=f"(?s){message}"):
        load_corpus(TextSource(**source))


def test_bytes_that_are_not_utf8(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"fine\ncaf\xe9 noir\n")
    with pytest.raises(DataError, match=r"a.txt, line 2: byte 0xe9 at position 3 is not UTF-8.*iconv"):
        texts(tmp_path / "a.txt")


def test_files_that_cannot_be_used(tmp_path):
    with pytest.raises(DataError, match="contains no file that can be read"):
        texts(tmp_path)
    (tmp_path / "a.txt").touch()
    with pytest.raises(DataError, match="is empty"):
        texts(tmp_path / "a.txt")
    (tmp_path / "b.csv").write_text("x", "utf-8")
    with pytest.raises(DataError, match="must share one format"):
        texts([tmp_path / "a.txt", tmp_path / "b.csv"])
    (tmp_path / "c.pdf").write_text("x", "utf-8")
    with pytest.raises(DataError, match=r"must share one format out of \.txt"):
        texts(tmp_path / "c.pdf")
    (tmp_path / "d.jsonl").write_text("{broken", "utf-8")
    with pytest.raises(DataError, match="cannot be read as json"):
        texts(tmp_path / "d.jsonl")


def test_settings_of_a_source_are_checked_together():
    with pytest.raises(ConfigError, match=r"(?s)3 faults.*validation_share.*max_documents.*documents is 'lines'"):
        TextSource(documents="lines", validation_share=2, max_documents=0)


@pytest.mark.parametrize(
    "names",
    [
        ("part1.txt", "part2.txt", "validation.txt"),
        ("train_1.txt", "train2.txt", "validation_1.txt"),
        ("train/a.txt", "train/b.txt", "dev/a.txt"),
    ],
)
def test_text_to_evaluate_on_is_never_trained_on(tmp_path, names):
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"Text {number} .\n\nMore {number} .\n", "utf-8")
    corpus = load_corpus(TextSource(tmp_path))
    assert len(corpus.train) == 4
    assert corpus.validation["text"][:] == ["Text 2 .", "More 2 ."]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt.gz", b"plain", "not a complete gzip file"),
        ("a.txt.gz", gzip.compress(b"text " * 900, mtime=0)[:40], "not a complete gzip file"),
        ("a.csv", b"text\n", "no rows"),
        ("a.json", b'{"version": "v2.0", "data": [{"title": "a"}]}', "one nested object"),
    ],
)
def test_files_that_are_not_what_they_seem(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_corpus(TextSource(tmp_path / name))


def test_words_that_look_like_missing_cells_are_words(tmp_path):
    (tmp_path / "a.csv").write_text("text\nNA\nNone\nnull\n", "utf-8")
    assert load_corpus(TextSource(tmp_path / "a.csv")).train["text"][:] == ["NA", "None", "null"]


def test_settings_that_cannot_apply(tmp_path):
    (tmp_path / "a.txt").write_text("Text .\n", "utf-8")
    with pytest.raises(DataError, match="has no columns"):
        load_corpus(TextSource(tmp_path / "a.txt", text_column="body"))
    with pytest.raises(ConfigError, match="without train"):
        TextSource(validation="a.txt")


def documents_folder(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".txt").write_text(text, "utf-8")
    return folder


def test_each_file_of_a_folder_is_a_document(tmp_path):
    """In the order of their paths, those of sub-folders too; blank lines within are paragraphs."""
    folder = documents_folder(tmp_path, b="B one .\n\nB two .\n", a="A .\n", c__z="Z .\n", empty="\n")
    corpus = load_corpus(TextSource(folder))
    assert corpus.train["text"][:] == ["A .", "B one .\nB two .", "Z ."]
    assert corpus.notes == ("documents are separated by files (detected)", "1 empty files were skipped")
    assert load_corpus(TextSource(folder, documents="blank_lines")).train["text"][:] == [
        "A .",
        "B one .",
        "B two .",
        "Z .",
    ]


def test_a_folder_with_headings_or_a_single_file_is_read_as_a_file_is(tmp_path):
    wiki = documents_folder(tmp_path / "wiki", a=" = A = \n\nOne .\n\n = B = \n\nTwo .\n", b=" = C = \n\nThree .\n")
    assert len(load_corpus(TextSource(wiki)).train) == 3
    single = documents_folder(tmp_path / "single", a="One .\n\nTwo .\n")
    assert load_corpus(TextSource(single)).train["text"][:] == ["One .", "Two ."]
    assert load_corpus(TextSource(single, documents="files")).train["text"][:] == ["One .\nTwo ."]


def test_rows_of_a_table_are_no_files():
    with pytest.raises(DataError, match="documents is 'files', and the text is in a table"):
        load_corpus(TextSource(Dataset.from_dict({"text": ["a", "b"]}), documents="files"))


def test_dicts_and_tokens_as_text():
    assert load_corpus(TextSource([{"text": "One ."}, {"text": "Two ."}])).train["text"][:] == ["One .", "Two ."]
    with pytest.raises(DataError, match=r"already tokenized \(input_ids\). Give the text itself"):
        load_corpus(TextSource([{"input_ids": [1, 2]}, {"input_ids": [1]}]))
