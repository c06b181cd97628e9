"""A proof in words and as a table."""

from collections.abc import Mapping
from typing import Any

from ..reporting.known_scores import KNOWN_SCORES
from ..reporting.markdown import markdown_table
from .proof import Proof


def proof_summary(proof: Proof) -> str:
    """Return what a proof shows, in a sentence or two."""
    return (
        f"On {proof.examples:,} examples the largest difference of logits is {proof.largest_difference:.2g}, the mean "
        f"{proof.mean_difference:.2g}, and {proof.equal:.2%} of the predictions are equal. The model has "
        f"{proof.size / 1e6:.1f} MB, {proof.size / proof.size_before:.0%} of the {proof.size_before / 1e6:.1f} MB "
        "before."
    )


def proof_table(proof: Proof) -> str:
    """Return the scores of a proof as a Markdown table, after its summary."""
    rows = [[_label(key), *_cells(row)] for key, row in proof.scores.items()]
    header = ("score", "before", "exported", "difference", "95% interval")
    return f"{proof_summary(proof)}\n\n{markdown_table(header, rows)}"


def _cells(row: Mapping[str, float | None]) -> list[str]:
    difference, low, high = (row.get(name) for name in ("difference", "low", "high"))
    interval = "" if low is None or high is None else f"{low:+.4f} to {high:+.4f}"
    values = [f"{row[name]:.4f}" for name in ("before", "after")]
    return [*values, "" if difference is None else f"{difference:+.4f}", interval]


def _label(key: str) -> str:
    known: dict[str, Any] = {name: score for scores in KNOWN_SCORES.values() for name, score in scores.items()}
    return known[key].label if key in known else key
