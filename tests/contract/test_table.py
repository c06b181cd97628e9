"""The table of architectures in the documentation is the one that these tests check."""

from encoders import ARCHITECTURES
from promises import DOCS, HAVE_PAIRS, LEFT_OUT, PROMISES, with_table


def test_the_table_of_the_documentation():
    page = DOCS.read_text("utf-8")
    assert with_table(page) == page, "run python tests/contract/promises.py"


def test_what_is_left_out_exists():
    assert set(LEFT_OUT) <= set(PROMISES)
    assert {name for names in (*LEFT_OUT.values(), HAVE_PAIRS) for name in names} <= set(ARCHITECTURES)
