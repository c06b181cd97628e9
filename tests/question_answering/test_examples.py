import copy

import numpy as np
import pytest
import tokenizers
from datasets import Dataset
from formats import format_of
from packaging.version import Version

from bert_finetune_kit import QuestionSource
from bert_finetune_kit.data.questions import load_questions
from bert_finetune_kit.question_answering.config import QAConfig
from bert_finetune_kit.question_answering.examples import QAExamples, answer_spans
from bert_finetune_kit.question_answering.tokens import tokenize_questions
from bert_finetune_kit.question_answering.windows import build_windows

ROWS = load_questions(QuestionSource(max_train_examples=60)).train


def examples_of(tokenizer, rows=ROWS, **settings):
    tokens = tokenize_questions(rows, tokenizer)
    spans, check = answer_spans(rows, tokens)
    config = QAConfig(**({"max_length": 48, "doc_stride": 8, "max_question_length": 20} | settings))
    examples = QAExamples(tokens, build_windows(tokens, config, format_of(tokenizer, pair=True), spans))
    return examples, np.isin(rows["id"][:], check.missing)


@pytest.mark.skipif(
    Version(tokenizers.__version__) < Version("0.23.3"), reason="tokenizers before 0.23.3 loses overflowing windows"
)
@pytest.mark.parametrize("settings", [{}, {"doc_stride": 0}, {"max_length": 200, "doc_stride": 64}])
def test_windows_equal_the_overflowing_windows_of_transformers(tokenizer, settings):
    """The example scripts of transformers use `return_overflowing_tokens`."""
    config = QAConfig(**({"max_length": 48, "doc_stride": 8, "max_question_length": 20} | settings))
    examples, _ = examples_of(tokenizer, **settings)
    expected = copy.deepcopy(tokenizer)(  # a tokenizer keeps the truncation of its last call
        ROWS["question"][:], ROWS["context"][:], truncation="only_second", max_length=config.max_length,
        stride=config.doc_stride, return_overflowing_tokens=True,
    )  # fmt: skip
    assert examples.tokens.question_lengths.max() <= 20
    assert examples.windows.question.tolist() == expected["overflow_to_sample_mapping"]
    for index in range(len(examples)):
        assert examples[index]["input_ids"].tolist() == expected["input_ids"][index]
        assert examples[index]["context_start"] == expected["token_type_ids"][index].index(1)


def test_positions_are_of_the_first_answer(tokenizer):
    examples, _ = examples_of(tokenizer)
    ids = set()
    for index in range(len(examples)):
        row, example = ROWS[int(examples.windows.question[index])], examples[index]
        start, end = example["start_position"], example["end_position"]
        if start == 0:
            assert end == 0
            continue
        assert example["context_start"] <= start <= end < len(example["input_ids"]) - 1
        answer = tokenizer.decode(example["input_ids"][start : end + 1])
        assert answer == tokenizer.decode(tokenizer(row["answers"]["text"][0], add_special_tokens=False)["input_ids"])
        ids.add(row["id"])
    answerable = {row["id"] for row in ROWS if row["answers"]["text"]}
    assert ids == answerable  # windows overlap by more than any answer here is long


def test_long_questions_empty_contexts_and_misplaced_answers(tokenizer):
    questions = {
        "long": ("the mill opens", "when " * 90, {"text": ["mill"], "answer_start": [4]}),
        "empty": ("", "who ?", {"text": [], "answer_start": []}),
        "misplaced": ("the mill", "who ?", {"text": ["six"], "answer_start": [0]}),
    }
    names = ("context", "question", "answers")
    rows = Dataset.from_list([{"id": name, **dict(zip(names, row, strict=True))} for name, row in questions.items()])
    all_windows, missing = examples_of(tokenizer, rows)
    assert all_windows.windows.question.tolist() == [0, 1, 2]
    examples = all_windows.for_training(missing)
    assert examples.windows.question.tolist() == [0, 1]
    assert len(examples[0]["input_ids"]) <= 48
    assert examples[0]["start_position"] > 0
    assert examples[1]["input_ids"][-2:].tolist() == [tokenizer.sep_token_id] * 2


def test_every_token_of_a_context_is_in_a_window(tokenizer):
    examples, _ = examples_of(tokenizer)
    for number in range(10):
        windows = np.flatnonzero(examples.windows.question == number)
        covered = {
            int(examples.windows.first_token[index]) + offset
            for index in windows
            for offset in range(len(examples[index]["input_ids"]) - examples[index]["context_start"] - 1)
        }
        assert covered == set(range(int(examples.tokens.context_lengths[number])))


def test_windows_that_cut_an_answer_are_not_trained_on(tokenizer):
    """Such a window contains a part of the answer, so "no answer" would be a wrong label."""
    context = next(row["context"] for row in ROWS if len(row["context"]) > 200)
    begin = len(context) // 3
    begin = context.index(" ", begin) + 1
    end = context.index(" ", begin + 90)
    rows = [
        {"id": "cut", "context": context, "question": "what ?", "answers": answers}
        for answers in ({"text": [context[begin:end]], "answer_start": [begin]}, {"text": [], "answer_start": []})
    ]
    examples, missing = examples_of(
        tokenizer, Dataset.from_list(rows), max_length=24, max_question_length=4, doc_stride=2
    )
    windows = examples.windows
    answer = len(tokenizer(context[begin:end], add_special_tokens=False)["input_ids"])
    assert answer > 24
    assert windows.cuts.sum() >= 2
    assert not (windows.start > 0).any()
    kept = examples.for_training(missing).windows
    assert set(kept.question.tolist()) == {1}  # no window contains the whole answer, so its question is skipped
    assert not kept.cuts.any()

    wide, _ = examples_of(
        tokenizer, Dataset.from_list(rows), max_length=45, max_question_length=4, doc_stride=answer + 1
    )
    kept = wide.for_training(missing).windows
    assert wide.windows.cuts.any()
    assert (kept.start[kept.question == 0] > 0).any()
    assert not kept.cuts.any()


def test_characters_of_token_spans(tokenizer):
    examples, _ = examples_of(tokenizer)
    tokens = examples.tokens
    first = np.zeros((len(tokens), 2), int)
    last = np.column_stack([first[:, 0], tokens.context_lengths - 1])
    begin, end = tokens.characters(first, last)
    for number, row in enumerate(ROWS):
        starts, ends = tokens.offsets(number)
        assert (begin[number] == starts[0]).all()
        assert end[number].tolist() == [ends[0], ends[-1]]
        assert row["context"][begin[number, 1] : end[number, 1]] == row["context"].strip()
