"""Windows, and the answers in them, against plain Python that goes through them one by one."""

import numpy as np
import pytest
from datasets import Dataset
from formats import bert_format
from hypothesis import given, settings
from hypothesis import strategies as st

from bert_finetune_kit.question_answering.config import QAConfig
from bert_finetune_kit.question_answering.examples import QAExamples, answer_spans
from bert_finetune_kit.question_answering.tokens import TokenizedQuestions, tokenize_questions
from bert_finetune_kit.question_answering.windows import Windows, build_windows

CLS, SEP = 1, 2
FORMAT = bert_format(CLS, SEP)


def tokens_of(question_lengths, context_lengths, context_of=None):
    """Questions of ids from 100 on, contexts of ids from 1,000 × their number on; token n has the characters of 3 n."""
    ids = [
        np.arange(1000 * (number + 1), 1000 * (number + 1) + length) for number, length in enumerate(context_lengths)
    ]
    places = [3 * np.arange(length) for length in context_lengths]
    return TokenizedQuestions(
        Dataset.from_dict({"input_ids": [np.arange(100, 100 + length) for length in question_lengths]}),
        Dataset.from_dict({"input_ids": ids, "starts": places, "ends": [place + 2 for place in places]}),
        np.arange(len(question_lengths)) if context_of is None else np.array(context_of),
    )


def windows_in_python(question_lengths, context_lengths, config, spans):
    rows = []
    for number, (question, context) in enumerate(zip(question_lengths, context_lengths, strict=True)):
        question = min(question, config.max_question_length)
        room, first = config.max_length - question - 3, 0
        while True:
            length = min(room, context - first)
            inside = {first + offset for offset in range(length)}
            answer = set(range(spans[number][0], spans[number][1] + 1)) if spans[number][0] >= 0 else set()
            whole = bool(answer) and answer <= inside
            place = 1 + question + 1 - first  # after [CLS], the question and [SEP]
            start, end = (spans[number][0] + place, spans[number][1] + place) if whole else (0, 0)
            rows.append((number, first, question, length, start, end, bool(answer & inside) and not whole))
            if first + length >= context:
                break
            first += room - config.doc_stride
    return rows


@st.composite
def questions(draw):
    longest = draw(st.integers(1, 5))
    room = draw(st.integers(2, 8))
    config = QAConfig(
        max_length=longest + room + 3, max_question_length=longest, doc_stride=draw(st.integers(0, room - 1))
    )
    lengths = draw(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 25)), min_size=1, max_size=4))
    spans = []
    for _, context in lengths:
        first = draw(st.integers(-1, context - 1))
        spans.append((first, draw(st.integers(first, context - 1)) if first >= 0 else -1))
    return config, [question for question, _ in lengths], [context for _, context in lengths], spans


@settings(max_examples=40, deadline=None)  # of which each makes two data sets
@given(questions())
def test_windows_equal_those_of_plain_python(case):
    config, question_lengths, context_lengths, spans = case
    tokens = tokens_of(question_lengths, context_lengths)
    windows = build_windows(tokens, config, FORMAT, np.array(spans))
    fields = ("question", "first_token", "question_length", "length", "start", "end", "cuts")
    expected = windows_in_python(question_lengths, context_lengths, config, spans)
    assert list(zip(*(getattr(windows, name).tolist() for name in fields), strict=True)) == expected
    without = build_windows(tokens, config, FORMAT)
    assert without.first_token.tolist() == windows.first_token.tolist()
    assert not np.concatenate([without.start, without.end, without.cuts]).any()
    examples = QAExamples(tokens, windows)
    for index, (number, first, question, length, start, end, _) in enumerate(expected):
        example = examples[index]
        context = tokens.context(number)[first : first + length].tolist()
        assert example["input_ids"].tolist() == [CLS, *range(100, 100 + question), SEP, *context, SEP]
        assert len(example["input_ids"]) == windows.lengths[index] <= config.max_length
        assert example["context_start"] == question + 2
        assert (example["start_position"], example["end_position"]) == (start, end)
        if start:
            answer = example["input_ids"][start : end + 1].tolist()
            assert answer == tokens.context(number)[spans[number][0] : spans[number][1] + 1].tolist()
            assert start + windows.shift[index] == spans[number][0]


def windows_with(question, start, cuts):
    """Return windows of these questions that contain an answer (at a position) or cut it."""
    zeros = np.zeros(len(question), int)
    return Windows(
        np.array(question), zeros, zeros, zeros, np.array(start), np.array(start), np.array(cuts, bool), FORMAT
    )


def test_windows_that_are_correct_examples():
    """Of question 0 no answer, 1 one in a window and cut by another, 2 cut by all, 3 missing, 4 in both windows."""
    windows = windows_with(
        [0, 0, 1, 1, 1, 2, 2, 3, 4, 4], [0, 0, 0, 5, 0, 0, 0, 0, 1, 2], [0, 0, 1, 0, 0, 1, 0, 0, 0, 0]
    )
    missing = np.array([False, False, False, True, False])
    examples = QAExamples(tokens_of([1] * 5, [1] * 5), windows)
    valid = [True, True, False, True, True, False, False, False, True, True]
    assert examples.valid_windows(missing).tolist() == valid
    assert examples.for_training(missing).windows.question.tolist() == [0, 0, 1, 1, 4, 4]
    for_eval = examples.for_eval(missing, "hash")
    assert [for_eval[index]["in_loss"] for index in range(10)] == valid
    assert for_eval.references == "hash"
    assert not any(for_eval[0, index, False]["in_loss"] for index in range(10))
    assert all(examples[0, index, True]["in_loss"] for index in range(10))


def test_characters_of_spans_in_any_context():
    """Two questions on one context, and contexts without a token, whose spans mean nothing but must not fail."""
    tokens = tokens_of([1] * 5, [4, 0, 3, 0], context_of=[2, 0, 2, 1, 3])
    first = np.array([[0, 2], [1, 3], [1, 1], [0, 4], [0, 9]])
    last = np.array([[1, 2], [3, 3], [2, 1], [5, 5], [7, 9]])
    begin, end = tokens.characters(first, last)
    assert begin[:3].tolist() == (3 * first[:3]).tolist()
    assert end[:3].tolist() == (3 * last[:3] + 2).tolist()
    assert begin.shape == end.shape == first.shape
    single, after = tokens.characters(first[:, 0], last[:, 0])
    assert (single.tolist(), after.tolist()) == (begin[:, 0].tolist(), end[:, 0].tolist())


def test_tokens_are_counted_once_for_each_context():
    tokens = tokens_of([2, 3, 1], [4, 2], context_of=[0, 0, 1])
    assert [tokens.count(token) for token in (100, 101, 102, 1000, 2001, 7)] == [3, 2, 1, 1, 1, 0]
    assert tokens.question_lengths.tolist() == [2, 3, 1]
    assert tokens.context_lengths.tolist() == [4, 4, 2]


@pytest.mark.parametrize(
    ("answers", "span", "is_missing"),
    [
        ({"text": ["mill", "the mill"], "answer_start": [4, 0]}, [1, 1], False),
        ({"text": ["six", "the mill"], "answer_start": [4, 0]}, [0, 1], False),
        ({"text": [], "answer_start": []}, [-1, -1], False),
        ({"text": ["six"], "answer_start": [4]}, [-1, -1], True),
        ({"text": ["\u200b"], "answer_start": [9]}, [-1, -1], True),
    ],
    ids=["first", "second", "none", "not there", "without a token"],
)
def test_the_tokens_of_an_answer(tokenizer, answers, span, is_missing):
    """The tokenizer removes a character without width, so that no token has it."""
    rows = Dataset.from_list(
        [{"id": "x", "context": "the mill \u200b opens", "question": "what ?", "answers": answers}]
    )
    spans, check = answer_spans(rows, tokenize_questions(rows, tokenizer))
    assert spans.tolist() == [span]
    assert check.missing == (["x"] if is_missing else [])
