import numpy as np
import pytest
from scipy.special import softmax

from bert_finetune_kit import ConfigError
from bert_finetune_kit.calibration.conformal import label_sets, lowest_probability


def drawn(count, rng):
    """Probabilities of four labels that are not calibrated, and the true labels."""
    logits = rng.normal(size=(count, 4))
    logits[np.arange(count), labels := rng.integers(4, size=count)] += 1.5
    return softmax(3 * logits, axis=1), labels


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_sets_hold_the_true_label_as_often_as_asked_for(level):
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(50):
        (probabilities, labels), (others, true) = drawn(200, rng), drawn(400, rng)
        lowest = lowest_probability(level, probabilities[np.arange(200), labels])
        covered.append(label_sets(others, lowest)[np.arange(400), true].mean())
    assert np.mean(covered) == pytest.approx(level, abs=0.015)


def test_by_hand():
    assert lowest_probability(0.9, np.arange(1, 10) / 10) == 0.1  # 9 examples: below none
    assert lowest_probability(0.8, np.arange(1, 10) / 10) == 0.2
    assert label_sets(np.array([[0.7, 0.3], [0.5, 0.5], [0.95, 0.05]]), 0.4).tolist() == [
        [True, False],
        [True, True],
        [True, False],
    ]
    with pytest.raises(ConfigError, match=r"label_sets=0\.9 needs more than the 8 validation examples.*at least 9"):
        lowest_probability(0.9, np.arange(8) / 10)
    with pytest.raises(ConfigError, match="label_sets=1 is no share"):
        lowest_probability(1, np.arange(8) / 10)
