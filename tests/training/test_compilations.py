"""Counting what XLA compiles, with a stand-in for torch_xla, which the tests do not need."""

import sys
from types import ModuleType

import pytest

from bert_finetune_kit.training.compilations import Compilations, count_compilations


@pytest.fixture
def metric(monkeypatch):
    """What `torch_xla.debug.metrics.metric_data("CompileTime")` returns: (samples, total nanoseconds, some samples)."""
    values = {}
    metrics = ModuleType("torch_xla.debug.metrics")
    metrics.metric_data = values.get
    for name in ("torch_xla", "torch_xla.debug"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "torch_xla.debug.metrics", metrics)
    return values


def test_graphs_and_seconds(metric):
    assert count_compilations() == Compilations(0, 0.0)
    metric["CompileTime"] = (2, 3e9, [(0.0, 1e9), (1.0, 2e9)])
    before = count_compilations()
    assert before == Compilations(2, 3.0)
    metric["CompileTime"] = (14, 37.25e9, [])
    assert str(count_compilations().since(before)) == "12 graphs were compiled, in 34.2 s"
    assert str(Compilations(1, 0.5)) == "1 graph was compiled, in 0.5 s"
