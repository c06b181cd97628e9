"""Values at the limits of what a score can be, and names that mean the same."""

import numpy as np
import pytest
from synthetic_reports import empty_report

from bert_finetune_kit import ConfigError
from bert_finetune_kit.reporting.diagnosis import given, view
from bert_finetune_kit.reporting.diagnosis.given import given_report
from bert_finetune_kit.reporting.known_scores import known_score


def fault(recipe, name, value, **context):
    with pytest.raises(ConfigError) as caught:
        given_report(recipe, {name: value} if not context else {"loss": 1.0}, context)
    return str(caught.value)


@pytest.mark.parametrize(
    ("recipe", "name", "possible", "impossible", "message"),
    [
        ("classification", "accuracy", (0, 0.0, 1, 1.0), 1.01, "give a share from 0 to 1, not percent"),
        ("classification", "accuracy", (0.5,), -0.01, "give a share from 0 to 1"),
        ("classification", "matthews", (-1, 0, 1), 1.01, "give a correlation from -1 to 1, not percent"),
        ("classification", "spearman", (-1, 0, 1), -1.01, "give a correlation from -1 to 1, not percent"),
        ("question_answering", "f1", (0, 1.5, 100), 100.01, "give a percentage from 0 to 100"),
        ("question_answering", "NoAns_exact", (0, 1.5, 100), -0.01, "give a percentage from 0 to 100"),
        ("question_answering", "best_f1", (0, 100), 101, "give a percentage from 0 to 100"),
        ("pretraining", "perplexity", (1, 1.5), 0.99, "a perplexity is at least 1"),
        ("pretraining", "mlm_loss", (0, 99), -0.01, "it cannot be below 0"),
        ("question_answering", "total", (0, 99), None, "give a number"),
        ("question_answering", "threshold", (-3.0, 3.0), "3", "give a number"),
        ("classification", "mae", (0, 9), -1, "it cannot be below 0"),
    ],
)
def test_scores_at_their_limits(recipe, name, possible, impossible, message):
    for value in possible:
        assert given_report(recipe, {name: value}, {}).result[name] == value
    assert fault(recipe, name, impossible).endswith(f"{name} is {impossible!r}: {message}")


@pytest.mark.parametrize(
    ("name", "possible", "impossible", "message"),
    [
        ("majority", (0, 0.5, 1), 1.01, "give a share from 0 to 1, not percent"),
        ("majority", (0, 0.5, 1), -0.01, "give a share from 0 to 1"),
        ("unigram_perplexity", (1, 2.0), 0.99, "a perplexity is at least 1"),
        ("examples", (1, 10**15), 0, "give a whole number of examples, from 1 to 1,000,000,000,000,000"),
        ("examples", (5.0,), 10.5, "give a whole number of examples, from 1 to 1,000,000,000,000,000"),
        ("examples", (5,), -1, "give a whole number of examples, from 1 to 1,000,000,000,000,000"),
        ("examples", (5,), 10**30, "give a whole number of examples, from 1 to 1,000,000,000,000,000"),
        ("pairs", (0, 5), -1, "it cannot be below 0"),
        ("vocab_size", (0, 5), -1, "it cannot be below 0"),
        ("examples", (np.int64(5), np.float64(5)), "many", "give a number"),
    ],
)
def test_facts_at_their_limits(name, possible, impossible, message):
    for value in possible:
        assert given_report("pretraining", {"loss": 1.0}, {name: value}).evidence == {name: value}
    assert fault("pretraining", None, None, **{name: impossible}).endswith(f"{name} is {impossible!r}: {message}")


def test_a_number_that_is_no_float_is_refused():
    for name in ("examples", "vocab_size"):
        with pytest.raises(ConfigError, match=f"{name} has more than 300 digits"):
            given_report("pretraining", {"loss": 1.0}, {name: 10**400})
    assert given_report("pretraining", {"perplexity": float("inf")}, {}).result == {"perplexity": float("inf")}


def test_a_training_loss_and_names_are_checked():
    for loss in ("0.3", True):
        with pytest.raises(ConfigError, match=f"train_loss is {loss!r}: give a number"):
            given_report("classification", {"accuracy": 0.5, "train_loss": loss}, {})
    for name in (1, None, ("accuracy",)):
        with pytest.raises(ConfigError) as caught:
            given_report("classification", {name: 0.5, "accuracy": 0.5}, {})
        assert str(caught.value).endswith(f"the score name {name!r} is no text: give the scores by name")


def test_an_undefined_score_is_possible():
    for recipe, name in (("question_answering", "f1"), ("classification", "accuracy"), ("classification", "pearson")):
        assert np.isnan(given_report(recipe, {name: float("nan")}, {}).result[name])


def test_a_fact_without_a_declaration_cannot_be_below_0():
    assert given._value_fault("pairs", -1.0, None) == "it cannot be below 0"
    assert given._value_fault("pairs", 0.0, None) is None
    assert given._value_fault("bleu", -1.0, known_score("question_answering", "bleu")) is None
    assert given._value_fault("loss", -1.0, known_score("classification", "loss")) == "it cannot be below 0"


@pytest.mark.parametrize(
    ("scores", "refused"),
    [
        ({"f1": 1.0}, "f1 is 1.0"), ({"f1": 1.01}, None), ({"f1": 0.0}, None), ({"f1": 0.5, "best_f1": 2.0}, None),
        ({"exact": 0.5, "f1": 0.6}, "f1 is 0.6"), ({"exact": 0.9, "f1": 0.9}, "exact is 0.9"),
        ({"exact": 0.0, "f1": 0.6}, None),
        ({"exact": 0.5, "f1": 0.6, "total": 200}, None),  # one of 200 questions
        ({"exact": 0.5, "f1": 0.6, "total": 100}, "f1 is 0.6"),  # half a question
        ({"exact": 0.5125, "f1": 0.6, "total": 100}, "f1 is 0.6"),
        ({"exact": 0.84, "f1": 0.9, "total": 119}, None),  # 0.9996 of a question: rounded
        ({"exact": 0.84, "f1": 0.9, "total": 118}, "f1 is 0.9"),
        ({"exact": 0.5, "f1": 0.6, "total": 0}, "f1 is 0.6"),
        ({"f1": 0.6, "total": 200}, "f1 is 0.6"),
    ],
)  # fmt: skip
def test_percentages_that_look_like_shares(scores, refused):
    if refused is None:
        assert given_report("question_answering", scores, {}).result == scores
    else:
        with pytest.raises(ConfigError, match=f"{refused}: these look like shares of 1"):
            given_report("question_answering", scores, {})


def test_the_first_name_of_a_score_wins():
    names = ("accuracy", "eval_accuracy", "test_accuracy", "predict_accuracy")
    row = {name: place / 10 for place, name in enumerate(names)}
    for place, name in enumerate(names):
        assert given_report("classification", row, {}).result == {"accuracy": place / 10}
        del row[name]
    row = {"matthews_correlation": 0.5, "eval_accuracy": 0.25, "own": 3}
    assert given_report("classification", row, {}).result == {"matthews": 0.5, "accuracy": 0.25, "own": 3}


def test_examples_that_a_table_counts():
    row = {"accuracy": 0.5, "eval_samples": 40, "test_examples": 50}
    assert given_report("classification", row, {}).evidence == {"examples": 40}
    assert given_report("classification", {"accuracy": 0.5, "samples": 40}, {}).evidence == {"examples": 40}
    assert given_report("classification", [row, {"accuracy": 0.5}], {}).evidence == {}
    report = given_report("question_answering", {"f1": 50.0, "total": 7}, {"examples": 9})
    assert report.result["total"] == 7
    assert "total" not in given_report("classification", {"accuracy": 0.5}, {"examples": 9}).result


def test_names_that_are_known_and_those_that_are_not():
    assert "unknown score 'Accuracy': did you mean 'accuracy'?" in fault("classification", "Accuracy", 0.5)
    assert "no known score was given; known are accuracy, f1" in fault("classification", "own", 0.5)
    rows = [{"accuracy": 0.5}, {"own": 0.5}]
    assert given_report("classification", rows, {}).result == {"own": 0.5}
    assert given_report("tagging", {"own": -5}, {}).result == {"own": -5}
    assert fault("classification", "train_loss", 0.5).startswith("diagnose_scores")


def settings_of_split(**statistics):
    return empty_report(data={"train": {"examples": 5}, "validation": statistics, "test": {"examples": 30}})


def test_the_smallest_validation_split_counts():
    assert view.validation_examples(settings_of_split(examples=40)) == 30
    assert view.validation_examples(settings_of_split(questions=25)) == 25
    assert view.validation_examples(settings_of_split(examples_per_epoch=0)) == 0
    assert view.validation_examples(empty_report(data={"train": {"examples": 5}})) is None
    assert view.validation_examples(empty_report(evidence={"examples": 8})) == 8


def test_twenty_examples_are_enough():
    assert [view.too_few(count) for count in (19, 20, 0, None)] == [True, False, True, False]
    assert view.too_few(None, 19)
    assert view.too_few(50, 3)
    assert not view.too_few(20, None, 50)
    assert not view.too_few()


def test_a_figure_of_the_evidence_comes_before_a_score():
    report = empty_report(evidence={"perplexity": 0.0}, result={"perplexity": 5.0, "loss": 1.0})
    assert (view.measured(report, "perplexity"), view.measured(report, "loss"), view.measured(report, "x")) == (
        0.0, 1.0, None
    )  # fmt: skip


def test_the_validation_loss_of_the_last_phase():
    rows = [{"loss": 3.0, "mlm_loss": 2.0, "phase": 1}, {"loss": 1.5, "mlm_loss": 1.0, "phase": 2},
            {"loss": 1.2, "mlm_loss": 0.5, "phase": 2}]  # fmt: skip
    key, values = view.validation_loss(empty_report(scores=rows))
    assert (key, values.tolist()) == ("mlm_loss", [1.0, 0.5])
    key, values = view.validation_loss(empty_report(scores=[{"loss": 3.0}, {"loss": float("nan")}, {"loss": 2.0}]))
    assert (key, values.tolist()) == ("loss", [3.0, 2.0])


def test_scores_alone_are_one_split():
    report = empty_report(result={"accuracy": 0.5}, evidence={"majority": 0.0, "examples": 9.0})
    assert dict(view.scored_splits(report)) == {
        "validation": {"scores": {"accuracy": 0.5}, "baseline": {"accuracy": 0.0}, "examples": 9}
    }
    assert dict(view.scored_splits(empty_report(result={"f1": 0.5}))) == {"validation": {"scores": {"f1": 0.5}}}
    assert dict(view.scored_splits(empty_report())) == {}
