"""Columns that are not there: the words of the error."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def did_you_mean(column: str, columns: Sequence[str]) -> str:
    """Return the question after a misspelt name, in brackets with a space before it; nothing without a similar one.

    >>> did_you_mean("reviw", ["review", "stars"]), did_you_mean("x", ["review"])
    (" (did you mean 'review'?)", '')
    """
    similar = get_close_matches(column, columns, n=1, cutoff=0.7)
    return f" (did you mean {similar[0]!r}?)" if similar else ""


def tokenized_hint(columns: Iterable[str]) -> str:
    """Return what to do where a table has token ids in place of text; nothing for any other table."""
    if "input_ids" not in columns:
        return ""
    return (
        " The data are already tokenized (input_ids). Give the text itself: it is tokenized once, with the tokenizer "
        "of the model, and cached. Columns beside it do no harm, so map() needs no remove_columns."
    )
