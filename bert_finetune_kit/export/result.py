"""What an exported model scores beside the model that it was made from: as data, in words and as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..reporting.exported_forms import signed
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
    points_lost: float
    """Of the main score; below 0 where some are gained."""
    points_lost_interval: tuple[float, float] | None
    """95%, paired; none where there are too few examples."""
    scores: Mapping[str, Mapping[str, float | None]]
    """By key: `before`, `after`, and with an interval `difference`, `low` and `high`."""
    faults: tuple[str, ...]
    """Why it may not be written."""
    proven_on: str
    """The validation split of the run, or the name of the data that were given."""
    examples: int
    size: int
    """Bytes of the model."""
    size_before: int
    per_second: float
    """Examples a second, tokenizing included, by the batches and threads that the export was given."""
    per_second_before: float
    """Of the model in the kit, whose texts are tokenized already."""
    threads: int | None
    """That the exported model computed with; none means as many as there are cores."""
    notes: tuple[str, ...] = ()
    """What to know of the proof."""

    def __str__(self) -> str:
        """Return the scores before and after."""
        return proof_table(self)


def proof_summary(proof: Proof) -> str:
    """Return what a proof shows, in a few sentences."""
    threads = "all cores" if proof.threads is None else counted(proof.threads, "thread")
    return (
        f"On {counted(proof.examples, 'example')} ({proof.proven_on}) the largest difference of logits is "
        f"{proof.largest_difference:.2g}, the mean {proof.mean_difference:.2g}, and {proof.equal:.2%} of the "
        f"predictions are equal. The model has {proof.size / 1e6:.1f} MB, {proof.size / proof.size_before:.0%} of the "
        f"{proof.size_before / 1e6:.1f} MB before. On the machine that exported it, it scores {proof.per_second:,.0f} "
        f"examples a second with {threads}, and the model in the kit {proof.per_second_before:,.0f}."
    )


def counted(number: int, name: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "example"), counted(2000, "example")
    ('1 example', '2,000 examples')
    """
    return f"{number:,} {name}{'s' * (number != 1)}"


def proof_table(proof: Proof) -> str:
    """Return the scores of a proof as a Markdown table, after its summary."""
    rows = [[_label(key), *_cells(row, proof.equal == 1)] for key, row in proof.scores.items()]
    header = ("score", "before", "exported", "difference", "95% interval")
    return "\n\n".join([proof_summary(proof), *proof.notes, markdown_table(header, rows)])


def _cells(row: Mapping[str, float | None], same_predictions: bool) -> list[str]:
    difference, low, high = (row.get(name) for name in ("difference", "low", "high"))
    values = [f"{row[name]:z.4f}" for name in ("before", "after")]
    if same_predictions and row["before"] == row["after"]:
        return [*values, "equal", ""]
    interval = "" if low is None or high is None else f"{signed(low, '.4f')} to {signed(high, '.4f')}"
    return [*values, "" if difference is None else signed(difference, ".4f"), interval]


def _label(key: str) -> str:
    known: dict[str, Any] = {name: score for scores in KNOWN_SCORES.values() for name, score in scores.items()}
    return known[key].label if key in known else key
