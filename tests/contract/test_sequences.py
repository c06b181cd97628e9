"""Sequences, windows and characters of answers as the tokenizer itself makes them, for every kind of tokenizer."""

import copy
import pickle
import unicodedata
from functools import cache

import numpy as np
import pytest
import tokenizers
import torch
from datasets import Dataset, Features, List, Value
from encoders import TOKENIZERS, tokenizer_of_kind
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from packaging.version import Version

from bert_finetune_kit import (
    DataCollatorForClassification,
    DataCollatorForQuestionAnswering,
    QAConfig,
)
from bert_finetune_kit.classification.examples import ClassificationExamples
from bert_finetune_kit.data.question_rows import as_questions
from bert_finetune_kit.data.sequences import sequence_formats
from bert_finetune_kit.data.tokenized import TokenizedTexts, encode_texts, text_backend, tokenize_columns
from bert_finetune_kit.pretraining.corpus import continues_word, marked_tokens, token_ids
from bert_finetune_kit.question_answering.examples import QAExamples, answer_spans
from bert_finetune_kit.question_answering.predictions import decode
from bert_finetune_kit.question_answering.question_spans import WindowSpans
from bert_finetune_kit.question_answering.spans import best_spans
from bert_finetune_kit.question_answering.tokens import TokenizedQuestions, encode_with_offsets
from bert_finetune_kit.question_answering.windows import build_windows

VISIBLE = [
    "the", "mill", "opens", "o'clock", "東京都", "العربية", "🏭", "👩\u200d👩\u200d👧", "e\u0301", "a\u0308\u0323",
    "x" * 80, "naïve", "ß", "İ", "½",
]  # fmt: skip
OTHERS = ["\u202e", "\u200b", "\t", "\n", "\u00a0", "\u3000", "  ", "."]
WORDS = st.lists(st.sampled_from(VISIBLE), min_size=1, max_size=10)
ANY = st.lists(st.sampled_from(VISIBLE + OTHERS), max_size=12)
TEXT = st.one_of(ANY.map(" ".join), ANY.map("".join))
SOME = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
TOKENS = Features({name: List(Value("int32")) for name in ("input_ids", "starts", "ends")})
KINDS = pytest.mark.parametrize("kind", TOKENIZERS)


def tokens_of(rows, tokenizer):
    """Return `tokenize_questions`, without its cache on the disk."""
    columns = (
        encode_with_offsets({"text": rows[name][:]}, tokenizer.backend_tokenizer) for name in ("question", "context")
    )
    questions, contexts = (Dataset.from_dict(ids, TOKENS) for ids in columns)
    return TokenizedQuestions(questions, contexts, np.arange(len(rows)))


@cache
def stock(kind, side="right"):
    """Return a tokenizer to call, which keeps the truncation of its last call."""
    tokenizer = copy.deepcopy(tokenizer_of_kind(kind))
    tokenizer.truncation_side = side
    return tokenizer


@KINDS
@SOME
@given(first=TEXT, second=st.none() | TEXT, length=st.integers(8, 40), side=st.sampled_from(["right", "left"]))
def test_texts_and_pairs(kind, first, second, length, side):
    tokenizer = tokenizer_of_kind(kind)
    texts = [[first]] if second is None else [[first], [second]]  # as lists: a second text alone may not be empty
    expected = stock(kind, side)(*texts, truncation="longest_first", max_length=length)
    columns = {"text": [first]} | ({} if second is None else {"text_pair": [second]})
    ids = tokenize_columns(columns, tokenizer.backend_tokenizer, {name: name for name in columns})
    tokenized = TokenizedTexts(Dataset.from_dict(ids, Features({name: List(Value("int32")) for name in ids})))
    format = sequence_formats(tokenizer, takes_types=True)[second is not None]
    examples = ClassificationExamples(tokenized, None, length, None, format, side)
    batch = DataCollatorForClassification(tokenizer.pad_token_id, examples.format)([examples[0]])
    assert {name: batch[name].tolist() for name in expected} == dict(expected)


@pytest.mark.skipif(
    Version(tokenizers.__version__) < Version("0.23.3"), reason="tokenizers before 0.23.3 loses overflowing windows"
)
@KINDS
@SOME
@given(question=TEXT.filter(str.strip), context=TEXT, length=st.integers(24, 48), stride=st.integers(0, 8))
def test_windows_and_offsets(kind, question, context, length, stride):
    tokenizer = tokenizer_of_kind(kind)
    rows = as_questions([{"question": question, "context": context}])
    tokens = tokens_of(rows, tokenizer)
    _, pair = sequence_formats(tokenizer, takes_types=True)
    config = QAConfig(max_length=length, doc_stride=stride, max_question_length=10)
    assume(tokens.question_lengths[0] <= 10)  # longer ones are truncated
    windows = build_windows(tokens, config, pair)
    examples = QAExamples(tokens, windows)
    expected = stock(kind)(
        [question], [context], truncation="only_second", max_length=length, stride=stride,
        return_overflowing_tokens=True, return_offsets_mapping=True,
    )  # fmt: skip
    batch = DataCollatorForQuestionAnswering(tokenizer.pad_token_id, pair)([examples[n] for n in range(len(windows))])
    assert len(windows) == len(expected["input_ids"])
    starts, ends = tokens.offsets(0)
    for number, ids in enumerate(expected["input_ids"]):
        assert batch["input_ids"][number, : len(ids)].tolist() == ids
        assert batch["attention_mask"][number].sum() == len(ids)
        if "token_type_ids" in expected and number == 0:  # tokenizers gives some kinds other types in later windows
            assert batch["token_type_ids"][number, : len(ids)].tolist() == expected["token_type_ids"][number]
        for place, part in enumerate(expected.sequence_ids(number)):
            first, last = expected["offset_mapping"][number][place]
            piece = context[first:last] if part == 1 else ""
            assert bool(batch["context_mask"][number, place]) == bool(piece.strip())  # of the context, and visible
            if part == 1:
                token = place + windows.shift[number]
                assert starts[token] == first + len(piece) - len(piece.lstrip())
                assert ends[token] == max(starts[token], last - len(piece) + len(piece.rstrip()))


@KINDS
@pytest.mark.parametrize("longest", [1, 4])
def test_an_answer_has_visible_characters_at_its_ends(kind, longest):
    """White space alone is a token of its own in some tokenizers (`Ġ`, `Ċ`, `▁`); an empty text means no answer."""
    context = "a     b \n\n the  mill 東京 opens "
    rows = as_questions([{"question": "who?", "context": context}])
    tokens = tokens_of(rows, tokenizer_of_kind(kind))
    _, pair = sequence_formats(tokenizer_of_kind(kind), takes_types=True)
    windows = build_windows(tokens, QAConfig(max_length=64, doc_stride=8, max_question_length=16), pair)
    batch = DataCollatorForQuestionAnswering(0, pair)([QAExamples(tokens, windows)[0]])
    start, end = torch.randn(2, 1, int(windows.lengths[0]), generator=torch.Generator().manual_seed(0))
    spans = best_spans(start, end, batch["context_mask"].bool(), 64, longest)
    predictions = decode(WindowSpans(*(values.numpy() for values in spans)), windows, tokens, [context])
    answers = [predictions.text(0, rank) for rank in np.flatnonzero(np.isfinite(predictions.spans.scores[0]))]
    assert len(answers) > 4
    assert all(answer == answer.strip() != "" for answer in answers)


@KINDS
@SOME
@given(words=WORDS, data=st.data())
def test_characters_of_an_answer(kind, words, data):
    """The characters of the tokens of an answer are those of the answer, but for marks that the tokenizer drops."""
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    context, answer = " ".join(words), " ".join(words[first : last + 1])
    begin = len(" ".join([*words[:first], ""]))
    answers = {"text": [answer], "answer_start": [begin]}
    rows = as_questions([{"question": "who?", "context": context, "answers": answers}])
    tokens = tokens_of(rows, tokenizer_of_kind(kind))
    spans, check = answer_spans(rows, tokens)
    assert check.exact == 1
    starts, ends = tokens.offsets(0)
    found = context[starts[spans[0, 0]] : ends[spans[0, 1]]]
    assert letters(found) == letters(answer)
    assert found == found.strip()
    assert answer.startswith(found[0])


def letters(text):
    """Return a text without combining marks and invisible characters."""
    parts = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in parts if unicodedata.category(letter) not in ("Mn", "Cf"))


@KINDS
@SOME
@given(words=st.lists(st.sampled_from(["the", "mill", "opens", "bakery", "x" * 30, "zzyzx"]), min_size=1, max_size=10))
def test_whole_words(kind, words):
    (encoding,) = encode_texts([" ".join(words)], tokenizer_of_kind(kind).backend_tokenizer)
    tokens = marked_tokens(encoding)
    assert token_ids(tokens).tolist() == encoding.ids
    starts = np.flatnonzero(~continues_word(tokens))
    assert len(starts) == len(words)
    spelled = [tokenizer_of_kind(kind).decode(ids) for ids in np.split(token_ids(tokens), starts[1:])]
    assert [word.strip() for word in spelled] == words


@KINDS
def test_special_tokens_in_a_text_are_text(kind):
    """Also after a call of the tokenizer, and in another process. Of Unigram models they are pieces like others."""
    tokenizer = stock(kind)
    text = " ".join(["a", tokenizer.mask_token, tokenizer.sep_token, tokenizer.cls_token])
    tokenizer(text)
    (encoding,) = encode_texts([text], pickle.loads(pickle.dumps(tokenizer.backend_tokenizer)))
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    assert not special & set(encoding.ids) or kind.startswith("Unigram")


def test_special_tokens_without_a_name_are_text():
    """A tokenizer.json alone does not say what `<s>` is for, but its template puts it before each text."""
    tokenizer = copy.deepcopy(tokenizer_of_kind("byte-level BPE, </s></s>"))
    sep = tokenizer.sep_token
    tokenizer.sep_token = tokenizer.eos_token = tokenizer.pad_token
    (encoding,) = encode_texts([f"the mill {sep}"], text_backend(tokenizer))
    assert sep not in encoding.tokens


@KINDS
def test_added_tokens_stay_tokens(kind):
    """Those that a user has added as special, such as entity markers, are no part of the text as `[SEP]` is."""
    tokenizer = copy.deepcopy(tokenizer_of_kind(kind))
    tokenizer.add_special_tokens({"additional_special_tokens": ["[E1]", "[/E1]"]})
    tokenizer.add_tokens(["<url>"])
    text = "the [E1] mill [/E1]opens <url> [E1]the"
    expected = tokenizer(text, add_special_tokens=False)
    for backend in (text_backend(tokenizer), pickle.loads(pickle.dumps(text_backend(tokenizer)))):
        marked, framed = encode_texts([text, f"{text} {tokenizer.sep_token}"], backend)
        assert marked.ids == expected["input_ids"]
        assert (
            marked.offsets == tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        )
        markers = tokenizer.convert_tokens_to_ids(["[E1]", "[/E1]", "<url>", "[E1]"])
        assert [token for token in framed.ids if token in markers] == markers
        assert tokenizer.sep_token_id not in framed.ids or kind.startswith("Unigram")
