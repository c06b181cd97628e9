"""What an exported model scores beside the model that it was made from: as data, in words and as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..reporting.known_scores import KNOWN_SCORES
from ..reporting.markdown import markdown_table


@dataclass(frozen=True)
class Proof:
    """An exported model beside the model that it was made from."""

    method: str
    """How it was made: `fp32`, or how it was quantized."""
    main: str
    """Key of the score that decides."""
    largest_difference: float
    """Of two logits."""
    mean_difference: float
    equal: float
    """Share of equal predictions."""
    loss: float
    """Points of the main score that are lost; below 0 where some are gained."""
    loss_interval: tuple[float, float] | None
    """95%, paired; none where there are too few examples."""
    scores: Mapping[str, Mapping[str, float | None]]
    """By key: `before`, `after`, and with an interval `difference`, `low` and `high`."""
    faults: tuple[str, ...]
    """Why it may not be written."""
    examples: int
    size: int
    """Bytes of the model."""
    size_before: int
    per_second: float
    """Examples a second, tokenizing included, by the batches and threads that the export was given."""
    per_second_before: float
    """Of the model in the kit, whose texts are tokenized already."""

    def __str__(self) -> str:
        """Return the scores before and after."""
        return proof_table(self)


def proof_summary(proof: Proof) -> str:
    """Return what a proof shows, in a sentence or two."""
    return (
        f"On {proof.examples:,} examples the largest difference of logits is {proof.largest_difference:.2g}, the mean "
        f"{proof.mean_difference:.2g}, and {proof.equal:.2%} of the predictions are equal. The model has "
        f"{proof.size / 1e6:.1f} MB, {proof.size / proof.size_before:.0%} of the {proof.size_before / 1e6:.1f} MB "
        f"before, and scores {proof.per_second:,.0f} examples a second, against {proof.per_second_before:,.0f}."
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
