"""Curves read whole, and the advice that follows from them."""

import math

import numpy as np
import pytest
from synthetic_reports import empty_report, log_rows, loss_curve

from bert_finetune_kit import diagnose
from bert_finetune_kit.reporting.diagnosis import course


def found(report):
    return {finding.code: finding for finding in diagnose(report)}


def trained(losses=(), rate=1e-3, norms=None, validation=(), **parts):
    rows = [{"epoch": n, "step": 100 * n, "loss": loss} for n, loss in enumerate(validation, start=1)]
    return empty_report(
        scores=rows, result=rows[-1] if rows else {}, history=log_rows(losses, rate, norms) if len(losses) else [],
        **parts,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("losses", "rises"),
    [
        ((0.590, 0.476, 0.592, 0.573), True),
        ((0.5, 0.4, 0.6, 0.4), False),  # it came back
        ((0.5, 0.4, 0.4, 0.4, 0.6), False),  # one outlier at the end, as yet
        ((0.5, 0.3, 0.36), True),
        ((0.5, 0.3, 0.349), False),  # less than 0.05 nats
        ((3.0, 2.0, 2.21), True),
        ((3.0, 2.0, 2.19), False),  # less than a tenth
        ((0.5, 0.6), True),
        ((0.5, 0.4), False),
        ((0.5,), False),
    ],
)
def test_a_validation_loss_that_turned(losses, rises):
    assert course.validation_rises(trained(validation=losses)) is rises


def test_a_validation_loss_that_rose_with_the_training_loss_is_no_overfitting():
    falling, rising = loss_curve("falls", 12), loss_curve("rises", 12)
    assert course.validation_rises(trained(falling, validation=(0.4, 0.6)))
    assert not course.validation_rises(trained(rising, validation=(0.4, 0.6)))
    assert course.validation_rises(trained(rising[:7], validation=(0.4, 0.6)))  # too few logs to say


@pytest.mark.parametrize(
    ("losses", "rises"),
    [
        ([1.0, 0.8, 0.6, 0.4, 0.3, 0.3, 0.3, 0.3], False),
        ([0.5, 0.45, 0.4, 0.35, 0.3, 0.3, 0.9, 0.9], True),
        ([0.5, 0.45, 0.4, 0.35, 0.3, 0.3, 0.9], False),  # of seven logs nothing is said
        ([1.0, 1.5, 1.5, 1.5, 1.4, 1.3, 1.2, 1.0], True),  # never again below its first value
        ([1.0, 1.5, 1.5, 1.5, 1.4, 1.2, 0.9, 0.9], False),
        ([1.0, 2.0, 2.2, 2.0, 1.4, 1.0, 0.9, 0.8], True),  # twice as large for half of the run
        ([1.0, 1.0, 40.0, 0.9, 0.8, 0.8, 0.7, 0.7], False),  # a single step
        ([0.01, 0.05, 0.06, 0.05, 0.02, 0.01, 0.01, 0.009], False),
    ],
)
def test_a_training_loss_that_rose(losses, rises):
    assert course.training_rises(trained(losses)) is rises


def test_a_training_of_two_phases_is_not_read_as_one():
    given = trained([1.0, 0.8, 0.6, 0.4, 0.3, 0.3, 0.7, 0.7])
    for log in given.history[4:]:
        log["phase"] = 2
    assert not course.training_rises(given)
    assert course.training_curve(given).tolist() == [0.3, 0.3, 0.7, 0.7]
    assert course.optimizer_steps(given) == 12


def test_a_model_that_collapsed():
    flat, dead = np.full(12, 2.7), [5.0, 3.0, 1.0, *[0.001] * 9]
    finding = found(trained(flat, norms=dead))["LEARNING_RATE_TOO_HIGH"]
    assert finding.evidence == (
        "The training loss is 2.700 at first; its means over the quarters of the run are 2.700, 2.700, 2.700, 2.700, "
        "at a peak learning rate of 1.0e-03. The gradients vanished: their norm is 0.001 in the second half."
    )
    assert finding.advice[0] == "Lower the learning rate to 2e-04."
    assert finding.numbers["norm"] == 0.001
    assert found(trained(flat, norms=[5.0, 3.0, 1.0, *[0.05] * 9])) == {}
    assert found(trained(loss_curve("falls", 12), norms=dead)) == {}  # nothing is left to learn
    assert found(trained(flat[:7], norms=dead[:7])) == {}


@pytest.mark.parametrize(
    ("norms", "places"),
    [
        ([1.0] * 6 + [101.0, 1.0], [6]),
        ([1.0] * 6 + [100.0, 1.0], []),
        ([1.0, 200.0] + [1.0] * 6, []),  # at the beginning
        ([1.0, 1.0, 200.0] + [1.0] * 5, [2]),
        ([1.0] * 5 + [101.0, 1.0], []),
        ([1.0] * 6 + [101.0, 20_000.0], [6, 7]),
    ],
)
def test_gradients_that_jump(norms, places):
    assert course.gradient_jumps(trained(np.linspace(1, 0.5, len(norms)), norms=norms)) == places


def test_the_evidence_of_a_jump():
    norms = [1.0, 3.0, *[1.0] * 6, 500.0, *[1.0] * 3]
    finding = found(trained(loss_curve("falls", 12), norms=norms))["GRADIENTS_EXPLODE"]
    assert finding.evidence == "The gradient norm is 500 at step 9; before, it is at most 3."
    assert finding.numbers == {"highest": 500.0, "median": 1.0, "step": 9, "not_finite": 0}
    norms[10] = math.inf
    finding = found(trained(loss_curve("falls", 12), norms=norms))["GRADIENTS_EXPLODE"]
    assert finding.evidence.endswith(
        "at most 3. 1 of 12 logs have a gradient norm that is not finite, the first at step 11."
    )
    finding = found(trained([1.0, 0.9], norms=[1.0, math.inf]))["GRADIENTS_EXPLODE"]
    assert finding.evidence == "1 of 2 logs have a gradient norm that is not finite, the first at step 2."


def test_still_improving_reads_minimum_trend_and_gap():
    finding = found(trained(validation=(0.9, 0.7, 0.5)))["STILL_IMPROVING"]
    assert finding.severity == "note"
    assert finding.evidence == (
        "The last evaluation lowered the validation loss from 0.7000 to 0.5000; the mean decrease over 3 evaluations "
        "is 0.2000."
    )
    assert "STILL_IMPROVING" in found(trained(validation=(0.9, 0.61, 0.5)))  # half of the mean decrease of 0.2
    assert found(trained(validation=(0.9, 0.59, 0.5))) == {}
    assert found(trained(validation=(0.9, 0.5))) == {}
    assert found(trained(validation=(0.9, 0.892, 0.883))) == {}  # by less than a fiftieth
    assert found(trained(validation=(0.9, 0.891, 0.881))) != {}
    assert found(trained(validation=(0.590, 0.476, 0.592, 0.573))).keys() == {"OVERFITTING"}
    near, far = np.full(12, 0.26), np.full(12, 0.24)
    near[0] = far[0] = 0.9
    assert "STILL_IMPROVING" in found(trained(near, validation=(0.9, 0.7, 0.5)))
    assert found(trained(far, validation=(0.9, 0.7, 0.5))) == {}


def test_the_rate_that_is_too_low():
    finding = found(trained([0.7, 0.7, 0.7, 0.7], rate=1e-5))["LEARNING_RATE_TOO_LOW"]
    assert finding.evidence == (
        "At a peak learning rate of 1.0e-05 over 4 steps, no weight can change by more than 4.0e-05, 0.2% of the usual "
        "size of a weight; training loss: 0.700 → 0.700."
    )
    assert finding.advice[0].startswith("Raise the learning rate: 5e-5 suits BERT-base")
    assert found(trained([0.7] * 4, rate=2e-5))["LEARNING_RATE_TOO_LOW"].advice[0] == "Train for more steps."
    assert "LEARNING_RATE_TOO_LOW" in found(trained([0.7] * 4, rate=0.99e-4))
    assert found(trained([0.7] * 4, rate=1e-4)) == {}
    assert "LEARNING_RATE_TOO_LOW" in found(trained([0.7, 0.7, 0.63, 0.63], rate=1e-5))
    assert found(trained([0.7, 0.7, 0.62, 0.62], rate=1e-5)) == {}
    assert found(trained([0.7], rate=1e-5)) == {}


def test_a_rate_that_changes_nothing_is_not_to_be_lowered():
    given = trained([0.5, 0.45, 0.4, 0.35, 0.3, 0.3, 0.9, 0.9], rate=1e-9)
    assert found(given) == {}
    given.history[3]["loss"] = math.nan
    assert found(given)["LOSS_NOT_FINITE"].advice[0] == "Train in bf16 or fp32 instead of fp16."
    given = trained([1.0, math.nan])
    finding = found(given)["LOSS_NOT_FINITE"]
    assert finding.evidence == "NaN or infinite: 1 of 2 training logs (first at step 2)."
    assert finding.advice[0] == "Lower the learning rate to a third."


def test_what_is_not_finite_is_counted():
    rows = [{"loss": math.nan}, {"loss": 0.5, "non_finite_examples": 1_200, "pearson": math.nan}]
    (finding,) = diagnose(empty_report(scores=rows, result=rows[1]))
    assert finding.evidence == "NaN or infinite: 1,200 evaluation examples, 1 of 2 evaluations."
    assert finding.numbers == {"non_finite_examples": 1200, "non_finite_windows": 0, "evaluations": 1, "logs": 0}


def test_advice_that_fits():
    falling, rising, turned = loss_curve("falls", 12), loss_curve("rises", 12), (0.5, 0.3, 0.6)
    better, worse, low = trained(falling), trained(rising), trained(falling, rate=1e-9)
    assert course.longer(better, "a", "b") == ["a", "b"]
    assert course.longer(worse, "a") == course.longer(trained(falling, validation=turned), "a") == []
    for losses, is_advised in (
        ([0.7, 0.3, 0.0], False), ([0.7, 0.3, 0.0139], False), ([0.7, 0.3, 0.0141], True), ([0.0], False),
        ([0.7], True),
        ([0.7, *[0.0] * 7], False), ([0.7, *np.linspace(0.6, 0.1, 6), 0.02], True), ([], True),
    ):  # fmt: skip
        assert course.longer(trained(losses), "a") == ["a"] * is_advised
    assert course.shorter(better, "a") == []
    assert course.shorter(trained(falling, validation=turned), "a") == ["a"]
    assert (course.higher_rate(low, "a"), course.lower_rate(low, "a")) == (["a"], [])
    assert (course.higher_rate(better, "a"), course.lower_rate(better, "a")) == ([], ["a"])
    assert course.higher_rate(trained(rising, rate=1e-9), "a") == []
    assert (course.usual_rate(better, "a"), course.usual_rate(worse, "a")) == (["a"], [])
