"""Against markdown-it, the parser of the CommonMark reference: what is escaped is shown as it was."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bert_finetune_kit.reporting.escaping import escape_markdown, one_line

MARKDOWN = MarkdownIt("commonmark").enable("table")
SIGNS = st.lists(
    st.sampled_from(["<b>", "</script>", "`", "**", "_", "a_b", "|", "[x](y)", "![", "1. ", "- ", "+", "#", "&lt;",
                     "\\", "\n", "\n\n", "---", "===", "> ", "~~", "$$", "\\(", "    ", "\t", "&amp", "{{", "}}",
                     "<!--"])
).map("".join)  # fmt: skip
TEXT = st.one_of(st.text(), SIGNS)


def shown(markdown):
    """Plain text of one paragraph; fails where there is anything else in it."""
    (_, inline, _) = MARKDOWN.parse(markdown)
    assert {child.type for child in inline.children} <= {"text", "text_special"}, markdown
    return "".join(child.content for child in inline.children)


@settings(deadline=None)
@given(TEXT)
def test_a_paragraph_shows_the_text_itself(text):
    line = one_line(text, 2000)
    if line:
        assert shown(escape_markdown(text)) == line


@settings(deadline=None)
@given(TEXT)
def test_so_do_a_list_and_a_table(text):
    line = one_line(text, 2000)
    if not line:
        return
    escaped, safe = escape_markdown(text), html.escape(line, quote=False).replace('"', "&quot;")
    assert MARKDOWN.render(f"- {escaped}\n") == f"<ul>\n<li>{safe}</li>\n</ul>\n"
    assert f"<td>{safe}</td>\n<td>1</td>" in MARKDOWN.render(f"| a | b |\n| --- | --- |\n| {escaped} | 1 |\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [("a\r\n b\u2028c", "a b c"), ("\u202egnp\u2066x\x00\ud800", "gnpx"), ("x" * 300, "x" * 199 + "…"),
     ("e\u0301", "e\u0301")],
)  # fmt: skip
def test_one_line(text, line):
    assert one_line(text) == line
