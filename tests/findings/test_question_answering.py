"""Each fault planted in a real training of seconds, and exactly its code found."""

import pytest
from toys import answer, codes, questions

from bert_finetune_kit.question_answering import summary


@pytest.fixture
def run(tmp_path, tokenizer, trained):
    """Fine-tune a trained encoder on the toy; keywords of `answer`."""

    def run(train=None, validation=None, model=trained, **settings):
        train = questions(tokenizer, 320, 1) if train is None else train
        validation = questions(tokenizer, 120, 2) if validation is None else validation
        return answer(tmp_path / "run", tokenizer, model, train, validation, **settings).train()

    return run


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 7))])
def test_a_healthy_run_has_no_finding(run, seed):
    assert codes(run(seed=seed)) == set()


@pytest.mark.slow
def test_never_abstains(run, tokenizer):
    """Questions without an answer look like the others, and are few: to answer all is best."""
    train, validation = (questions(tokenizer, count, seed, 0.15, decoys=True) for count, seed in ((320, 1), (120, 2)))
    assert codes(run(train, validation, eval_strategy="no")) == {"NEVER_ABSTAINS"}


@pytest.mark.slow
def test_always_abstains(run, tokenizer):
    """The answer is any word, and most questions have none: whatever is answered is wrong. To abstain is best, too."""
    train, validation = (questions(tokenizer, count, seed, 0.7, guess=True) for count, seed in ((320, 1), (200, 2)))
    report = run(train, validation, num_train_epochs=2, eval_strategy="no")
    assert codes(report) == {"ALWAYS_ABSTAINS", "BEST_IS_ABSTAINING"}


@pytest.mark.slow
def test_v2_data_as_v1(run, tokenizer):
    assert codes(run(questions(tokenizer, 320, 1, without=0))) == {"V2_DATA_AS_V1"}


@pytest.mark.slow
def test_offsets_broken(run, tokenizer):
    report = run(questions(tokenizer, 320, 1, shifted=0.1))
    assert codes(report) == {"OFFSETS_BROKEN"}
    assert report.findings[0].severity == "warning"


@pytest.mark.slow
def test_overlap_metric_on_wrong_text(run, monkeypatch):
    """The metrics are given the question and its answer."""
    true = summary.overlap_scores
    monkeypatch.setattr(
        summary, "overlap_scores", lambda said, golds: true([f"who says {one} now ?" for one in said], golds)
    )
    assert codes(run()) == {"OVERLAP_METRIC_ON_WRONG_TEXT"}


@pytest.mark.slow
def test_spans_too_long(run, tokenizer):
    assert codes(run(questions(tokenizer, 320, 1, answer_words=4), eval_strategy="no")) == {"SPANS_TOO_LONG"}


@pytest.mark.slow
def test_contexts_in_both_splits(run, tokenizer):
    train = questions(tokenizer, 320, 1)
    assert codes(run(train, train.select(range(120)))) == {"TRAIN_VALIDATION_LEAK"}


@pytest.mark.slow
def test_overfitting(run, tokenizer):
    """The answer is any word: a few questions can be learnt by heart, and nothing of the others."""
    train, validation = (questions(tokenizer, 60, seed, without=0, guess=True) for seed in (1, 2))
    assert codes(run(train, validation, num_train_epochs=40, metric_for_best_model="eval_loss")) == {"OVERFITTING"}
