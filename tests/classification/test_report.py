from types import SimpleNamespace

import pytest

from bert_finetune_kit import ClassificationTask
from bert_finetune_kit.classification.report import tables_of


def details(errors):
    return {"examples": 5, "scores": {"accuracy": 0.4}, "intervals": {}, "baseline": {}, "worst_errors": errors}


@pytest.mark.parametrize(
    ("error", "header", "row"),
    [
        (
            {"texts": ["a text", "b" * 400], "true": "no", "predicted": "yes", "probability": 0.9},
            ["text", "second", "true", "predicted", "probability"],
            ["a text", "b" * 300 + " …", "no", "yes", "0.900"],
        ),
        (
            {"texts": ["a text", "another"], "true": 4.0, "predicted": 2.5, "absolute_error": 1.5},
            ["text", "second", "true", "predicted", "absolute error"],
            ["a text", "another", "4.0", "2.5", "1.500"],
        ),
    ],
)
def test_worst_errors_of_all_splits_come_last(error, header, row):
    data = SimpleNamespace(text_columns=("text", "second"))
    splits = {"dev": details([error | {"row": 3}]), "other": details([]), "more": details([error | {"row": 1}])}
    tables = tables_of(data, splits, ClassificationTask("toy", text_pair="second"))
    assert [table.title for table in tables] == [
        "Result on dev", "Result on other", "Result on more", "Worst errors, dev", "Worst errors, more",
    ]  # fmt: skip
    assert tables[-1].header == header
    assert tables[-1].rows == [row]
