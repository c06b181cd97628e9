"""What comes from data or a user, made safe to stand in Markdown."""

import re
import unicodedata

# Signs that mean something in Markdown, HTML, or the Hub's formulas. As entities they are text for all of them; a
# backslash would not do, since the Hub reads `\\(` as the beginning of a formula.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {sign: f"&#{ord(sign)};" for sign in r"\`*[]|~$#{}"}
_SIGNS = re.compile("[" + re.escape("".join(_ENTITIES)) + "]")
_TURNING = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"


def one_line(text: object, longest: int = 200) -> str:
    """Return `text` on one line without signs that are not seen or turn the direction of others, cut at `longest`.

    >>> one_line("a\\n\\tb\\x00")
    'a b'
    """
    kept = "".join(sign for sign in str(text) if sign.isspace() or not _unseen(sign))
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _unseen(sign: str) -> bool:
    return sign in _TURNING or unicodedata.category(sign) in ("Cc", "Cs", "Cn")


def escape_markdown(text: object, longest: int = 2000) -> str:
    """Return `text` as Markdown that shows just that, on one line, in a paragraph, a list or the cell of a table.

    >>> escape_markdown("<b> f1_macro *of* _x_ [a](b)")
    '&lt;b&gt; f1_macro &#42;of&#42; &#95;x&#95; &#91;a&#93;(b)'
    """
    line = _SIGNS.sub(lambda found: _ENTITIES[found[0]], one_line(text, longest))
    line = re.sub(r"(?<![^\W_])_|_(?![^\W_])", "&#95;", line)  # between letters it is no emphasis
    line = re.sub(r"^[-+=]", lambda found: f"&#{ord(found[0])};", line)  # else a list in a list
    return re.sub(r"^(\d+)([.)])(?= |$)", lambda found: f"{found[1]}&#{ord(found[2])};", line)
