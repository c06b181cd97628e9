"""A report with something of everything that is shown, and planted markup in all that comes from data."""

import pytest

from bert_finetune_kit import Finding, RunReport
from bert_finetune_kit.reporting.html import to_html
from bert_finetune_kit.reporting.schema import ReportTable, Score

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def full_report():
    return make_report()


@pytest.fixture(scope="session")
def full_page():
    """The page of it, which takes a second to draw."""
    return to_html(make_report())


def changed(name, before, after, relative_change, layer=None, trainable=True):
    return {
        "name": name, "layer": layer, "before": before, "after": after, "relative_change": relative_change,
        "trainable": trainable,
    }  # fmt: skip


def make_report():
    labels = [f"good {EVIL}", "$5 \x00日本 id=\"a\""]  # fmt: skip
    return RunReport(
        recipe="classification",
        summary=["A model was trained.", f"It learnt {EVIL}.", "It is fine."],
        scores=[
            {"epoch": number / 2, "step": 10 * number, "accuracy": 0.5 + 0.1 * number, "loss": 0.7 - 0.1 * number}
            for number in (1, 2, 3)
        ],
        result={"epoch": 1.5, "step": 30, "accuracy": 0.8, "loss": 0.4},
        baselines={"majority": {"accuracy": 0.55}},
        intervals={"accuracy": [0.7, 0.88]},
        glossary=[Score("accuracy", "accuracy", ".1%", "share of right."), Score("loss", "loss", ".4f", "mean.", True)],
        data={"train": {"examples": 9, "label_shares": {labels[0]: 0.45, labels[1]: 0.55}}, EVIL: {"examples": 20}},
        history=[
            {"epoch": step / 20, "step": step, "loss": 1 / step, "learning_rate": 1 / step, "grad_norm": 2 + step % 3}
            for step in range(1, 31)
        ],
        parameters={"name": EVIL, "total": 1234, "trainable": 1000, "tied": 0, "children": []},
        settings={"source": {"train": EVIL}, "training": {"seed": 1, "max_grad_norm": 1.0}},
        timings={"training": 12.34, "whole run": 13.0},
        tables=[
            ReportTable("Result", ["score", "value"], [["accuracy", "80%"]], f"Of *all* {EVIL}.\n\n- **F1**: {EVIL}"),
            ReportTable(f"Worst {EVIL}", ["text", "true"], [[EVIL, labels[1]]]),
        ],
        details={
            f"validation {EVIL}": {
                "examples": 20, "scores": {"accuracy": 0.8}, "intervals": {}, "baseline": {},
                "by_label": {label: {} for label in labels},
                "confusion": [[8, 1], [3, 8]],
                "reliability": {
                    "bins": [
                        {"low": 0.5, "high": 0.6, "count": 4, "confidence": 0.55, "accuracy": 0.5},
                        {"low": 0.9, "high": 1.0, "count": 16, "confidence": 0.97, "accuracy": 0.875},
                    ],
                    "calibration_error": 0.086,
                },
            },
            "no_answer_histogram": {
                "edges": [0.01, 0.1, 0.5, 0.9, 0.99], "answerable": [7, 2, 1, 0], "unanswerable": [0, 1, 3, 6],
                "threshold": 0.4,
            },
        },
        findings=[
            Finding("IMBALANCED", "warning", f"One label {EVIL} has 55%.", {}, ["The data."], ["Weigh the labels."]),
            Finding("STILL_IMPROVING", "note", "The loss still falls."),
        ],
        change={
            "before": 1100, "after": 1234, "explanation": [f"The classifier {EVIL} is new."],
            "modules": [
                changed("embeddings", 500, 500, 0.0, trainable=False),
                changed(f"layer.0 {EVIL}", 600, 600, 0.013, layer=0),
                changed("classifier", 0, 134, None),
            ]
        },
        notes=[f"a note {EVIL}"],
        reproduce=f"recipe = {EVIL}",
    )  # fmt: skip
