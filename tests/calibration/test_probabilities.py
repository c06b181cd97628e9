"""Probabilities are those of scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special

from bert_finetune_kit.calibration.probabilities import sigmoid, softmax

LOGITS = arrays(np.float64, (3, 4), elements=st.floats(-800, 800))


@given(LOGITS)
def test_softmax(logits):
    assert (softmax(logits) == special.softmax(logits, axis=1)).all()


@given(LOGITS)
def test_sigmoid(logits):
    assert sigmoid(logits) == pytest.approx(special.expit(logits), rel=1e-14, abs=1e-300)  # which scipy rounds to 0


def test_infinite_logits():
    assert softmax(np.array([[-np.inf, 0.0, 0.0]])).tolist() == [[0.0, 0.5, 0.5]]
    assert sigmoid(np.array([-np.inf, np.inf])).tolist() == [0.0, 1.0]
    assert np.isnan(sigmoid(np.array([np.nan]))).all()
