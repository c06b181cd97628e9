import numpy as np
import pyarrow as pa
import pytest

from bert_finetune_kit.data.digest import column_digest, digest


def column(*chunks):
    return pa.chunked_array([pa.array(chunk, pa.list_(pa.int32())) for chunk in chunks])


def test_chunks_and_slices_do_not_change_the_hash_of_a_column():
    rows = [[1, 2], [], [3], [4, 5, 6]]
    expected = column_digest(column(rows))
    assert column_digest(column(rows[:1], rows[1:])) == expected
    assert column_digest(column([[9], *rows, [7]]).slice(1, 4)) == expected


@pytest.mark.parametrize(
    "other", [[[1], [2], [3], [4, 5, 6]], [[1, 2], [], [3], [4, 5, 7]], [[], [1, 2], [3], [4, 5, 6]]]
)
def test_other_rows_have_another_hash(other):
    assert column_digest(column(other)) != column_digest(column([[1, 2], [], [3], [4, 5, 6]]))


def test_the_order_and_type_of_arrays_count():
    arrays = [np.array([1, 2]), np.array([3, 4])]
    assert digest(arrays) != digest(arrays[::-1])
    assert digest(arrays) == digest(array.copy() for array in arrays)
