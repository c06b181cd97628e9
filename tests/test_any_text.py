"""Any Unicode through data, examples, collators and decoding: nothing crashes, nothing is silently lost."""

import numpy as np
import pytest
from datasets import Dataset
from formats import format_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bert_finetune_kit import (
    DataCollatorForClassification,
    DataCollatorForPreTraining,
    DataCollatorForQuestionAnswering,
    KitError,
    PretrainConfig,
    QAConfig,
)
from bert_finetune_kit.classification.examples import ClassificationExamples
from bert_finetune_kit.data.question_rows import as_questions
from bert_finetune_kit.data.tokenized import tokenize_texts
from bert_finetune_kit.pretraining.corpus import TokenizedCorpus, tokenize_documents
from bert_finetune_kit.pretraining.examples import PretrainingExamples, usable_documents
from bert_finetune_kit.question_answering.examples import QAExamples, answer_spans
from bert_finetune_kit.question_answering.metrics import score_answers
from bert_finetune_kit.question_answering.overlap import bleu, rouge
from bert_finetune_kit.question_answering.predict import to_rows
from bert_finetune_kit.question_answering.predictions import decode
from bert_finetune_kit.question_answering.question_spans import WindowSpans
from bert_finetune_kit.question_answering.tokens import tokenize_questions
from bert_finetune_kit.question_answering.windows import build_windows

# Words of the vocabulary, other scripts, combining, bidirectional, invisible and rare characters.
WORDS = st.sampled_from(
    ["the", "mill", "opens", ".", "o'clock", "東京", "العربية", "🏭", "e\u0301", "\u202e", "\u0000", "\u200b", "[MASK]",
     "##s", "a" * 300, "\t", "\n", "\u00a0", "ß", "İ", "\ufffd"]
)  # fmt: skip
TEXT = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=40).map(" ".join))
MANY_EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY_EXAMPLES
@given(
    context=TEXT, question=TEXT.filter(str.strip), position=st.floats(0, 1), size=st.integers(1, 20),
    length=st.integers(16, 60), stride=st.integers(0, 8),
)  # fmt: skip
def test_questions(tokenizer, context, question, position, size, length, stride):
    start = int(position * len(context))
    answer = context[start : start + size]
    answers = {"text": [answer] if answer else [], "answer_start": [start] if answer else []}
    rows = as_questions([{"context": context, "question": question, "answers": answers}])
    config = QAConfig(max_length=length, doc_stride=min(stride, length - 12), max_question_length=8)
    tokens = tokenize_questions(rows, tokenizer)
    spans, check = answer_spans(rows, tokens)
    assert check.exact + check.repaired + check.elsewhere == len(answers["text"])
    if spans[0, 0] >= 0:  # the tokens of the answer cover every character of it that any token covers
        starts, ends = tokens.offsets(0)
        first, last = spans[0]
        text = answer.strip()
        begin = context.index(text, start)
        assert starts[first] < begin + len(text)
        assert ends[last] > begin
        assert not (ends[:first] > begin).any()
        assert not (starts[last + 1 :] < begin + len(text)).any()
    windows = build_windows(tokens, config, format_of(tokenizer, pair=True), spans)
    assert windows.lengths.max() <= length
    covered = {
        int(first) + offset
        for first, size in zip(windows.first_token, windows.length, strict=True)
        for offset in range(size)
    }
    assert covered == set(range(int(tokens.context_lengths[0])))
    examples = QAExamples(tokens, windows)
    batch = DataCollatorForQuestionAnswering(tokenizer.pad_token_id, windows.format)(
        [examples[index] for index in range(len(examples))]
    )
    assert batch["attention_mask"].sum() == windows.lengths.sum()

    # Whatever a model predicts for the windows is a part of the context, or no answer.
    inside = [np.flatnonzero(row) for row in batch["context_mask"].numpy()]
    ends = np.array([[row[0], row[-1]] if len(row) else [0, 0] for row in inside])
    scores = np.array([[1.0 if len(row) else -np.inf] for row in inside])
    outputs = WindowSpans(scores, ends[:, :1], ends[:, 1:], np.zeros(len(inside)))
    predictions = decode(outputs, windows, tokens, rows["context"][:])
    assert predictions.texts[0] in context
    assert bool(predictions.texts[0]) == bool(tokens.context_lengths[0])
    scored = score_answers(predictions.texts, [answers["text"]])
    assert 0 <= scored.exact[0] <= scored.f1[0] <= 1
    if answer:
        bleu(predictions.texts, [[answer]])
        rouge(predictions.texts, [[answer]])


@MANY_EXAMPLES
@given(texts=st.lists(TEXT, min_size=1, max_size=5), length=st.integers(8, 40), stride=st.sampled_from([None, 0, 2]))
def test_texts_to_classify(tokenizer, texts, length, stride):
    tokenized = tokenize_texts(Dataset.from_dict({"text": texts}), "text", None, tokenizer)
    examples = ClassificationExamples(
        tokenized, np.zeros(len(texts), int), length, stride, format_of(tokenizer, pair=False)
    )
    for number in range(len(texts)):
        windows = examples[number]["windows"]
        assert windows
        assert all(2 <= len(ids) <= length for ids, _ in windows)
        if stride is not None:
            assert sum(len(ids) - 2 for ids, _ in windows) >= tokenized.lengths[number]
    batch = DataCollatorForClassification(tokenizer.pad_token_id, examples.format)(
        [examples[index] for index in range(len(texts))]
    )
    assert batch["window_example"].unique().tolist() == list(range(len(texts)))


@MANY_EXAMPLES
@given(documents=st.lists(st.lists(TEXT, min_size=1, max_size=4).map("\n".join), min_size=2, max_size=4),
       length=st.integers(8, 40), objective=st.sampled_from(["nsp", "sop", "none"]))  # fmt: skip
def test_documents(tokenizer, documents, length, objective):
    columns = tokenize_documents({"text": documents}, tokenizer.backend_tokenizer)
    corpus = TokenizedCorpus(Dataset.from_dict(columns))
    config = PretrainConfig(max_length=length, objective=objective)
    kept = usable_documents(corpus, config)
    min_tokens = 1 if objective == "none" else 2
    assert kept.tolist() == [number for number, size in enumerate(corpus.lengths) if size >= min_tokens]
    if len(kept) < 2:
        return
    examples = PretrainingExamples(corpus.subset(kept), config, format_of(tokenizer, pair=objective != "none"), 0)
    collator = DataCollatorForPreTraining(tokenizer)
    chosen = [examples[(epoch, number, True)] for epoch in (0, 1) for number in range(min(len(examples), 6))]
    batch = collator(chosen)
    assert batch["input_ids"].shape[1] <= length
    # Every sequence has a masked token, except for those of unknown words alone.
    maskable = [bool(set(example["input_ids"].tolist()) - set(tokenizer.all_special_ids)) for example in chosen]
    assert (batch["labels"] != -100).any(1).tolist() == maskable


@MANY_EXAMPLES
@given(
    question=st.one_of(TEXT, st.none(), st.integers()), context=st.one_of(TEXT, st.none(), st.lists(TEXT, max_size=2))
)
def test_inputs_of_predict(question, context):
    try:
        rows = to_rows(None, question, context)
    except KitError:
        return
    assert rows["question"][:] == [question]


def test_a_lone_surrogate_is_an_error_of_the_kit():
    with pytest.raises(KitError, match="lone surrogate"):
        to_rows(None, "who \ud83d ?", "the mill")
