"""Curves at the limits of the rules that read them, and the figures that the findings state."""

import math

import numpy as np
import pytest
from synthetic_reports import empty_report, log_rows

from bert_finetune_kit.reporting.diagnosis import course, training, view
from bert_finetune_kit.reporting.schema import Score


def trained(losses=(), rate=1e-3, norms=None, validation=(), **parts):
    rows = [{"epoch": float(n), "step": 100 * n, "loss": loss} for n, loss in enumerate(validation, start=1)]
    history = log_rows(losses, rate, norms) if len(losses) else []
    given = {"scores": rows, "result": rows[-1] if rows else {}, "history": history}
    return empty_report(**(given | parts))


@pytest.mark.parametrize(
    ("lowest", "value", "rises"),
    [
        (0.25, 0.3125, True), (0.25, 0.2969, False), (0.0, 0.05, True), (0.0, 0.0499, False), (2.0, 2.2, True),
        (2.0, 2.1999, False), (2.5, 2.75, True), (2.5, 2.7499, False), (0.5, 0.5500001, True),
    ],
)  # fmt: skip
def test_a_tenth_and_a_twentieth_of_a_nat(lowest, value, rises):
    assert course.rises(lowest, value) is rises


@pytest.mark.parametrize(
    ("losses", "rises"),
    [
        # No noise: the median of the differences is 0. Rose again: the last mean by more than a tenth of the lowest.
        ([2, 2, 1, 1, 1, 1, 1.101, 1.101], True),
        ([10, 10, 5, 5, 5, 5, 5.5, 5.5], False),
        ([2, 2, 1.5, 1.5, 1, 1, 1.05, 1.149], False),
        # Never fell: a quarter by more than a tenth above the first loss, the last one above 95% of it.
        ([1, 1, 1.11, 1.11, 1.11, 1.11, 0.96, 0.96], True),
        ([5, 5, 5.5, 5.5, 5.5, 5.5, 4.8, 4.8], False),
        ([1, 1, 1.11, 1.11, 1.11, 1.11, 0.95, 0.95], False),
        # Far above: the lower median of a quarter by more than half of the first loss.
        ([1, 1, 1.51, 1.51, 1.51, 0.9, 0.9, 0.9], True),
        ([1, 1, 1.5, 1.5, 1.5, 0.9, 0.9, 0.9], False),
        ([1, 1, 1.4, 9.0, 1.4, 0.9, 0.9, 0.9], False),  # a single step
        # And by a tenth of a nat: losses near 0.
        ([0.01, 0.01, 0.109, 0.109, 0.109, 0.005, 0.005, 0.005], False),
        ([0.01, 0.01, 0.111, 0.111, 0.111, 0.005, 0.005, 0.005], True),
    ],
)
def test_a_training_loss_at_the_limits(losses, rises):
    assert course.training_rises(trained(losses)) is rises


def alternating(levels, amplitude, logs):
    """Return a curve of four levels with noise of ±`amplitude` in turn, of which each level has `logs` values."""
    noise = amplitude * (-1.0) ** np.arange(4 * logs)
    return np.repeat(levels, logs) + noise


def test_noise_is_measured_from_neighbours():
    """Differences of ±2: their median, 2, is that of noise with a deviation of 2 / (0.6745 · √2) = 2.097."""
    assert course._noise(np.array([1.0, -1.0] * 8)) == pytest.approx(2.09669, abs=1e-4)


def test_a_rise_within_three_standard_errors_is_noise():
    """An amplitude of 0.2 over quarters of 8 logs: 3 · 0.41934 · √(2 / 8) = 0.629."""
    for rise, found in ((0.63, True), (0.62, False)):
        losses = alternating([3.0, 1.0, 1.0, 1.0 + rise], 0.2, 8)
        assert course.training_rises(trained(losses)) is found


def test_a_first_log_has_the_noise_of_one_log():
    """An amplitude of 0.05: 3 · 0.10483 = 0.3145 above the first loss, which is 0.05 above its level."""
    for rise, found in ((0.37, True), (0.36, False)):
        losses = alternating([1.0, 1.0 + rise, 1.0 + rise, 1.0], 0.05, 8)
        losses[0] = 1.05
        assert course.training_rises(trained(losses)) is found


def test_what_is_far_above_is_above_noise_too():
    """An amplitude of 0.2: 3 · 0.41934 = 1.258; the lower median of a level is 0.2 below it."""
    for rise, found in ((1.48, True), (1.44, False)):
        losses = alternating([1.0, 1.0 + rise, 1.0, 0.3], 0.2, 8)
        losses[0] = 1.0
        assert course.training_rises(trained(losses)) is found


@pytest.mark.parametrize(
    ("last_loss", "last_norm", "logs", "collapsed"),
    [
        (0.9, 0.0499, 8, True), (0.9, 0.05, 8, False), (0.899, 0.0499, 8, False), (1.5, 0.0, 8, True),
        (0.9, 0.0499, 7, False),
    ],
)  # fmt: skip
def test_gradients_that_vanish_at_the_limits(last_loss, last_norm, logs, collapsed):
    losses = [1.0] * (logs - 2) + [last_loss] * 2
    norms = [1.0, 5.0] + [1.0] * (logs // 2 - 2) + [last_norm] * (logs - logs // 2)
    assert course.has_collapsed(trained(losses, norms=norms)) is collapsed


def test_a_collapse_needs_losses_and_norms():
    assert course.has_collapsed(trained([1.0] * 8, norms=[5.0, 5.0, 1.0, 1.0, 0.001, 0.001, 0.001, 0.9]))
    assert course.has_collapsed(trained([1.0, *[2.0] * 5, 0.95, 0.95], norms=[5.0] * 4 + [0.001] * 4))
    given = trained([1.0] * 8, norms=[5.0] * 4 + [0.001] * 4)
    assert course.has_collapsed(given)
    del given.history[7]["loss"]
    assert not course.has_collapsed(given)


def test_jumps_of_a_few_logs():
    for norms, places in (
        ([1.0] * 4 + [101.0] + [1.0] * 3, [4]), ([1.0] * 11 + [101.0], [11]), ([1.0, 1.0, 101.0] + [1.0] * 9, []),
        ([1.0, 1.0, 1.0, 101.0] + [1.0] * 8, [3]), ([1.0, 101.0, 1.0, 10_101.0] + [1.0] * 8, [3]),
        ([1.0, 101.0, 1.0, 10_099.0] + [1.0] * 8, []),
    ):  # fmt: skip
        assert course.gradient_jumps(trained([1.0] * len(norms), norms=norms)) == places


def test_what_is_unstable():
    assert not course.is_unstable(trained([1.0, 0.9]))
    for name in ("loss", "grad_norm"):
        given = trained([1.0, 0.9])
        given.history[1][name] = math.inf
        assert course.is_unstable(given)
    assert course.is_unstable(trained(np.linspace(1, 0.5, 8), norms=[1.0] * 7 + [500.0]))
    assert not course.diverges(trained(np.linspace(1, 0.5, 8), norms=[1.0] * 7 + [500.0]))
    assert course.is_unstable(trained(np.linspace(0.5, 1, 8)))


def test_a_fiftieth_of_the_size_of_a_weight():
    for rate, low in ((0.99e-4, True), (1.01e-4, False)):
        assert course.rate_is_low(trained([0.7] * 4, rate=rate)) is low
    assert not course.rate_is_low(trained())


def test_steps_and_rates_of_two_phases():
    history = [
        {"step": 10, "learning_rate": 1.0, "phase": 1}, {"step": 30, "learning_rate": 2.0, "phase": 1},
        {"step": 5, "learning_rate": 4.0, "phase": 2}, {"step": 6, "learning_rate": 8.0, "phase": 2},
    ]  # fmt: skip
    given = empty_report(history=history, scores=[{"step": 7, "phase": 2}])
    assert view.cumulative_lr(given) == 10 + 20 * 2 + 5 * 4 + 8
    assert view.peak_lr(given) == 8
    assert course.optimizer_steps(given) == 37
    assert course.optimizer_steps(empty_report(history=[{"loss": 1.0}])) is None
    del history[1]["learning_rate"]
    assert view.cumulative_lr(given) is None
    assert view.peak_lr(given) == 8
    del history[0]["step"]
    assert view.cumulative_lr(empty_report(history=history[:1])) is None
    assert view.cumulative_lr(empty_report()) is None


def test_advice_between_validation_and_training_loss():
    quarters = [1.0, 1.0, 0.9, 0.9, 0.9, 0.9]
    for last, rises in ((0.999, True), (1.0, False)):
        assert course.validation_rises(trained([*quarters, last, last], validation=(0.5, 0.9))) is rises
    assert course.validation_rises(trained([1.0] * 7, validation=(0.5, 0.9)))
    for validation, rises in (
        ((0.9, 0.5, 0.6, 0.54), False), ((0.9, 0.5, 0.54, 0.6), True), ((0.9, 0.5, 0.53, 0.6), True),
        ((0.9, 0.5, 0.45, 0.6), True),
    ):  # fmt: skip
        assert course.validation_rises(trained(validation=validation)) is rises, validation


def test_evaluations_up_to_the_saved_weights():
    given = trained(validation=(0.9, 0.5, 0.6))
    given.result = given.scores[1]
    assert course.until_saved(given) == given.scores[:2]
    given.result = {"loss": 0.1}
    assert course.until_saved(given) == given.scores
    given.scores[2]["phase"] = 2
    assert course.until_saved(given) == given.scores[2:]


def test_a_finding_of_the_rate_states_the_quarters():
    found = training.learning_rate_too_high(trained([1.5, 1.0, 0.5, 0.5, 0.25, 0.25, 3.0, 5.0], rate=5e-5))
    assert found.evidence == (
        "The training loss is 1.500 at first; its means over the quarters of the run are 1.250, 0.500, 0.250, 4.000, "
        "at a peak learning rate of 5.0e-05."
    )
    assert found.numbers == {"start": 1.5, "quarters": [1.25, 0.5, 0.25, 4.0], "learning_rate": 5e-5, "norm": None}
    assert found.advice[0] == "Lower the learning rate to 1e-05."


def test_the_norm_of_a_collapse_is_that_of_the_second_half():
    norms = [5.0, 5.0, 5.0, 5.0, 0.004, 0.002, 0.002, 0.001]
    found = training.learning_rate_too_high(trained([2.0] * 8, norms=norms))
    assert found.numbers["norm"] == pytest.approx(0.002)
    found = training.learning_rate_too_high(trained([2.0] * 9, norms=[*norms[:5], 0.003, *norms[5:]]))
    assert found.numbers["norm"] == pytest.approx(0.002)


def test_a_rate_that_is_too_low_at_the_limits():
    found = training.learning_rate_too_low(trained([0.8, 0.7, 0.7, 0.75], rate=1.9e-5))
    assert found.numbers == {
        "cumulative_lr": pytest.approx(7.6e-5), "learning_rate": 1.9e-5, "steps": 4,
        "loss_before": pytest.approx(0.75), "loss_after": pytest.approx(0.725),
    }  # fmt: skip
    assert found.evidence == (
        "At a peak learning rate of 1.9e-05 over 4 steps, no weight can change by more than 7.6e-05, 0.4% of the usual "
        "size of a weight; training loss: 0.750 → 0.725."
    )
    assert found.causes[0] == "the learning rate is too low"
    assert found.advice[-1] == "Shorten the warmup."
    usual = training.learning_rate_too_low(trained([0.8, 0.7, 0.7, 0.75], rate=2e-5))
    assert usual.causes == [*found.causes[1:], found.causes[0]]
    assert usual.advice == [*found.advice[1:], found.advice[0]]
    for after, spoken in ((0.9, True), (0.89, False)):
        assert (training.learning_rate_too_low(trained([1.0, after], rate=1e-5)) is not None) is spoken
    assert training.learning_rate_too_low(trained([0.8, 0.8, 0.7], rate=1e-6)).numbers["loss_before"] == 0.8
    long = training.learning_rate_too_low(trained([0.7] * 4, rate=1e-9, history=log_rows([0.7] * 4, 1e-9, steps=1_200)))
    assert "over 1,200 steps" in long.evidence


def improving(validation, examples=20, losses=()):
    return training.still_improving(trained(losses, validation=validation, data={"validation": {"examples": examples}}))


def test_still_improving_at_the_limits():
    assert improving((1.0, 0.75, 0.5)).numbers == {"score": "loss", "last_fall": 0.25, "mean_fall": 0.25}
    assert improving((1.0, 0.75, 0.5), 19) is improving((1.0, 0.5)) is improving((1.0, 0.5, 0.75)) is None
    assert improving((1.0, 0.625, 0.5)) is not None  # half of the mean decrease
    assert improving((1.0, 0.62, 0.5)) is None
    assert improving((100.0, 99.0, 98.0)) is not None  # a fiftieth
    assert improving((100.0, 99.0, 98.01)) is None
    assert improving((1.0, 0.9, 0.8, 0.7, 0.6)).evidence == (
        "The last evaluation lowered the validation loss from 0.7000 to 0.6000; the mean decrease over 5 evaluations "
        "is 0.1000."
    )
    assert improving((1.0, 0.75, 0.5), losses=[1.0] * 6 + [0.25, 0.25]) is not None  # half of the validation loss
    assert improving((1.0, 0.75, 0.5), losses=[1.0] * 6 + [0.25, 0.24]) is None
    assert improving((1.0, 0.75, 0.5), losses=[1.0] * 5 + [0.1, 0.1]) is not None  # too few logs
    assert improving((1.0, 0.75, 0.5), losses=np.linspace(0.5, 1, 8)) is None


def test_overfitting_at_the_limits():
    def found(validation, examples=20, **parts):
        return training.overfitting(
            trained(validation=validation, data={"validation": {"examples": examples}}, **parts)
        )

    spoken = found((0.75, 0.5, 0.625))
    assert spoken.evidence == (
        "The validation loss is lowest after epoch 2 (0.5000); that of the saved weights is 0.6250."
    )
    assert spoken.numbers == {"lowest": 0.5, "saved": 0.625, "epoch": 2.0}
    assert found((0.75, 0.5, 0.625), 19) is found((0.75, 0.5, 0.5)) is None
    assert found((0.75, 0.5, 0.625), result={"loss": 0.55}) is not None
    assert found((0.75, 0.5, 0.625), result={"loss": 0.5499}) is found((0.75, 0.5, 0.625), result={}) is None
    rows = [{"loss": loss, "epoch": epoch} for loss, epoch in ((0.75, 0.111), (0.5, 1.2345), (0.9, 3.0))]
    assert "after epoch 1.23 (" in found((), scores=rows, result=rows[2]).evidence
    rows = [{"loss": loss} for loss in (0.75, 0.5, 0.9)]
    assert "after evaluation 2 (" in found((), scores=rows, result=rows[2]).evidence


SCORES = [Score("accuracy", "accuracy", ".1%", "share", False), Score("mae", "MAE", ".4f", "error", True)]


@pytest.mark.parametrize(
    ("metric", "values", "better"),
    [
        ("accuracy", (0.8, 0.9), True), ("accuracy", (0.8, 0.8), False), ("accuracy", (0.9, 0.8), False),
        ("eval_accuracy", (0.8, 0.9), True), (None, (0.8, 0.9), True), ("mae", (0.8, 0.7), True),
        ("mae", (0.8, 0.8), False), ("mae", (0.7, 0.8), False), ("unknown", (0.1, 0.9), False),
        ("unknown", (0.9, 0.1), False), ("loss", (0.8, 0.9), False), ("perplexity", (9.0, 8.0), False),
        ("accuracy", (None, 0.9), False), ("accuracy", (0.8, None), False), ("mae", (0.0, None), False),
    ],
)  # fmt: skip
def test_saved_weights_that_score_better(metric, values, better):
    key = (metric or "accuracy").removeprefix("eval_")
    rows = [{"loss": 0.5}, {"loss": 0.9}]
    for row, value in zip(rows, values, strict=True):
        if key != "loss":
            row[key] = value
    settings = {"training": {"metric_for_best_model": metric}}
    given = empty_report(scores=rows, result=rows[1], glossary=SCORES, settings=settings)
    assert training._scores_better(given, rows, "loss") is better
    assert (training.overfitting(given) is None) is better


def test_what_is_not_finite():
    def found(scores=(), history=(), **result):
        return training.loss_not_finite(empty_report(scores=list(scores), history=list(history), result=result))

    assert found([{"loss": 0.5, "f1": math.nan}], [{"loss": 0.5}], non_finite_examples=0) is None
    assert found([{"f1": math.nan}]).numbers["evaluations"] == 1
    assert (
        found([{"loss": 0.1, "pair_loss": math.inf}, {"loss": 0.1}]).evidence == "NaN or infinite: 1 of 2 evaluations."
    )
    logs = [{"loss": math.nan}, {"loss": math.inf}, {"loss": 1.0}, {}]
    assert found([], logs).evidence == "NaN or infinite: 2 of 4 training logs."
    every = found([{"loss": math.nan}], logs, non_finite_examples=2_000, non_finite_windows=3)
    assert every.evidence == (
        "NaN or infinite: 2,000 evaluation examples, 3 evaluation windows, 1 of 1 evaluations, 2 of 4 training logs."
    )


def test_a_jump_is_stated_by_its_first_step():
    norms = [2.0, 3.0, *[1.0] * 5, 1_234.0, 1.0, 200_000.0]
    given = trained(
        np.linspace(1, 0.5, 10), norms=norms, history=log_rows(np.linspace(1, 0.5, 10), 1e-3, norms, 10_000)
    )
    found = training.gradients_explode(given)
    assert found.evidence == "The gradient norm is 1.23e+03 at step 7,778; before, it is at most 3."
    assert found.numbers == {"highest": 1_234.0, "median": 1.0, "step": 7_778, "not_finite": 0}
    norms[0] = math.nan
    found = training.gradients_explode(trained(np.linspace(1, 0.5, 10), norms=norms))
    assert found.evidence.startswith("The gradient norm is 1.23e+03 at step 8; before, it is at most 3. 1 of 10 logs")
    found = training.gradients_explode(trained([1.0, 0.9, 0.8], norms=[math.nan, 4.0, 2.0]))
    assert found.numbers == {"highest": 0.0, "median": 3.0, "step": 0, "not_finite": 1}
    found = training.gradients_explode(trained([1.0], norms=[math.nan]))
    assert found.numbers == {"highest": 0.0, "median": 0.0, "step": 0, "not_finite": 1}
