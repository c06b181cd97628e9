import numpy as np
import pytest

from bert_finetune_kit.data.randomness import Stream, stateless_rng

BASE = {"seed": 3, "epoch": 1, "index": 5, "stream": Stream.PAIR}


def test_the_same_draw_is_the_same():
    assert (stateless_rng(**BASE).random(8) == stateless_rng(**BASE).random(8)).all()


@pytest.mark.parametrize("change", [{"seed": 4}, {"epoch": 2}, {"index": 6}, {"stream": Stream.MASK}])
def test_every_part_of_the_key_matters(change):
    # Draws long enough that a stream running into its neighbour would show.
    base, other = stateless_rng(**BASE).random(4096), stateless_rng(**(BASE | change)).random(4096)
    assert len(np.intersect1d(base, other)) == 0


def test_first_draws_of_neighbours_are_uniform():
    draws = np.array([stateless_rng(0, 0, index, Stream.MASK).random() for index in range(4000)])
    counts = np.histogram(draws, bins=10, range=(0, 1))[0]
    chi_square = ((counts - 400) ** 2 / 400).sum()
    assert chi_square < 27.9  # 99.9% of the chi-square distribution with 9 degrees of freedom
