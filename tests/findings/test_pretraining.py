"""Each fault planted in a training of seconds; the diagnosis reports its code and no other."""

import numpy as np
import pytest
from toys import codes, documents, pretraining
from transformers import BertModel, BertTokenizer

from bert_finetune_kit import PretrainConfig
from bert_finetune_kit.pretraining.examples import PretrainingExamples

MLM_ONLY = PretrainConfig(max_length=32, objective="none")


@pytest.fixture
def run(tmp_path, tokenizer, config):
    """Pretrain on toy documents; keywords go to `toys.pretraining`."""

    def run(train=None, validation=None, model=config, vocabulary=tokenizer, **settings):
        train = documents(tokenizer, 240, 1) if train is None else train
        validation = documents(tokenizer, 200, 2) if validation is None else validation
        return pretraining(tmp_path / "run", vocabulary, model, train, validation, **settings).train()

    return run


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 7))
def test_a_healthy_run_has_no_finding(run, seed):
    assert codes(run(seed=seed)) == set()


@pytest.mark.slow
def test_perplexity_above_uniform(run, tokenizer, config, tmp_path):
    """A trained model with a permuted vocabulary: confident, and wrong."""
    run(config=MLM_ONLY)
    names = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    permuted = names[:5] + np.random.default_rng(0).permutation(names[5:]).tolist()
    vocabulary = BertTokenizer(vocab={name: number for number, name in enumerate(permuted)})
    report = pretraining(
        tmp_path / "permuted", vocabulary, str(tmp_path / "run"), documents(tokenizer, 240, 1),
        documents(tokenizer, 200, 2), config=MLM_ONLY, max_steps=2,
    ).train()  # fmt: skip
    assert codes(report) == {"PERPLEXITY_ABOVE_UNIFORM"}


@pytest.mark.slow
def test_stuck_at_unigram(run, tokenizer):
    """Words in random order: contexts have no information on them."""
    train, validation = (documents(tokenizer, count, count, sentences=12, kinds="single") for count in (1500, 50))
    report = run(train, validation, config=MLM_ONLY, max_steps=150)
    assert codes(report, notes=False) == {"STUCK_AT_UNIGRAM"}


@pytest.mark.slow
def test_nsp_at_chance(run, tokenizer):
    """The kind of a sentence, which determines its words, is independent of the sentence before it."""
    train, validation = documents(tokenizer, 240, 1, kinds="random"), documents(tokenizer, 200, 2, kinds="random")
    assert codes(run(train, validation)) == {"NSP_AT_CHANCE"}


@pytest.mark.slow
def test_nsp_too_easy(run, tokenizer, monkeypatch):
    """Random segments consist of a word that occurs in no document."""
    segment = np.array([tokenizer.convert_tokens_to_ids("the")] * 4, np.int32)
    monkeypatch.setattr(PretrainingExamples, "_random_segment", lambda *_: segment)
    assert codes(run()) == {"NSP_TOO_EASY"}


@pytest.mark.slow
def test_few_documents(run, tokenizer):
    """Pairs of long documents are harder to classify, which this small model does not learn."""
    assert codes(run(documents(tokenizer, 8, 1, sentences=40))) == {"FEW_DOCUMENTS", "NSP_AT_CHANCE"}


@pytest.mark.slow
def test_heads_new(run, trained, tmp_path):
    BertModel.from_pretrained(trained).save_pretrained(tmp_path / "encoder")
    assert codes(run(model=str(tmp_path / "encoder"))) == {"HEADS_NEW"}


@pytest.mark.slow
def test_train_validation_leak(run, tokenizer):
    train = documents(tokenizer, 240, 1)
    assert codes(run(train, train.select(range(200)))) == {"TRAIN_VALIDATION_LEAK"}


@pytest.mark.slow
def test_still_improving(run):
    """A small constant learning rate: the run ends while its loss still decreases."""
    report = run(learning_rate=3e-4, lr_scheduler_type="constant", num_train_epochs=4, config=MLM_ONLY)
    assert codes(report) == {"STILL_IMPROVING", "STUCK_AT_UNIGRAM"}
