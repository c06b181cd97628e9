"""What the intervals of pretraining are over."""

from types import SimpleNamespace

import numpy as np
from scipy import stats

from bert_finetune_kit.pretraining.evaluation import independent_units
from bert_finetune_kit.pretraining.metrics import score_intervals


class Corpus:
    """Documents of token ids."""

    def __init__(self, *documents):
        self.documents = documents

    def __len__(self):
        return len(self.documents)

    def input_ids(self, number):
        return np.array(self.documents[number], np.int32)


class Examples(SimpleNamespace):
    """Windows of documents."""

    def __len__(self):
        return len(self.documents)


def test_intervals_are_over_documents():
    documents = Corpus([5, 6], [7], [5, 6], [8], [9, 9])
    examples = Examples(corpus=documents, documents=np.array([0, 0, 1, 2, 3, 4]))
    units = independent_units(examples)
    assert units.name == "documents"
    assert units.numbers.tolist() == [0, 0, 1, 0, 2, 3]
    loss = np.array([2.0, 2.2, 3.0, 2.1, 3.5, 2.6])
    found = score_intervals((loss, np.zeros(6), np.ones(6)), units)["mlm_loss"]
    # A jackknife of the mean over windows, each document left out in turn.
    left_out = np.array([loss[units.numbers != number].mean() for number in range(4)])
    error = np.sqrt(3 / 4 * ((left_out - left_out.mean()) ** 2).sum())
    freedom = 36 / (9 + 1 + 1 + 1) - 1
    half = stats.t.ppf(0.975, freedom) * error
    assert found == (max(loss.mean() - half, 0), loss.mean() + half)


def test_of_three_documents_the_windows_are_drawn():
    examples = Examples(corpus=Corpus([5], [6], [7]), documents=np.array([0, 0, 0, 1, 2]))
    assert independent_units(examples).are_examples
