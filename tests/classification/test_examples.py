import copy

import numpy as np
import pytest
import tokenizers
import torch
from datasets import Dataset, Features, List, Value
from formats import bert_format, format_of
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version
from transformers import BertTokenizer

from bert_finetune_kit.classification.collator import DataCollatorForClassification
from bert_finetune_kit.classification.examples import ClassificationExamples
from bert_finetune_kit.classification.windows import truncate
from bert_finetune_kit.data.tokenized import TokenizedTexts, tokenize_texts
from bert_finetune_kit.data.vocabulary import load_tokenizer


def examples_of(tokenizer, texts, pairs=None, max_length=12, stride=None, targets=None):
    rows = Dataset.from_dict({"text": texts} | ({"pair": pairs} if pairs else {}))
    tokenized = tokenize_texts(rows, "text", "pair" if pairs else None, tokenizer)
    return ClassificationExamples(tokenized, targets, max_length, stride, format_of(tokenizer, pair=bool(pairs)))


TEXTS = [
    "the smithy of greyford opens at ten o'clock .",
    "a dog",
    "the bread was not fresh and the dog was loud today .",
]
PAIRS = ["a dog guards the dairy and the bakery .", "the bread was fresh and the baker was happy today .", "a"]


OLD_TOKENIZERS = Version(tokenizers.__version__) < Version("0.23.3")
PAIRS_OF_NEW_TOKENIZERS = pytest.param(
    PAIRS, marks=pytest.mark.skipif(OLD_TOKENIZERS, reason="tokenizers before 0.23.3 truncates pairs differently")
)


@pytest.mark.parametrize("pairs", [None, PAIRS_OF_NEW_TOKENIZERS])
@pytest.mark.parametrize("max_length", [8, 11, 64])
def test_texts_are_truncated_as_by_the_tokenizer(tokenizer: BertTokenizer, pairs, max_length):
    """Against transformers' own truncation, longest first."""
    examples = examples_of(tokenizer, TEXTS, pairs, max_length)
    for index, text in enumerate(TEXTS):
        encoding = tokenizer(text, pairs[index] if pairs else None, truncation="longest_first", max_length=max_length)
        ((ids, first),) = examples[index]["windows"]
        assert ids.tolist() == encoding["input_ids"]
        assert [0] * first + [1] * (len(ids) - first) == encoding["token_type_ids"]
    lengths = [len(tokenizer(text, pairs[n] if pairs else None)["input_ids"]) for n, text in enumerate(TEXTS)]
    assert examples.too_long.tolist() == [number for number, length in enumerate(lengths) if length > max_length]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(2, 40))
def test_truncation_keeps_as_many_tokens_as_fit(length, pair_length, max_tokens):
    first, second = truncate(np.arange(length), np.arange(pair_length), max_tokens)
    assert len(first) + len(second) == min(max_tokens, length + pair_length)
    assert first.tolist() == list(range(len(first)))
    assert second.tolist() == list(range(len(second)))


@pytest.mark.skipif(OLD_TOKENIZERS, reason="tokenizers before 0.23.3 truncates pairs in another way")
@given(st.integers(1, 60), st.integers(1, 60), st.integers(2, 40))
def test_a_pair_is_truncated_as_the_tokenizer_does(tokenizer, length, pair_length, max_tokens):
    texts = ([" ".join(["the"] * count)] for count in (length, pair_length))  # as a list, one may be empty
    encoded = copy.deepcopy(tokenizer)(*texts, truncation=True, max_length=max_tokens + 3)
    kept = [encoded.sequence_ids(0).count(number) for number in (0, 1)]
    assert [len(part) for part in truncate(np.arange(length), np.arange(pair_length), max_tokens)] == kept
    assert len(truncate(np.arange(length), None, max_tokens)[0]) == min(length, max_tokens)


def id_examples(max_length, stride=None, targets=None, **columns):
    """Examples of texts that are token ids: [CLS] is 1, [SEP] is 2."""
    features = Features({name: List(Value("int32")) for name in columns})
    tokenized = TokenizedTexts(Dataset.from_dict(columns, features=features))
    return ClassificationExamples(tokenized, targets, max_length, stride, bert_format(1, 2, pair=tokenized.are_pairs))


def ids_of(example):
    return [(ids.tolist(), first) for ids, first in example["windows"]]


def test_windows_of_a_text():
    text = list(range(10, 20))
    examples = id_examples(6, stride=1, text=[text, text[:4], []])
    assert examples.max_tokens == 4
    expected = [[1, *text[start : start + 4], 2] for start in (0, 3, 6)]
    assert ids_of(examples[0]) == [(ids, 6) for ids in expected]
    assert ids_of(examples[1]) == [([1, *text[:4], 2], 6)]
    assert ids_of(examples[2]) == [([1, 2], 2)]
    assert examples.too_long.tolist() == [0]
    # Windows share half of their tokens at most, so that each brings new ones.
    wide = id_examples(6, stride=9, text=[text])
    assert [ids[1] for ids, _ in ids_of(wide[0])] == [10, 12, 14, 16]


@pytest.mark.parametrize(
    ("first", "second", "windows"),
    [
        (3, 7, [(range(3), range(5)), (range(3), range(4, 7))]),  # 8 tokens, of which 3 are the shorter text
        (7, 3, [(range(5), range(3)), (range(4, 7), range(3))]),
        (3, 5, [(range(3), range(5))]),
        (6, 7, [(range(4), range(4)), (range(4), range(3, 7))]),  # both long: the shorter one is cut to half
        (7, 6, [(range(4), range(4)), (range(3, 7), range(4))]),
        (6, 6, [(range(4), range(4)), (range(4), range(3, 6))]),  # of equal length, windows slide over the second
        (0, 9, [(range(0), range(8)), (range(0), range(7, 9))]),
    ],
)
def test_windows_of_a_pair(first, second, windows):
    examples = id_examples(11, stride=1, text=[list(range(10, 10 + first))], text_pair=[list(range(30, 30 + second))])
    assert examples.max_tokens == 8
    expected = [([1, *(10 + n for n in text), 2, *(30 + n for n in pair), 2], len(text) + 2) for text, pair in windows]
    assert ids_of(examples[0]) == expected


def test_windows_of_a_pair_share_half_of_what_the_longer_text_has_at_most():
    examples = id_examples(11, stride=9, text=[[10, 11, 12, 13]], text_pair=[list(range(30, 38))])
    starts = [ids[first] for ids, first in ids_of(examples[0])]
    assert starts == [30, 32, 34]


def test_fields_of_an_example():
    targets = np.array([[1, 0], [0, 1]], np.float32)
    examples = id_examples(6, targets=targets, text=[[10], [11]])
    assert [len(examples), examples[1]["label"].tolist(), examples[1]["in_loss"]] == [2, [0, 1], True]
    assert examples[0, 0, False]["in_loss"] is False
    assert examples.subset(np.array([1]))[0]["label"].tolist() == [0, 1]
    assert "label" not in id_examples(6, text=[[10]])[0]
    assert examples[0]["windows"][0][0].dtype == np.int32


def test_padding_and_truncation_of_the_tokenizer_are_ignored(tokenizer):
    padding = load_tokenizer(tokenizer)
    padding.backend_tokenizer.enable_padding(length=128)
    padding.backend_tokenizer.enable_truncation(3)
    lengths = examples_of(tokenizer, TEXTS).texts.lengths.tolist()
    assert len(set(lengths)) == len(TEXTS)
    assert examples_of(load_tokenizer(padding), TEXTS).texts.lengths.tolist() == lengths


def test_collator(tokenizer):
    targets = np.array([1, 0, 1])
    examples = examples_of(tokenizer, TEXTS, max_length=8, stride=2, targets=targets)
    collator = DataCollatorForClassification(tokenizer.pad_token_id, bert_format(), class_weights=np.array([0.5, 2.0]))
    batch = collator([examples[0, 0, True], examples[0, 1, True], examples[0, 2, False]])
    counts = [len(examples[index]["windows"]) for index in range(3)]
    assert batch["window_example"].tolist() == np.repeat(np.arange(3), counts).tolist()
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (sum(counts), 8)
    assert batch["labels"].tolist() == [1, 0, 1]
    assert batch["weights"].tolist() == [2.0, 0.5, 0.0]
    assert batch["attention_mask"].sum(1).tolist() == [len(ids) for n in range(3) for ids, _ in examples[n]["windows"]]
    multi_label = DataCollatorForClassification(0, bert_format(), class_weights=np.array([3.0, 1.0]))
    example = {"windows": examples[1]["windows"], "label": np.array([1, 0], np.float32)}
    assert multi_label([example])["weights"].tolist() == [[3.0, 1.0]]
    assert multi_label([example | {"in_loss": False}])["weights"].tolist() == [[0.0, 0.0]]


def test_batches_of_fixed_shapes(tokenizer):
    """Three examples of one or more windows: rows are 3 times a power of two, the length is one of `lengths`."""
    examples = examples_of(tokenizer, TEXTS, max_length=8, stride=2, targets=np.array([1, 0, 1]))
    chosen = [examples[index] for index in range(3)]
    dynamic = DataCollatorForClassification(tokenizer.pad_token_id, bert_format())(chosen)
    fixed = DataCollatorForClassification(tokenizer.pad_token_id, bert_format(), lengths=(4, 16, 32))(chosen)
    windows = len(dynamic["input_ids"])
    assert 3 < windows < 12
    assert fixed["input_ids"].shape == (6 if windows <= 6 else 12, 16)
    assert torch.equal(fixed["input_ids"][:windows, :8], dynamic["input_ids"])
    assert (fixed["window_example"][windows:] == 3).all()
    assert (fixed["attention_mask"][windows:].sum(1) == 1).all()
    for name in ("labels", "weights"):
        assert torch.equal(fixed[name], dynamic[name])
    single = [example | {"windows": example["windows"][:1]} for example in chosen]
    assert len(DataCollatorForClassification(0, bert_format(), lengths=(16,))(single)["input_ids"]) == 3
