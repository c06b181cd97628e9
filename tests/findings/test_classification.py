"""Each fault planted in a training of seconds; the diagnosis reports its code and no other."""

import pytest
import torch
from datasets import Dataset
from toys import NEGATIVE, POSITIVE, classification, codes, reviews, words_of
from transformers import BertForSequenceClassification, BertTokenizer, TrainerCallback

from bert_finetune_kit import ClassificationConfig, LabelledSource, diagnose


@pytest.fixture
def run(tmp_path, tokenizer, trained):
    """Fine-tune a pretrained encoder on toy reviews; keywords go to `toys.classification`."""

    def run(train=None, validation=None, model=trained, vocabulary=tokenizer, callback=None, **settings):
        train = reviews(tokenizer, 240, 1) if train is None else train
        validation = reviews(tokenizer, 100, 2) if validation is None else validation
        recipe = classification(tmp_path / "run", vocabulary, model, train, validation, **settings)
        recipe.callbacks += [] if callback is None else [callback]
        return recipe.train()

    return run


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 9))])
def test_a_healthy_run_has_no_finding(run, seed):
    assert codes(run(seed=seed)) == set()


@pytest.mark.slow
def test_one_class_and_a_learning_rate_too_high(run):
    assert codes(run(learning_rate=1.0)) == {"LEARNING_RATE_TOO_HIGH", "ONE_CLASS_PREDICTED"}


@pytest.mark.slow
def test_learning_rate_too_low(run):
    """A newly initialized head hardly changes: its predictions, and so the other findings, are chance."""
    reported = codes(run(learning_rate=1e-7))
    assert "LEARNING_RATE_TOO_LOW" in reported
    assert reported <= {
        "LEARNING_RATE_TOO_LOW", "ONE_CLASS_PREDICTED", "BELOW_MAJORITY", "TOO_FEW_EXAMPLES_FOR_CLAIM", "NOTHING_LEARNT"
    }  # fmt: skip


def test_labels_permuted(run, tokenizer):
    names = {"good": "bad", "bad": "good"}
    swapped = reviews(tokenizer, 100, 2).map(lambda row: {"label": names[row["label"]]})
    assert codes(run(validation=swapped)) == {"LABELS_PERMUTED"}


@pytest.mark.slow
def test_below_majority(run, tokenizer):
    """Nine of ten validation reviews are bad whatever their words; most training reviews are bad, too."""
    validation = reviews(tokenizer, 100, 2).map(
        lambda _, number: {"label": "good" if number < 10 else "bad"}, with_indices=True
    )
    report = run(reviews(tokenizer, 240, 1, share=0.4), validation, eval_strategy="no")
    assert codes(report) == {"BELOW_MAJORITY", "NOT_CALIBRATED"}  # confident, and wrong


@pytest.mark.slow
def test_imbalanced(run, tokenizer):
    train, validation = reviews(tokenizer, 400, 1, share=0.06), reviews(tokenizer, 100, 2, share=0.4)
    reported = codes(run(train, validation))
    assert "IMBALANCED" in reported
    assert reported <= {"IMBALANCED", "OVERFITTING"}  # on the label shares of the training split


@pytest.mark.slow
def test_imbalanced_with_class_weights_is_a_note(run, tokenizer):
    train, validation = reviews(tokenizer, 400, 1, share=0.06), reviews(tokenizer, 100, 2, share=0.4)
    report = run(train, validation, config=ClassificationConfig(max_length=32, class_weights="balanced"))
    assert [finding.severity for finding in report.findings if finding.code == "IMBALANCED"] == ["note"]


@pytest.mark.slow
def test_too_few_examples_for_a_claim(run, tokenizer):
    assert codes(run(validation=reviews(tokenizer, 5, 2, share=0.4))) == {"TOO_FEW_EXAMPLES_FOR_CLAIM"}


@pytest.mark.slow
def test_not_calibrated(run):
    """Label smoothing of 0.8 keeps all probabilities near one half, while the predictions are correct."""
    report = run(label_smoothing_factor=0.8)
    assert report.result["accuracy"] > 0.95
    assert codes(report) == {"NOT_CALIBRATED"}


@pytest.mark.slow
def test_train_validation_leak(run, tokenizer):
    train = reviews(tokenizer, 240, 1)
    assert codes(run(train, train.select(range(60)))) == {"TRAIN_VALIDATION_LEAK"}


@pytest.mark.slow
def test_unshuffled_rows_that_are_limited(run, tokenizer):
    rows = Dataset.from_list(sorted(reviews(tokenizer, 240, 1), key=lambda row: row["label"]))
    report = run(
        LabelledSource(rows, validation=reviews(tokenizer, 100, 2), max_train_examples=180), num_train_epochs=9
    )
    assert codes(report) == {"UNSHUFFLED"}
    assert report.findings[0].numbers["runs"] == 2


@pytest.mark.slow
def test_truncated_much(run, tokenizer):
    """The word that determines the label is moved to the front, so that truncation does not change the score."""

    def to_front(row):
        words = sorted(row["text"].split(), key=lambda word: word not in POSITIVE + NEGATIVE)
        return {"text": " ".join(words)}

    train, validation = reviews(tokenizer, 240, 1).map(to_front), reviews(tokenizer, 100, 2).map(to_front)
    assert codes(run(train, validation, config=ClassificationConfig(max_length=6))) == {"TRUNCATED_MUCH"}


@pytest.mark.slow
def test_unknown_words(run, tokenizer):
    """An uncased vocabulary, a cased tokenizer, and texts that start with a capital letter."""
    cased = BertTokenizer(vocab=tokenizer.get_vocab(), do_lower_case=False)

    def capital(row):
        return {"text": f"Tomorrow {row['text']}"}

    report = run(reviews(tokenizer, 240, 1).map(capital), reviews(tokenizer, 100, 2).map(capital), vocabulary=cased)
    assert codes(report) == {"UNKNOWN_WORDS"}


@pytest.mark.slow
def test_weights_not_loaded(run, config, tmp_path):
    """A checkpoint that was saved before it was trained: all of its weights are loaded, and untrained."""
    BertForSequenceClassification(config).bert.save_pretrained(tmp_path / "untrained")
    report = run(model=str(tmp_path / "untrained"))
    assert codes(report) == {"WEIGHTS_NOT_LOADED"}
    assert report.findings[0].severity == "error"


@pytest.mark.slow
def test_weights_not_loaded_is_a_note_for_a_config(run, config):
    report = run(model=config)
    assert [(finding.code, finding.severity) for finding in report.findings] == [("WEIGHTS_NOT_LOADED", "note")]


class NonFiniteWeights(TrainerCallback):
    """Sets the embedding of a word to NaN after the last epoch."""

    def __init__(self, token):
        self.token = token

    def on_epoch_end(self, args, state, control, model=None, **_):
        if state.epoch >= args.num_train_epochs:
            with torch.no_grad():
                model.bert.embeddings.word_embeddings.weight[self.token] = torch.nan


@pytest.mark.slow
def test_loss_not_finite(run, tokenizer):
    report = run(callback=NonFiniteWeights(tokenizer.convert_tokens_to_ids(words_of(tokenizer)[0])))
    assert codes(report) == {"LOSS_NOT_FINITE"}
    assert 0 < report.findings[0].numbers["non_finite_examples"] < 100


class ScaleHead(TrainerCallback):
    """Multiplies the weights of the head during one step."""

    def on_step_begin(self, args, state, control, model=None, **_):
        self.scale(state, model, -1e4)  # correct predictions become wrong

    def on_pre_optimizer_step(self, args, state, control, model=None, **_):
        self.scale(state, model, -1e-4)

    @staticmethod
    def scale(state, model, factor):
        if state.global_step == 27:
            with torch.no_grad():
                model.classifier.weight *= factor


@pytest.mark.slow
def test_gradients_explode(run):
    report = run(callback=ScaleHead(), logging_steps=1)
    assert codes(report) == {"GRADIENTS_EXPLODE"}


@pytest.mark.slow
def test_layers_unchanged(tmp_path, tokenizer, trained):
    """The learning rate of the first layer is 0."""
    train, validation = reviews(tokenizer, 240, 1), reviews(tokenizer, 100, 2)
    recipe = classification(tmp_path / "run", tokenizer, trained, train, validation)
    recipe.lr_multiplier = lambda model: lambda name: 0.0 if "layer.0." in name else 1.0
    report = recipe.train()
    (finding,) = report.findings
    assert (finding.code, finding.numbers["unchanged"]) == ("LAYERS_UNCHANGED", ["encoder.layer.0"])
    for module in report.change["modules"]:
        module["trainable"] = False  # frozen on purpose
    assert diagnose(report) == []
