"""The table of architectures in the documentation is the one that these tests check."""

from importlib.metadata import version

import pytest
from encoders import ARCHITECTURES
from packaging.version import Version
from promises import DOCS, HAVE_PAIRS, LEFT_OUT, PROMISES, with_table


@pytest.mark.skipif(
    Version(version("transformers")) < Version("5.23"), reason="the table is that of the versions in constraints.txt"
)
def test_the_table_of_the_documentation():
    page = DOCS.read_text("utf-8")
    assert with_table(page) == page, "run python tests/contract/promises.py"


def test_what_is_left_out_exists():
    assert set(LEFT_OUT) <= set(PROMISES)
    assert {name for names in (*LEFT_OUT.values(), HAVE_PAIRS) for name in names} <= set(ARCHITECTURES)
