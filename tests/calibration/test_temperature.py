import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from bert_finetune_kit.calibration.reliability import binary_judgement, binary_nll
from bert_finetune_kit.calibration.temperature import FEWEST, fit_temperature
from bert_finetune_kit.reporting.calibration_tables import calibration_table


def drawn(count, temperature, seed=0):
    """Logits whose true temperature is known, and outcomes drawn by it."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, count)
    return logits, rng.random(count) < expit(logits / temperature)


def fitted(logits, happened):
    return fit_temperature(
        lambda value: binary_nll(expit(logits / value), happened), (logits > 0) == happened
    )  # fmt: skip


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_true_temperature_is_found(temperature):
    logits, happened = drawn(20_000, temperature)
    result = fitted(logits, happened)
    assert result.value == pytest.approx(temperature, rel=0.05)
    assert result.reason == ""


def test_it_is_the_slope_of_a_logistic_regression():
    logits, happened = drawn(500, 1.7)
    regression = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10).fit(logits[:, None], happened)
    assert fitted(logits, happened).value == pytest.approx(1 / regression.coef_[0, 0], rel=1e-3)


def test_it_stays_1_where_nothing_can_be_fitted():
    logits, happened = drawn(FEWEST - 1, 3.0)
    assert fitted(logits, happened).value == 1
    assert "there are 49 examples to fit it on, and 50 are needed" in fitted(logits, happened).reason
    logits, _ = drawn(200, 3.0)
    assert fitted(logits, logits > 0).value == 1
    assert "all 200 predictions" in fitted(logits, logits > 0).reason


def test_logits_that_say_nothing_get_probabilities_that_say_nothing():
    logits, happened = drawn(400, 1.0)
    result = fitted(-logits, happened)
    assert result.value > 90
    assert result.reason.startswith("the greatest that is tried: the logits do not show")
    assert fitted(logits, happened).reason == ""


def test_a_temperature_at_its_least_is_told():
    """Of a thousand predictions with a confidence of 50.02% one is wrong."""
    logits = np.full(1000, 1e-3)
    happened = np.arange(1000) > 0
    result = fitted(logits, happened)
    assert result.value == pytest.approx(0.01, rel=0.01)
    assert result.reason.startswith("the least that is tried: nearly all")


def test_the_report_tells_a_temperature_at_its_limit():
    side = binary_judgement(np.linspace(0.5, 1, 40), np.ones(40, bool))
    details = {
        "temperatures": {"a": 99.5, "b": 1.0, "c": 1.4}, "reasons": {"a": "the greatest that is tried", "b": "too few"},
        "fitted_on": 40, "judged_on": 40, "before": side, "after": side,
    }  # fmt: skip
    note = calibration_table(details, "Calibration", "Of each label.").note
    assert "Temperature 99.50 for a, 1.40 for c, fitted on 40 examples" in note
    assert "It is at its limit for a: the greatest that is tried. It stays 1 for b: too few." in note
