"""Lines of text → documents, and documents → sentences. Plain functions over strings."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, get_args

DocumentStyle = Literal["headings", "blank_lines", "records", "files"]
DOCUMENT_STYLES: tuple[str, ...] = get_args(DocumentStyle)

# Separates files, and occurs in no text: a document never continues in the next file.
FILE_BREAK = "\x00 end of file \x00"

# WikiText: " = Title = " starts an article, " = = Section = = " does not.
_TITLE = re.compile(r"^\s?= (?!=).*(?<!=) =\s*$")

# A sentence ends at . ! ? … with its closing quotes or brackets, before white space and something that can open a
# sentence; ideographic stops need no white space, and a stop between spaces, as in tokenized text, needs nothing after
# it. "Dr. Smith" is split, too: a false boundary is harmless here.
_SENTENCE_END = re.compile(
    r"[.!?…؟۔।][\"'”’)\]»]*(?=\s+[\"'“‘(\[«]?\s?[^\W_a-z])|(?<=\s)[.!?](?=\s)(?!\s[\"'”’)\]»])|[。！？](?=\S)"
)


# White space within a line, which Python's `splitlines` takes for its end, and of which BERT's normalizer deletes most,
# so that the words on both sides would become one.
_NO_LINE_END = dict.fromkeys(map(ord, "\v\f\x1c\x1d\x1e\x85\u2028\u2029"), " ")
_LINE_END = re.compile(r"\r\n|\r|\n")


def is_title(line: str) -> bool:
    """Whether `line` is a WikiText article heading.

    >>> is_title(" = Robert Boulter = "), is_title(" = = Career = = ")
    (True, False)
    """
    return _TITLE.match(line) is not None


def detect_style(lines: Iterable[str], sample: int = 10_000) -> DocumentStyle:
    """Detect from the first lines of a text how its documents are separated.

    By headings where the text begins with one or has at least three: a single line such as `= 5 =` is no evidence. Text
    with neither headings nor blank lines is one document ("blank_lines" without a blank line).
    """
    sampled = [line for line in islice(lines, sample) if line.strip()]
    titles = [is_title(line) for line in sampled]
    return "headings" if titles[:1] == [True] or sum(titles) >= 3 else "blank_lines"


def iter_documents(lines: Iterable[str], style: DocumentStyle) -> Iterator[str]:
    r"""Join lines to documents, one string a document with a newline between its lines. Blank documents are skipped.

    In the style "files" a document is what stands before the end of a file.

    A heading follows a blank line, unless the text has none: WikiText-2 has formulas such as
    " = 1 henry and capacitance C = " within paragraphs.

    >>> list(iter_documents(["One .", "Two .", "", "Three ."], "blank_lines"))
    ['One .\nTwo .', 'Three .']
    """
    document: list[str] = []
    has_blanks, after_blank = False, True
    for line in lines:
        if line == FILE_BREAK:
            if document:
                yield "\n".join(document)
            document, has_blanks, after_blank = [], False, True
            continue
        text = line.translate(_NO_LINE_END).strip()
        is_blank = not text
        has_blanks |= is_blank
        starts_document = {
            "records": True,
            "blank_lines": is_blank,
            "files": False,
            "headings": (after_blank or not has_blanks) and is_title(line),
        }[style]
        if starts_document and document:
            yield "\n".join(document)
            document = []
        if text:
            document.append(text)
        after_blank = is_blank
    if document:
        yield "\n".join(document)


def split_sentences(text: str) -> list[str]:
    r"""Split a document at its line ends (`\n`, `\r\n`, or `\r` alone) and sentence ends.

    >>> split_sentences('He left . She asked : " Why ? " Nobody knew .')
    ['He left .', 'She asked : " Why ?', '" Nobody knew .']
    """
    return [sentence for line in _LINE_END.split(text) for sentence in _split_line(line)]


def _split_line(line: str) -> Iterator[str]:
    start = 0
    for end in [match.end() for match in _SENTENCE_END.finditer(line)] + [len(line)]:
        sentence = line[start:end].strip()
        if sentence:
            yield sentence
        start = end
