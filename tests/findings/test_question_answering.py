"""Each fault planted in a training of seconds; the diagnosis reports its code and no other."""

import pytest
from toys import codes, question_answering, questions

from bert_finetune_kit.question_answering import evaluation


@pytest.fixture
def run(tmp_path, tokenizer, trained):
    """Fine-tune a pretrained encoder on toy questions; keywords go to `toys.question_answering`."""

    def run(train=None, validation=None, model=trained, **settings):
        train = questions(tokenizer, 320, 1) if train is None else train
        validation = questions(tokenizer, 120, 2) if validation is None else validation
        return question_answering(tmp_path / "run", tokenizer, model, train, validation, **settings).train()

    return run


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 7))
def test_a_healthy_run_has_no_finding(run, seed):
    assert codes(run(seed=seed)) == set()


@pytest.mark.slow
def test_never_abstains(run, tokenizer):
    """Unanswerable questions look like the others and are few: answering every question scores best."""
    train, validation = (questions(tokenizer, count, seed, 0.15, decoys=True) for count, seed in ((320, 1), (120, 2)))
    assert codes(run(train, validation, eval_strategy="no")) == {"NEVER_ABSTAINS"}


@pytest.mark.slow
def test_always_abstains(run, tokenizer):
    """Answers are arbitrary words, and most questions have none: always abstaining scores best."""
    train, validation = (
        questions(tokenizer, count, seed, 0.7, random_answers=True) for count, seed in ((320, 1), (200, 2))
    )
    report = run(train, validation, num_train_epochs=2, eval_strategy="no")
    assert codes(report) == {"ALWAYS_ABSTAINS", "BEST_IS_ABSTAINING"}


@pytest.mark.slow
def test_v2_data_as_v1(run, tokenizer):
    assert codes(run(questions(tokenizer, 320, 1, unanswerable=0))) == {"V2_DATA_AS_V1"}


@pytest.mark.slow
def test_offsets_broken(run, tokenizer):
    report = run(questions(tokenizer, 320, 1, shifted=0.1))
    assert codes(report) == {"OFFSETS_BROKEN"}
    assert report.findings[0].severity == "warning"


@pytest.mark.slow
def test_overlap_metric_on_wrong_text(run, monkeypatch):
    """The overlap metrics get the answer within a sentence."""
    overlap_scores = evaluation.overlap_scores
    monkeypatch.setattr(
        evaluation, "overlap_scores",
        lambda predictions, references: overlap_scores([f"who says {text} now ?" for text in predictions], references),
    )  # fmt: skip
    assert codes(run()) == {"OVERLAP_METRIC_ON_WRONG_TEXT"}


@pytest.mark.slow
def test_spans_too_long(run, tokenizer):
    assert codes(run(questions(tokenizer, 320, 1, answer_words=4), eval_strategy="no")) == {"SPANS_TOO_LONG"}


@pytest.mark.slow
def test_train_validation_leak(run, tokenizer):
    train = questions(tokenizer, 320, 1)
    assert codes(run(train, train.select(range(120)))) == {"TRAIN_VALIDATION_LEAK"}


@pytest.mark.slow
def test_overfitting(run, tokenizer):
    """Answers are arbitrary words: those of a few training questions can be memorized, which helps no other."""
    train, validation = (questions(tokenizer, 60, seed, unanswerable=0, random_answers=True) for seed in (1, 2))
    reported = codes(run(train, validation, num_train_epochs=40, metric_for_best_model="eval_loss"))
    assert "OVERFITTING" in reported
    assert reported <= {"OVERFITTING", "NOTHING_LEARNT", "TOO_FEW_EXAMPLES_FOR_CLAIM"}  # no better than random spans
