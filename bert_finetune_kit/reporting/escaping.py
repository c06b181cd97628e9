"""Text from data or from a user, made safe for Markdown."""

import re
import unicodedata

# Characters with a meaning in Markdown, HTML, or the Hub's formulas. As entities they are plain text for all of them;
# a backslash would not do, since the Hub reads `\\(` as the beginning of a formula.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {sign: f"&#{ord(sign)};" for sign in r"\`*[]|~$#{}"}
_SPECIAL = re.compile("[" + re.escape("".join(_ENTITIES)) + "]")
# Marks that change the direction of the text around them, and the byte order mark.
_DIRECTION_MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"


def one_line(text: object, longest: int = 200) -> str:
    """Return `text` on one line, without control characters and direction marks, cut at `longest` characters.

    >>> one_line("a\\n\\tb\\x00")
    'a b'
    """
    visible = "".join(sign for sign in str(text) if sign.isspace() or not _is_invisible(sign))
    line = " ".join(visible.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _is_invisible(sign: str) -> bool:
    return sign in _DIRECTION_MARKS or unicodedata.category(sign) in ("Cc", "Cs", "Cn")


def escape_markdown(text: object, longest: int = 2000) -> str:
    """Return `text` as one line of Markdown that renders as exactly that text in a paragraph, a list or a table cell.

    >>> escape_markdown("<b> f1_macro *of* _x_ [a](b)")
    '&lt;b&gt; f1_macro &#42;of&#42; &#95;x&#95; &#91;a&#93;(b)'
    """
    line = _SPECIAL.sub(lambda match: _ENTITIES[match[0]], one_line(text, longest))
    line = re.sub(r"(?<![^\W_])_|_(?![^\W_])", "&#95;", line)  # between letters it is no emphasis
    line = re.sub(r"^[-+=]", lambda match: f"&#{ord(match[0])};", line)  # would begin a list
    return re.sub(r"^(\d+)([.)])(?= |$)", lambda match: f"{match[1]}&#{ord(match[2])};", line)
