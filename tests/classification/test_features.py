from itertools import pairwise

import numpy as np
import pytest
import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertTokenizer

from bert_finetune_kit.classification.collator import DataCollatorForClassification
from bert_finetune_kit.classification.features import ClassificationExamples, cut, slide
from bert_finetune_kit.data.tokenized import tokenize_texts


def examples_of(tokenizer, texts, pairs=None, max_length=12, stride=None, targets=None):
    rows = Dataset.from_dict({"text": texts} | ({"pair": pairs} if pairs else {}))
    tokenized = tokenize_texts(rows, "text", "pair" if pairs else None, tokenizer)
    return ClassificationExamples(
        tokenized, targets, max_length, stride, tokenizer.cls_token_id, tokenizer.sep_token_id
    )


TEXTS = [
    "the smithy of greyford opens at ten o'clock .",
    "a dog",
    "the bread was not fresh and the dog was loud today .",
]
PAIRS = ["a dog guards the dairy and the bakery .", "the bread was fresh and the baker was happy today .", "a"]


@pytest.mark.parametrize("pairs", [None, PAIRS])
@pytest.mark.parametrize("max_length", [8, 11, 64])
def test_cut_as_the_tokenizer_cuts(tokenizer: BertTokenizer, pairs, max_length):
    """Against transformers' own truncation, longest first."""
    examples = examples_of(tokenizer, TEXTS, pairs, max_length)
    for index, text in enumerate(TEXTS):
        told = tokenizer(text, pairs[index] if pairs else None, truncation="longest_first", max_length=max_length)
        ((ids, first),) = examples[index]["windows"]
        assert ids.tolist() == told["input_ids"]
        assert [0] * first + [1] * (len(ids) - first) == told["token_type_ids"]
    fits = [
        len(tokenizer(text, pairs[n] if pairs else None)["input_ids"]) <= max_length for n, text in enumerate(TEXTS)
    ]
    assert examples.too_long.tolist() == [number for number, one in enumerate(fits) if not one]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(2, 40))
def test_cut_keeps_what_fits(first, second, room):
    ((one, other),) = cut(np.arange(first), np.arange(second), room)
    assert len(one) + len(other) == min(room, first + second)


@given(st.integers(1, 80), st.integers(2, 30), st.data())
def test_windows_cover_the_text_and_share_tokens(length, room, data):
    shared = data.draw(st.integers(0, room // 2))
    windows = list(slide(np.arange(length), room, shared))
    assert sorted(set(np.concatenate(windows).tolist())) == list(range(length))
    assert all(len(window) <= room for window in windows)
    for one, other in pairwise(windows):
        assert one[-shared:].tolist() == other[:shared].tolist() if shared else one[-1] + 1 == other[0]


def test_windows_of_pairs_keep_the_shorter_text(tokenizer):
    examples = examples_of(tokenizer, TEXTS, PAIRS, max_length=12, stride=2)
    for index in range(3):
        for ids, split in examples[index]["windows"]:
            assert len(ids) <= 12
            assert ids[split - 1] == ids[-1] == tokenizer.sep_token_id
    short = [ids[1 : split - 1].tolist() for ids, split in examples[1]["windows"]]
    assert short == [examples.texts[1][0].tolist()] * len(short)
    assert len(short) > 1


def test_a_tokenizer_with_padding_of_its_own_changes_nothing(tokenizer):
    from bert_finetune_kit.data.vocabulary import load_tokenizer

    loud = load_tokenizer(tokenizer)
    loud.backend_tokenizer.enable_padding(length=128)
    loud.backend_tokenizer.enable_truncation(3)
    quiet = load_tokenizer(loud)
    lengths = [examples_of(one, TEXTS).texts.lengths.tolist() for one in (tokenizer, quiet)]
    assert lengths[0] == lengths[1]


def test_collator(tokenizer):
    targets = np.array([1, 0, 1])
    examples = examples_of(tokenizer, TEXTS, max_length=8, stride=2, targets=targets)
    collator = DataCollatorForClassification(tokenizer.pad_token_id, class_weights=np.array([0.5, 2.0]))
    batch = collator([examples[0, 0, True], examples[0, 1, True], examples[0, 2, False]])
    counts = [len(examples[index]["windows"]) for index in range(3)]
    assert batch["window_example"].tolist() == np.repeat(np.arange(3), counts).tolist()
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (sum(counts), 8)
    assert batch["labels"].tolist() == [1, 0, 1]
    assert batch["weights"].tolist() == [2.0, 0.5, 0.0]
    assert batch["attention_mask"].sum(1).tolist() == [len(ids) for n in range(3) for ids, _ in examples[n]["windows"]]
    several = DataCollatorForClassification(0, class_weights=np.array([3.0, 1.0]))
    example = {"windows": examples[1]["windows"], "label": np.array([1, 0], np.float32)}
    assert several([example])["weights"].tolist() == [[3.0, 1.0]]
    assert several([example | {"counts": False}])["weights"].tolist() == [[0.0, 0.0]]


def test_batches_of_few_shapes(tokenizer):
    """Three examples of one window and of several: rows are 3 times a power of two, lengths one of those given."""
    examples = examples_of(tokenizer, TEXTS, max_length=8, stride=2, targets=np.array([1, 0, 1]))
    chosen = [examples[index] for index in range(3)]
    free = DataCollatorForClassification(tokenizer.pad_token_id)(chosen)
    fixed = DataCollatorForClassification(tokenizer.pad_token_id, lengths=(4, 16, 32))(chosen)
    windows = len(free["input_ids"])
    assert 3 < windows < 12
    assert fixed["input_ids"].shape == (6 if windows <= 6 else 12, 16)
    assert torch.equal(fixed["input_ids"][:windows, :8], free["input_ids"])
    assert (fixed["window_example"][windows:] == 3).all()
    assert (fixed["attention_mask"][windows:].sum(1) == 1).all()
    for name in ("labels", "weights"):
        assert torch.equal(fixed[name], free[name])
    one = [example | {"windows": example["windows"][:1]} for example in chosen]
    assert len(DataCollatorForClassification(0, lengths=(16,))(one)["input_ids"]) == 3
