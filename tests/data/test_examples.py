import numpy as np

from bert_finetune_kit.data.examples import split_key


def test_keys_in_full():
    assert split_key(3) == split_key(np.int64(3)) == (0, 3, True)
    assert type(split_key(np.int64(3))[1]) is int
    assert split_key((2, 3, False)) == (2, 3, False)
