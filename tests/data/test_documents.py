import pytest

from bert_finetune_kit.data.documents import FILE_BREAK, detect_style, is_title, iter_documents, split_sentences

WIKITEXT = """
 = Filter =

 It is given by
 = 1 henry and capacitance C =
 and so on .

 = = Section = =

 More .

 = Nero =

 An emperor .
""".replace("=\n", "= \n").split("\n")


def test_wikitext_sections_and_formulas_are_not_documents():
    assert list(iter_documents(WIKITEXT, "headings")) == [
        "= Filter =\nIt is given by\n= 1 henry and capacitance C =\nand so on .\n= = Section = =\nMore .",
        "= Nero =\nAn emperor .",
    ]


def test_headings_count_in_a_text_without_blank_lines():
    assert len(list(iter_documents([line for line in WIKITEXT if line], "headings"))) == 3


@pytest.mark.parametrize(
    ("line", "title"),
    [
        (" = Robert Boulter = ", True),
        ("= x =", True),
        (" = = Career = = ", False),
        (" = = = 2000 = = = ", False),
        ("x = y", False),
        ("", False),
    ],
)
def test_titles(line, title):
    assert is_title(line) is title


def test_a_document_ends_with_its_file():
    lines = ["One .", FILE_BREAK, "Two .", "Three .", FILE_BREAK]
    assert list(iter_documents(lines, "blank_lines")) == ["One .", "Two .\nThree ."]
    assert list(iter_documents(lines, "headings")) == ["One .", "Two .\nThree ."]


def test_records_are_documents_and_empty_ones_are_left_out():
    assert list(iter_documents(["One .", " ", "Two .\nThree ."], "records")) == ["One .", "Two .\nThree ."]


def test_detect_style():
    assert detect_style(WIKITEXT) == "headings"
    assert detect_style(["One .", "", "Two ."]) == "blank_lines"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("He left . She stayed .", ["He left .", "She stayed ."]),
        ('He said "Yes." She left.', ['He said "Yes."', "She left."]),
        ("It cost 3.5 pounds. 4 men paid.", ["It cost 3.5 pounds.", "4 men paid."]),
        ("e.g. this one", ["e.g. this one"]),
        ("他走了。她问！", ["他走了。", "她问！"]),
        ("Over\nlines\r\nof any\rsystem", ["Over", "lines", "of any", "system"]),
        ("a\u2028b\u2029c\x85d\x0ce\x0bf\x1cg\x1dh\x1ei", ["a\u2028b\u2029c\x85d\x0ce\x0bf\x1cg\x1dh\x1ei"]),
        ("  \n ", []),
    ],
)
def test_sentences(text, sentences):
    assert split_sentences(text) == sentences


def test_sentences_lose_nothing():
    text = 'A (b). "C?" D… [E] F!'
    assert "".join(split_sentences(text)).replace(" ", "") == text.replace(" ", "")


def test_files_of_wikitext_without_blank_lines_stay_apart():
    """The end of a file is no blank line: titles need none before them where a text has none."""
    one = ["= A =", "a .", "= B =", "b .", FILE_BREAK]
    two = ["= C =", "c .", "= D =", "d ."]
    assert list(iter_documents(one + two, "headings")) == ["= A =\na .", "= B =\nb .", "= C =\nc .", "= D =\nd ."]


def test_one_line_like_a_heading_decides_nothing():
    assert detect_style(["A .", "", "= 5 =", "", "B ."]) == "blank_lines"
    assert detect_style(["", "= A =", "a ."]) == "headings"
    assert detect_style(["middle .", "= A =", "a .", "= B =", "= C ="]) == "headings"


def test_sentences_in_lower_case_and_other_scripts():
    assert split_sentences("the dog ran . it was late . no") == ["the dog ran .", "it was late .", "no"]
    assert split_sentences("यह एक वाक्य है। यह दूसरा है।") == ["यह एक वाक्य है।", "यह दूसरा है।"]
    assert split_sentences("at 5.30 p.m. they left") == ["at 5.30 p.m. they left"]


@pytest.mark.parametrize("character", "\v\f\x1c\x1d\x1e\x85\u2028\u2029")
@pytest.mark.parametrize("style", ["blank_lines", "records"])
def test_only_a_line_end_ends_a_line(character, style):
    """Such a character is white space between words, which the normalizer of BERT would partly delete."""
    documents = list(iter_documents([f"the mill{character}opens at six", character, "The end ."], style))
    assert documents == ["the mill opens at six", "The end ."]
    assert [split_sentences(document) for document in documents] == [["the mill opens at six"], ["The end ."]]
