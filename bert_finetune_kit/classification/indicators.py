"""Labels as one 0 or 1 for each label: in several columns, or in lists of one."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from .label_names import ABSENT, PRESENT, label_name


def is_indicator(value: Any) -> bool:
    """Whether a value is 0 or 1, false or true."""
    return label_name(value) in (*ABSENT, *PRESENT)


def are_indicators(values: Sequence[Any], declared: Sequence[str] | None) -> bool:
    """Whether lists have a 0 or 1 for each label, and are not lists of labels: of ids, or of labels called 0 and 1.

    They are where all have one length, that of the declared labels, and nothing but 0 and 1. As lists of labels, each
    of which can be in a list once, they would have all labels in every row, or be invalid. Lists of a single 0 or 1 are
    ids unless a single label is declared.

    Args:
        values: labels of the train split.
        declared: names of the labels; none where the task declares none.

    >>> are_indicators([[0, 1, 0], [1, 0, 1]], None), are_indicators([[0], [0, 1]], None), are_indicators([[0]], None)
    (True, False, False)
    """
    if not all(isinstance(value, list | tuple | np.ndarray) for value in values):
        return False
    lengths = {len(value) for value in values}
    if lengths != {len(declared)} if declared is not None else (len(lengths) != 1 or lengths <= {0, 1}):
        return False
    return all(is_indicator(cell) for value in values for cell in value)


def encode_indicators(values: Sequence[Any], names: Sequence[str], split: str) -> np.ndarray:
    """Return the targets of a split, (examples, labels) float32.

    Args:
        values: of each row, a list with a 0 or 1 for each label.
        names: of the labels.
        split: name of the split.

    Raises:
        DataError: a row is no such list.
    """
    for row, value in enumerate(values):
        where = f"Row {row} (counted from 0) of the {split} split"
        if not isinstance(value, list | tuple | np.ndarray) or len(value) != len(names):
            raise DataError(
                f"{where} has the label {value!r}; a list of {len(names)} numbers, 0 or 1 for each label, is needed."
            )
        wrong = [cell for cell in value if not is_indicator(cell)]
        if wrong:
            raise DataError(f"{where} has {wrong[0]!r} as the indicator of a label: 0 or 1 is needed.")
    return np.array([[label_name(cell) in PRESENT for cell in value] for value in values], np.float32)
