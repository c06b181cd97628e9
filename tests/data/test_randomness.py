import pickle

import numpy as np
import pytest

from bert_finetune_kit.data.randomness import MovableRng, Stream, stateless_rng

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


@pytest.mark.parametrize("stream", [Stream.PAIR, Stream.MASK])
def test_a_movable_generator_draws_what_a_new_one_does(stream):
    moved = MovableRng(stream)
    keys = np.random.default_rng(0).integers(2**40, size=(50, 3)).tolist()
    for seed, epoch, index in [*keys, *keys[::-1]]:
        rng, new = moved.at(seed, epoch, index), stateless_rng(seed, epoch, index, stream)
        # One 32-bit number leaves half of a draw behind, which must not be there for the next key.
        for draw in (
            lambda rng: rng.integers(7, dtype=np.int32),
            lambda rng: rng.random(3),
            lambda rng: rng.choice(20, 5, replace=False),
            lambda rng: rng.permutation(9),
        ):
            assert np.array_equal(draw(rng), draw(new))


def test_a_movable_generator_survives_the_way_to_another_process():
    moved = pickle.loads(pickle.dumps(MovableRng(Stream.PAIR)))
    assert moved.at(1, 2, 3).random() == stateless_rng(1, 2, 3, Stream.PAIR).random()
