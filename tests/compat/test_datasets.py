"""What the kit uses of `datasets` without a documented name: each test fails by the name of what is gone."""

import subprocess
import sys

import datasets
import pytest
from datasets import Dataset

from bert_finetune_kit.compat.datasets import arrow_column, content_hash, fingerprint_of, no_progress_bars


@pytest.fixture
def rows():
    return Dataset.from_dict({"ids": [[1, 2], [3], [4, 5, 6]], "text": ["a", "b", "c"]})


def test_dataset_fingerprint(rows):
    assert hasattr(rows, "_fingerprint"), "datasets.Dataset._fingerprint is gone"
    assert fingerprint_of(rows) == fingerprint_of(Dataset.from_dict(rows.to_dict()))
    assert fingerprint_of(rows) != fingerprint_of(rows.select([0, 1]))


def test_hasher_is_equal_in_every_process():
    assert hasattr(datasets.fingerprint, "Hasher"), "datasets.fingerprint.Hasher is gone"
    value = ["tokenized", 2, {"b": 1, "a": (2.5, None)}]
    code = f"from bert_finetune_kit.compat.datasets import content_hash; print(content_hash({value!r}))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == content_hash(value)
    assert content_hash(value) != content_hash([*value, 1])


def test_arrow_columns_are_not_copied_and_follow_a_selection(rows, tmp_path):
    rows.save_to_disk(tmp_path)
    mapped = datasets.load_from_disk(tmp_path)
    column = arrow_column(mapped, "ids")
    again = arrow_column(mapped, "ids")
    assert column.to_pylist() == rows["ids"][:]
    assert column.chunk(0).flatten().buffers()[1].address == again.chunk(0).flatten().buffers()[1].address
    assert arrow_column(mapped.select([2, 0]), "ids").to_pylist() == [[4, 5, 6], [1, 2]]


def test_progress_bars_are_as_they_were():
    assert not datasets.are_progress_bars_disabled()
    with no_progress_bars():
        assert datasets.are_progress_bars_disabled()
        with no_progress_bars():
            pass
        assert datasets.are_progress_bars_disabled()
    assert not datasets.are_progress_bars_disabled()
