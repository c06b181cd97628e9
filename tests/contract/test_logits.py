"""What the recipes' batches give is what the stock model gives for each example alone, as the tokenizer frames it."""

import copy

import pytest
import torch
from datasets import Dataset
from encoders import stock_model, tiny_tokenizer
from promises import EACH, holds
from torch.nn.functional import cross_entropy

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationTask,
    DataCollatorForClassification,
    DataCollatorForQuestionAnswering,
    PretrainConfig,
    QAConfig,
)
from bert_finetune_kit.classification.data import build_examples
from bert_finetune_kit.classification.model import forward as classify
from bert_finetune_kit.data.question_rows import as_questions
from bert_finetune_kit.data.sample import sample_documents, sample_questions, sample_reviews
from bert_finetune_kit.data.sequences import sequence_formats
from bert_finetune_kit.data.vocabulary import load_tokenizer
from bert_finetune_kit.modeling.architecture import MODEL_INPUTS, takes_token_types
from bert_finetune_kit.modeling.padding import skip_padding
from bert_finetune_kit.modeling.selection import pair_logits, select_positions, token_logits
from bert_finetune_kit.modeling.unpadding import unpad_encoder
from bert_finetune_kit.pretraining.corpus import TokenizedCorpus, tokenize_documents
from bert_finetune_kit.pretraining.data import build_collator
from bert_finetune_kit.pretraining.examples import PretrainingExamples
from bert_finetune_kit.pretraining.model import forward as predict_words
from bert_finetune_kit.question_answering.examples import QAExamples
from bert_finetune_kit.question_answering.model import forward as score_windows
from bert_finetune_kit.question_answering.tokens import tokenize_questions
from bert_finetune_kit.question_answering.windows import build_windows

TEXTS = [*(row["text"] for row in sample_reviews("validation", count=4)), "a"]
PAIRS = ["It was a fine day.", "no", TEXTS[0], "the bread of the bakery", "a"]
ROWS = as_questions(
    [{name: row[name] for name in ("question", "context")} for row in sample_questions("train", count=2)]
)
DOCUMENTS = [" ".join(document) for document in sample_documents("validation")[:3]]
# Stock models warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore")


def variants(model, model_type):
    """Return the model as it is and, where it can skip padding, as one that does."""
    unpadded = copy.deepcopy(model)
    assert unpad_encoder(unpadded) == holds(model_type, "padding skipped")
    return [model, unpadded] if holds(model_type, "padding skipped") else [model]


def assert_close(model_type, actual, expected):
    """Check logits, unless padding is said to change them."""
    assert actual.shape == expected.shape
    if holds(model_type, "padding ignored"):
        torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def alone(stock, tokenizer, texts, **settings):
    """Return the outputs of a stock model for one text or pair, framed by its tokenizer."""
    encoded = tokenizer(*texts, return_tensors="pt", **settings)
    if not takes_token_types(stock.config):
        encoded.pop("token_type_ids", None)
    return stock(**encoded)


@torch.no_grad()
@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("model_type", EACH)
def test_texts_and_pairs(model_type, pairs):
    tokenizer, stock = load_tokenizer(tiny_tokenizer(model_type)), stock_model(model_type, "SequenceClassification")
    columns = {"text": TEXTS} | ({"second": PAIRS} if pairs else {})
    task, config = ClassificationTask("toy", text_pair="second" if pairs else None), ClassificationConfig(max_length=32)
    rows, takes_types = Dataset.from_dict(columns), takes_token_types(stock.config)
    examples = build_examples(rows, task, config, tokenizer, takes_types, None)
    collator = DataCollatorForClassification(tokenizer.pad_token_id, examples.format)
    batch = collator([examples[number] for number in range(len(rows))])
    texts = zip(*columns.values(), strict=True)
    expected = torch.cat([alone(stock, tokenizer, row, truncation=True, max_length=32).logits for row in texts])
    for model in variants(stock, model_type):
        assert_close(model_type, classify(model, batch, "single_label").logits, expected)


@torch.no_grad()
@pytest.mark.parametrize("model_type", EACH)
def test_questions(model_type):
    """Spans and losses of windows, found by trying all spans of each window alone."""
    tokenizer, stock = load_tokenizer(tiny_tokenizer(model_type)), stock_model(model_type, "QuestionAnswering")
    config = QAConfig(max_length=48, doc_stride=8, max_question_length=20, n_best=3, max_answer_length=6)
    tokens = tokenize_questions(ROWS, tokenizer)
    _, pair = sequence_formats(tokenizer, takes_token_types(stock.config))
    examples = QAExamples(tokens, build_windows(tokens, config, pair))
    chosen = [examples[number] for number in (0, 1, len(examples) - 1)]
    batch = DataCollatorForQuestionAnswering(tokenizer.pad_token_id, pair)(chosen)
    expected, null = [], []
    for number, example in enumerate(chosen):
        length = len(example["input_ids"])
        single = {name: batch[name][number : number + 1, :length] for name in MODEL_INPUTS if name in batch}
        start, end = (logits[0] for logits in (stock(**single)[name] for name in ("start_logits", "end_logits")))
        context = range(example["context_start"], length - len(pair.after))
        sums = [float(start[first] + end[last]) for first in context for last in context if 0 <= last - first < 6]
        expected.append(sorted(sums)[-1])
        null.append(float(start[0] + end[0]))
    for model in variants(stock, model_type):
        output = score_windows(model, batch, config.n_best, config.max_answer_length)
        assert_close(model_type, output.null_scores, torch.tensor(null))
        best = output.span_scores[:, 0]
        # The best span is among the best starts and ends, as in the scripts of BERT, in nearly all windows.
        assert (best <= torch.tensor(expected) + 1e-4).all() or not holds(model_type, "padding ignored")


@torch.no_grad()
@pytest.mark.parametrize("model_type", EACH)
def test_masked_words(model_type):
    """Losses of examples, against all logits of each example alone; and where there is a head for pairs, theirs."""
    tokenizer = load_tokenizer(tiny_tokenizer(model_type))
    pairs = holds(model_type, "pairs")
    stock = stock_model(model_type, "PreTraining" if pairs else "MaskedLM")
    config = PretrainConfig(max_length=40, objective="nsp" if pairs else "none", short_sequence_probability=0.9)
    corpus = TokenizedCorpus(Dataset.from_dict(tokenize_documents({"text": DOCUMENTS}, tokenizer.backend_tokenizer)))
    frames = sequence_formats(tokenizer, takes_token_types(stock.config))
    examples = PretrainingExamples(corpus, config, frames[pairs])
    batch = build_collator(tokenizer, config, None)([examples[number] for number in range(6)])
    words, second = [], []
    for number, length in enumerate(batch["attention_mask"].sum(1).tolist()):
        output = stock(**{name: batch[name][number : number + 1, :length] for name in MODEL_INPUTS if name in batch})
        words.append(cross_entropy(token_logits(output)[0], batch["labels"][number, :length], reduction="sum"))
        if pairs:
            second.append(cross_entropy(pair_logits(output), batch["next_sentence_label"][number : number + 1]))
    for model in variants(stock, model_type):
        selection = select_positions(model)
        assert (selection is not None) == holds(model_type, "chosen positions")
        for chosen in (selection, None):
            output = predict_words(model, batch, chosen)
            assert_close(model_type, output.mlm_loss, torch.stack(words))
            if pairs:
                assert_close(model_type, output.pair_loss, torch.stack(second))


@pytest.mark.parametrize("model_type", EACH)
def test_an_encoder_that_reads_padding_is_noted(model_type):
    model = stock_model(model_type, "MaskedLM")
    skipped, notes = skip_padding(model, wanted=True, on_xla=False)
    assert skipped == holds(model_type, "padding skipped")
    assert any("reads the padding" in note for note in notes) != holds(model_type, "padding ignored")
    assert any("Padding is computed" in note for note in notes) != skipped
