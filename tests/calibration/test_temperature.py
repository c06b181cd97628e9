import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from bert_finetune_kit.calibration.reliability import binary_nll
from bert_finetune_kit.calibration.temperature import FEWEST, fit_temperature


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
    assert fitted(-logits, happened).value > 90
