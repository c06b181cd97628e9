"""Each fault planted in a real training of seconds, and exactly its code found."""

import numpy as np
import pytest
from toys import codes, documents, pretrain
from transformers import BertModel, BertTokenizer

from bert_finetune_kit import PretrainConfig
from bert_finetune_kit.pretraining.features import PretrainingExamples

WORDS_ALONE = PretrainConfig(max_length=32, objective="none")


@pytest.fixture
def run(tmp_path, tokenizer, config):
    """Pretrain on the toy; keywords of `pretrain`."""

    def run(train=None, validation=None, model=config, vocabulary=tokenizer, **settings):
        train = documents(tokenizer, 240, 1) if train is None else train
        validation = documents(tokenizer, 200, 2) if validation is None else validation
        return pretrain(tmp_path / "run", vocabulary, model, train, validation, **settings).train()

    return run


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 7))])
def test_a_healthy_run_has_no_finding(run, seed):
    assert codes(run(seed=seed)) == set()


@pytest.mark.slow
def test_perplexity_above_uniform(run, tokenizer, config, tmp_path):
    """A trained model under another vocabulary: sure of the wrong words."""
    run(recipe=WORDS_ALONE)
    names = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    other = names[:5] + np.random.default_rng(0).permutation(names[5:]).tolist()
    vocabulary = BertTokenizer(vocab={name: number for number, name in enumerate(other)})
    report = pretrain(
        tmp_path / "again", vocabulary, str(tmp_path / "run"), documents(tokenizer, 240, 1),
        documents(tokenizer, 200, 2), recipe=WORDS_ALONE, max_steps=2,
    ).train()  # fmt: skip
    assert codes(report) == {"PERPLEXITY_ABOVE_UNIFORM"}


@pytest.mark.slow
def test_stuck_at_unigram(run, tokenizer):
    """Words in random order: there is nothing in a context to read."""
    train, validation = (documents(tokenizer, count, count, sentences=12, alike=True) for count in (1500, 50))
    report = run(train, validation, recipe=WORDS_ALONE, max_steps=150)
    assert codes(report, notes=False) == {"STUCK_AT_UNIGRAM"}


@pytest.mark.slow
def test_nsp_at_chance(run, tokenizer):
    """Sentences that could stand anywhere; which words they are of can be read within them."""
    train, validation = documents(tokenizer, 240, 1, mixed=True), documents(tokenizer, 200, 2, mixed=True)
    assert codes(run(train, validation)) == {"NSP_AT_CHANCE"}


@pytest.mark.slow
def test_nsp_too_easy(run, tokenizer, monkeypatch):
    """Random segments are of one word that no document has."""
    odd = np.array([tokenizer.convert_tokens_to_ids("the")] * 4, np.int32)
    monkeypatch.setattr(PretrainingExamples, "_random_segment", lambda *_: odd)
    assert codes(run()) == {"NSP_TOO_EASY"}


@pytest.mark.slow
def test_masks_repeat(run, monkeypatch):
    made = PretrainingExamples.__getitem__

    def once(self, key):
        return made(self, key) | {"draw": (self.seed, 0, key if isinstance(key, int) else key[1])}

    monkeypatch.setattr(PretrainingExamples, "__getitem__", once)
    assert codes(run()) == {"MASKS_REPEAT"}


@pytest.mark.slow
def test_few_documents(run, tokenizer):
    """Pairs of long documents are harder to tell, which this small model does not learn."""
    assert codes(run(documents(tokenizer, 8, 1, sentences=40))) == {"FEW_DOCUMENTS", "NSP_AT_CHANCE"}


@pytest.mark.slow
def test_heads_new(run, trained, tmp_path):
    BertModel.from_pretrained(trained).save_pretrained(tmp_path / "encoder")
    assert codes(run(model=str(tmp_path / "encoder"))) == {"HEADS_NEW"}


@pytest.mark.slow
def test_documents_in_both_splits(run, tokenizer):
    train = documents(tokenizer, 240, 1)
    assert codes(run(train, train.select(range(200)))) == {"TRAIN_VALIDATION_LEAK"}


@pytest.mark.slow
def test_an_order_that_is_not_shuffled(tmp_path, tokenizer, config):
    """A Trainer whose sampler goes through the data as they lie."""
    from bert_finetune_kit.training.trainer import KitTrainer

    recipe = pretrain(tmp_path / "run", tokenizer, config, documents(tokenizer, 240, 1), documents(tokenizer, 200, 2))
    build = recipe.build_trainer

    class InOrder(KitTrainer):
        def _get_train_sampler(self, train_dataset=None):
            sampler = super()._get_train_sampler(train_dataset)

            class Sequential(type(sampler)):
                def __iter__(self):
                    return ((self.epoch, index, True) for index in range(self.examples))

            sampler.__class__ = Sequential
            return sampler

    def build_in_order(*given):
        trainer = build(*given)
        trainer.__class__ = InOrder
        return trainer

    recipe.build_trainer = build_in_order
    assert codes(recipe.train()) == {"UNSHUFFLED"}


@pytest.mark.slow
def test_still_improving(run):
    """A small learning rate that does not fall: the run ends half-way down."""
    report = run(learning_rate=3e-4, lr_scheduler_type="constant", num_train_epochs=4, recipe=WORDS_ALONE)
    assert codes(report) == {"STILL_IMPROVING", "STUCK_AT_UNIGRAM"}
