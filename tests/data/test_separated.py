import csv

import pytest
from datasets import Dataset

from bert_finetune_kit import DataError, QuestionSource, TextSource
from bert_finetune_kit.data.corpus import load_corpus
from bert_finetune_kit.data.questions import load_questions
from bert_finetune_kit.data.row_stream import stream_rows
from bert_finetune_kit.data.separated import delimiter_of
from bert_finetune_kit.data.tables import open_tables, separated


def read(path, content, **settings):
    path.write_text(content, "utf-8", newline="")
    return [tuple(row.values()) for row in open_tables(path, **settings)["train"].to_list()]


def both(content):
    """Return what is written with commas as .csv and as .tsv, where no cell has a comma."""
    return [(".csv", content), (".tsv", content.replace(",", "\t"))]


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        *both("text,label\na,0\nb,1\ntext,label\nc,0\n"),
        *both("text,label\na,0\nb,1\n\ufefftext,label \nc,0\n"),
        *both('text,label\na,0\nb,1\n"text","label"\nc,0\n'),
    ],
)
def test_the_header_again(tmp_path, ending, content):
    with pytest.raises(DataError, match=rf"a{ending}, line 4, is the header again"):
        read(tmp_path / f"a{ending}", content)


@pytest.mark.parametrize("again", ["Text,Label", '"text", "label"', "label,text", "TEXT , LABEL"])
def test_the_header_again_in_another_form(tmp_path, again):
    with pytest.raises(DataError, match=r"a\.csv, line 4, is the header again"):
        read(tmp_path / "a.csv", f"text,label\na,0\nb,1\n{again}\nc,0\n")


def test_the_header_again_in_other_sources(tmp_path):
    """Of several files each has its header; `column_names` are not the names of a file with one."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"text,label\n{name},0\n", "utf-8")
    tables = open_tables([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert tables["train"].to_list() == [{"text": "a", "label": "0"}, {"text": "b", "label": "0"}]
    with pytest.raises(DataError, match=r"a\.csv, line 1, is the header: column_names"):
        open_tables(tmp_path / "a.csv", column_names=["text", "label"])["train"]
    (tmp_path / "c.csv").write_text("context,question\na,b ?\ncontext,question\nc,d ?\n", "utf-8")
    with pytest.raises(DataError, match=r"c\.csv, line 3, is the header again"):
        load_questions(QuestionSource(tmp_path / "c.csv"))
    (tmp_path / "d.csv").write_text("text\na b .\ntext\nc d .\n", "utf-8")
    with pytest.raises(DataError, match=r"d\.csv, line 3, is the header again"):
        load_corpus(TextSource(tmp_path / "d.csv"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            'text,label\n"Hello there,1\nfine day,0\nshe said "no",1\nbye,0\n',
            "line 2: .*closed within a cell in line 4",
        ),
        ('text,label\nHello,1\n"fine day,0\nshe said no",1\nbye,0\n', "line 3: .*closed in line 4 only.*rows of their"),
        ('label,text\n1,Hello\n0,"fine day\n1,she said no"\n0,bye\n', "line 3: .*closed in line 4 only.*rows of their"),
        ('text,score\n"Hello,3.75\nfine day,2.5\nso",1.2\nbye,2.5\n', "line 2: .*closed in line 4 only.*rows of their"),
        ('text,label\nHello,1\n"fine day,0\n', "line 3: .*never closed"),
        ('text,label\n"Hello" there,1\n', "line 2: .*closed within a cell in line 2"),
    ],
)
def test_a_stray_quotation_mark_in_csv(tmp_path, content, message):
    with pytest.raises(DataError, match=rf"(?s)a\.csv, {message}"):
        read(tmp_path / "a.csv", content)
    with pytest.raises(DataError, match=rf"(?s)a\.csv, {message}"):
        load_corpus(TextSource(tmp_path / "a.csv"))


@pytest.mark.parametrize(("ending", "delimiter"), [(".csv", ","), (".tsv", "\t")])
def test_any_text_in_quotation_marks(tmp_path, ending, delimiter):
    """Cells over several lines, with separators, quotation marks and blank lines, as the csv module writes them."""
    rows = [
        ("for $ 100,000\nor so", "2"),
        ("Dear Sir,\nthis is\n\nfine, 1", "0"),
        ('"so" she\tsaid,', "1"),
        ("a" * 200_000, "1"),
        ("x,1\r\ny", "a\rb"),
    ]
    with open(tmp_path / f"a{ending}", "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows([("text", "label"), *rows])
    assert [tuple(row.values()) for row in open_tables(tmp_path / f"a{ending}")["train"].to_list()] == rows
    assert csv.field_size_limit() == 131_072


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("text,label\na,0\n\n   \nb,1\n\n", [("a", "0"), ("b", "1")]),  # blank lines
        ("text,label\na,0,\nb,1,\n", [("a", "0"), ("b", "1")]),  # separators at the end
        ("text,label,\na,0,\nb,1\n", [("a", "0", None), ("b", "1", None)]),
        (",text,label\n0,a,0\n", [("0", "a", "0")]),  # an index without a name
        ("text,label\ra,0\rb,1\r", [("a", "0"), ("b", "1")]),
        ("text,label\n,0\n", [(None, "0")]),
        ('text\na\n""\n', [("a",), (None,)]),
    ],
)
def test_odd_files_that_are_fine(tmp_path, content, rows):
    assert read(tmp_path / "a.csv", content) == rows


@pytest.mark.parametrize(
    ("ending", "content", "message"),
    [
        *((ending, content, "line 3, has 1 cell, and the header 2") for ending, content in both("t,l\na,0\nb\n")),
        *((ending, content, "line 2, has 3 cells, and the header 2") for ending, content in both("t,l\na,0,1\n")),
        *((ending, content, "has the column 't' twice") for ending, content in both("t,l,t\na,0,1\n")),
        (".csv", "\n\n", "has no header"),
    ],
)
def test_rows_that_do_not_fit(tmp_path, ending, content, message):
    with pytest.raises(DataError, match=rf"a{ending},? {message}"):
        read(tmp_path / f"a{ending}", content)
    if ending == ".csv":
        with pytest.raises(DataError, match=rf"a{ending},? {message}"):
            load_corpus(TextSource(tmp_path / "a.csv"))


def test_the_width_of_a_file_without_a_header(tmp_path):
    with pytest.raises(DataError, match=r"line 1, has 3 cells, and column_names 2"):
        read(tmp_path / "a.tsv", "a\t0\t1\n", column_names=["text", "label"])


def test_files_with_other_columns_and_without_rows(tmp_path):
    for name, content in {"a": "text,label\na,0\n", "b": "label,text,n\n1,b,2\n", "c": "text,label\n"}.items():
        (tmp_path / f"{name}.csv").write_text(content, "utf-8")
    table = open_tables([tmp_path / f"{name}.csv" for name in "abc"])["train"]
    assert table.to_list() == [{"text": "a", "label": "0", "n": None}, {"text": "b", "label": "1", "n": "2"}]


def test_separators_at_the_end_do_not_shift_the_columns_of_a_corpus(tmp_path):
    (tmp_path / "a.csv").write_text("text,n\nOne .,1,\nTwo .,2,\n", "utf-8")
    assert load_corpus(TextSource(tmp_path / "a.csv")).train["text"][:] == ["One .", "Two ."]


def test_what_is_written_is_read(tmp_path):
    rows = Dataset.from_dict({"text": ['a "b"', "c,\n d"], "label": ["0", "1"]})
    rows.to_csv(tmp_path / "a.csv")
    assert open_tables(tmp_path / "a.csv")["train"].to_list() == rows.to_list()


def test_files_that_are_read_side_by_side_leave_no_limit_behind(tmp_path):
    (tmp_path / "a.csv").write_text("text\na\nb\n", "utf-8")
    first, second = (separated(tmp_path / "a.csv", None).rows() for _ in range(2))
    next(first), next(second), next(first)
    assert csv.field_size_limit() == 131_072
    assert [*first, *second] == [["b"], ["a"], ["b"]]
    assert csv.field_size_limit() == 131_072


def test_a_faulty_file_leaves_no_limit_behind(tmp_path):
    for content in ("a,b\n1\n", 'a,b\n"1,2\n'):
        with pytest.raises(DataError):
            read(tmp_path / "a.csv", content)
        assert csv.field_size_limit() == 131_072


HEADERS = {
    "text,label": ",", "text;label": ";", "text\tlabel": "\t", "text|label": "|", '"text";"label"': ";", "text": ",",
    '"text;label"': ",", "a;b,c|d": ",", '"a,b";label': ";", "\ufefftext;label": ";", "\n\ntext;label": ";",
}  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_the_header_decides_what_separates_the_cells(tmp_path, header):
    (tmp_path / "a.csv").write_text(f"{header}\n", "utf-8")
    assert delimiter_of(tmp_path / "a.csv") == HEADERS[header]


def test_semicolons_in_every_reader(tmp_path):
    """A file of a spreadsheet where numbers have decimal commas, with a byte order mark."""
    rows = 'text;label;context;question\n"a; b, c";2,5;d;e ?\nf;3;d;g ?\n'
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + rows.replace("\n", "\r\n").encode())
    expected = [
        {"text": "a; b, c", "label": "2,5", "context": "d", "question": "e ?"},
        {"text": "f", "label": "3", "context": "d", "question": "g ?"},
    ]
    assert open_tables(tmp_path / "a.csv")["train"].to_list() == list(stream_rows(tmp_path / "a.csv")) == expected
    assert load_corpus(TextSource(tmp_path / "a.csv")).train["text"][:] == ["a; b, c", "f"]
    (tmp_path / "b.csv").write_text("text,n\nh,1\n", "utf-8")
    both = load_corpus(TextSource([tmp_path / "a.csv", tmp_path / "b.csv"])).train["text"][:]
    assert both == ["a; b, c", "f", "h"]
    assert read(tmp_path / "c.csv", "a;1\nc;2\n", column_names=["text", "label"]) == [("a", "1"), ("c", "2")]


def test_rows_of_another_separator_than_the_header(tmp_path):
    with pytest.raises(DataError, match=r"line 2, has 1 cell, and the header 2"):
        read(tmp_path / "a.csv", "text,label\na;0\n")
    with pytest.raises(
        DataError, match=r"line 2, has 3 cells, and the header 2. Put cells that contain a semicolon in"
    ):
        read(tmp_path / "a.csv", "text;label\na;0;1\n")
