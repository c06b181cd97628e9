"""Predictions of single examples as rows of `predictions.jsonl`."""

from collections.abc import Iterator
from typing import Any

from ..contract import Outputs
from ..reporting.predictions import text_hash
from .examples import PretrainingExamples
from .metrics import OUTPUT_FIELDS


def example_rows(split: str, examples: PretrainingExamples, outputs: Outputs) -> Iterator[dict[str, Any]]:
    """Yield one row an example, in the order of the split.

    Args:
        split: name of the split.
        examples: of the split.
        outputs: as `pretraining_scores` takes them.

    Yields:
        `split`; `row`, the number of the example; `group`, that of its document; `text_hash` of the document's tokens;
        `mlm_loss`, summed in nats over the masked words, of which there are `mlm_count`, `mlm_correct` of them
        predicted; with pairs `pair_loss` and `pair_correct`.
    """
    columns = dict(zip(OUTPUT_FIELDS, outputs, strict=False))
    document, name = -1, ""
    for number, owner in enumerate(examples.documents.tolist()):
        if owner != document:
            document, name = owner, text_hash(examples.corpus.input_ids(owner).tobytes())
        values = {field: column[number].item() for field, column in columns.items()}
        yield {"split": split, "row": number, "group": document, "text_hash": name, **values}
