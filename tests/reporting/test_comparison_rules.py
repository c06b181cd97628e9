"""What a score is compared with, and how the findings state it."""

import math

import pytest
from synthetic_reports import empty_report, log_rows

from bert_finetune_kit.reporting.diagnosis import learning
from bert_finetune_kit.reporting.diagnosis.baselines import Comparison, comparisons
from bert_finetune_kit.reporting.known_scores import known_score
from bert_finetune_kit.reporting.schema import Score

ACCURACY, PERPLEXITY = known_score("classification", "accuracy"), known_score("pretraining", "perplexity")


def test_a_score_at_its_baseline_is_on_neither_side():
    for score in (ACCURACY, PERPLEXITY):
        for interval in (None, (0.5, 0.5)):
            compared = Comparison(score, 0.5, "majority", 0.5, interval)
            sides = compared.is_better, compared.is_certainly_better, compared.is_certainly_worse
            assert sides == (False, False, False)
    assert not Comparison(ACCURACY, 0.6, "majority", 0.55, (0.55, 0.7)).is_certainly_better
    assert not Comparison(ACCURACY, 0.5, "majority", 0.55, (0.4, 0.55)).is_certainly_worse
    assert not Comparison(PERPLEXITY, 90.0, "unigram", 100.0, (80.0, 100.0)).is_certainly_better
    assert not Comparison(PERPLEXITY, 110.0, "unigram", 100.0, (100.0, 120.0)).is_certainly_worse


def test_a_comparison_in_words():
    compared = Comparison(PERPLEXITY, 90.0, "unigram", 100.0, (80.0, 105.0), examples=1_200)
    assert compared.text == (
        "Perplexity 90.0 (95% interval 80.0 to 105.0) on 1,200 examples of validation; unigram baseline: 100.0"
    )
    assert compared.numbers["examples"] == 1_200
    bare = Comparison(ACCURACY, 0.6, "majority", 0.55, split="test")
    assert bare.text == "Accuracy 60.0% on test; majority baseline: 55.0%"
    assert bare.numbers == {
        "split": "test", "score": "accuracy", "value": 0.6, "baseline": 0.55, "interval": None, "examples": None
    }  # fmt: skip


def classified(scores, baseline, examples=100, intervals=None, **task):
    details = {"scores": scores, "baseline": baseline, "examples": examples, "intervals": intervals or {}}
    details = {name: value for name, value in details.items() if value is not None}
    return list(comparisons(empty_report(details={"validation": details}, settings={"task": task})))


def test_an_accuracy_has_wilsons_interval():
    """Of 60 of 100 (its closed form)."""
    (compared,) = classified({"accuracy": 0.6}, {"accuracy": 0.5})
    assert compared.interval == pytest.approx((0.5020, 0.6906), abs=1e-4)
    assert (compared.baseline_name, compared.examples, compared.value) == ("majority", 100, 0.6)
    (compared,) = classified({"accuracy": 0.6}, {"accuracy": 0.5}, None)
    assert compared.interval is None
    (compared,) = classified({"accuracy": 0.6}, {"accuracy": 0.5}, intervals={"accuracy": (0.1, 0.2)})
    assert compared.interval == (0.1, 0.2)


def test_a_correlation_has_fishers_interval_from_four_pairs_on():
    (compared,) = classified({"spearman": 0.5}, {}, 4, best_metric="spearman", intervals={"spearman": (0.0, 1.0)})
    assert (compared.baseline_name, compared.baseline) == ("mean", 0.0)
    assert classified({"spearman": 0.5}, {}, 3, best_metric="spearman") == []
    (compared,) = classified({"spearman": 0.5}, {}, 4, best_metric="spearman")
    centre = math.atanh(0.5)
    assert compared.interval == pytest.approx((math.tanh(centre - 1.959964), math.tanh(centre + 1.959964)))


def test_what_cannot_be_compared():
    assert classified({"accuracy": 0.6}, {}) == []
    assert classified({"f1": 0.6}, {"f1": 0.5}, 19, best_metric="f1") == []
    assert len(classified({"f1": 0.6}, {"f1": 0.5}, 20, best_metric="f1")) == 1
    assert len(classified({"f1": 0.6}, {"f1": 0.5}, None, best_metric="f1")) == 1
    assert classified({"own": 0.6}, {"own": 0.5}, best_metric="own") == []  # its direction is not known
    assert classified({"recall_macro": 0.6}, {}, best_metric="recall_macro") == []
    assert classified({"recall": 0.9}, {"recall": 1.0}, best_metric="recall") == []
    assert len(classified({"recall": 0.9}, {"recall": 0.99}, best_metric="recall")) == 1
    assert len(classified({"f1": 0.9}, {"f1": 1.0}, best_metric="f1")) == 1


def test_the_baseline_of_a_regression_is_the_mean():
    (compared,) = classified({"mse": 0.5}, {"mse": 0.9}, best_metric="mse", kind="regression")
    assert compared.baseline_name == "mean"
    (compared,) = classified({"mse": 0.5}, {"mse": 0.9}, best_metric="mse")
    assert compared.baseline_name == "majority"


def test_another_score_needs_an_interval_that_is_certainly_better():
    scores, baseline = {"accuracy": 0.5, "matthews": 0.3}, {"accuracy": 0.5}
    (compared,) = classified(scores, baseline, 100)
    assert compared.further.startswith("Matthews 0.300 (95% interval 0.110 to 0.469) on 100 examples")
    assert classified(scores | {"matthews": 0.1}, baseline, 100)[0].further == ""
    assert classified(scores, baseline, None)[0].further == ""
    assert classified({"accuracy": 0.5}, baseline, 100)[0].further == ""


def pretrained(perplexity=90.0, baselines=None, intervals=None, examples=100, evidence=None):
    given = empty_report(
        "pretraining", result={"perplexity": perplexity}, baselines=baselines or {}, intervals=intervals or {},
        evidence=evidence or {}, data={"validation": {"examples_per_epoch": examples}} if examples else {},
    )  # fmt: skip
    return list(comparisons(given))


def test_what_a_perplexity_is_compared_with():
    (compared,) = pretrained(evidence={"vocab_size": 1_000})
    assert (compared.baseline_name, compared.baseline) == ("uniform", 1_000)
    (compared,) = pretrained(evidence={"vocab_size": 1_000, "unigram_perplexity": 200.0})
    assert (compared.baseline_name, compared.baseline) == ("unigram", 200.0)
    (compared,) = pretrained(
        evidence={"vocab_size": 1_000, "unigram_perplexity": 200.0}, baselines={"unigram": {"perplexity": 300.0}}
    )
    assert (compared.baseline_name, compared.baseline, compared.examples) == ("unigram", 300.0, 100)
    assert compared.interval == pytest.approx((90 / 1.1502738, 90 * 1.1502738))  # exp of 1.4 nats, of 100 sequences
    assert compared.is_assumed
    assert pretrained() == pretrained(None, evidence={"vocab_size": 1_000}) == []
    assert pretrained(evidence={"vocab_size": 1_000}, examples=19) == []
    assert len(pretrained(evidence={"vocab_size": 1_000}, examples=20)) == 1
    (compared,) = pretrained(evidence={"vocab_size": 1_000}, examples=19, intervals={"perplexity": (80.0, 99.0)})
    assert compared.interval == (80.0, 99.0)


QUESTIONS = {"f1": 40.0, "total": 200, "NoAns_total": 100, "NoAns_f1": 30.0}


def answered(scores, details=None, intervals=None, **evidence):
    given = empty_report(
        "question_answering", result=scores, details=details or {}, intervals=intervals or {}, evidence=evidence
    )
    return list(comparisons(given))


def test_answers_are_compared_with_always_abstaining():
    """Wilson's interval of 80 of 200 (its closed form)."""
    (compared,) = answered(QUESTIONS)
    assert (compared.baseline_name, compared.baseline, compared.examples) == ("always_abstain", 50.0, 200)
    assert compared.interval == pytest.approx((33.46, 46.92), abs=0.01)
    (compared,) = answered(QUESTIONS, {"no_answer_baseline": 45.0})
    assert compared.baseline == 45.0
    (compared,) = answered(QUESTIONS, intervals={"f1": (1.0, 2.0)})
    assert compared.interval == (1.0, 2.0)
    for changed in (
        {"NoAns_total": 0}, {"NoAns_total": 200}, {"NoAns_f1": 0}, {"total": 19, "NoAns_total": 9}, {"total": 0},
        {"f1": None}, {"NoAns_total": None},
    ):  # fmt: skip
        assert answered(QUESTIONS | changed) == []
    for changed in ({"NoAns_total": 1}, {"NoAns_total": 199}, {"NoAns_f1": 1.0}, {"total": 20, "NoAns_total": 9}):
        assert len(answered(QUESTIONS | changed)) == 1
    (compared,) = answered({name: value for name, value in QUESTIONS.items() if name != "NoAns_f1"})
    assert compared.value == 40.0


def test_the_best_spans_are_compared_with_random_ones():
    (compared,) = answered({}, answers_f1=9.0, random_span_f1=4.0, answers_scored=20)
    assert (compared.value, compared.baseline, compared.interval, compared.examples) == (9.0, 4.0, None, 20)
    (compared,) = answered({}, answers_f1=9.0, random_span_f1=4.0, answers_f1_interval=(8.0, 10.0))
    assert compared.interval == (8.0, 10.0)
    assert answered({}, answers_f1=9.0, random_span_f1=4.0, answers_scored=19) == []
    assert answered({}, answers_f1=9.0) == answered({}, random_span_f1=4.0) == []


def test_a_score_without_a_direction_is_not_compared():
    own = Score("own", "own", ".2f", "a score", None)
    given = empty_report(
        "tagging", result={"own": 0.5, "accuracy": 0.7}, glossary=[own, ACCURACY],
        baselines={"majority": {"own": 0.4, "accuracy": 0.6}, "random": {"accuracy": 0.5}},
        data={"validation": {"examples": 50}},
    )  # fmt: skip
    (compared,) = comparisons(given)
    assert (compared.score, compared.value, compared.baseline, compared.examples) == (ACCURACY, 0.7, 0.6, 50)
    given.result = {"accuracy": math.nan}
    assert list(comparisons(given)) == []


@pytest.mark.parametrize(
    ("losses", "few"),
    [
        ([0.8], True), ([0.8, 0.4], False), ([0.8, 0.41], True),
        ([0.8, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], False),
        # The mean of the last two of eight logs.
        ([0.8, 0.7, 0.7, 0.7, 0.6, 0.6, 0.35, 0.44], False),
        ([0.8, 0.7, 0.7, 0.36, 0.43], False), ([0.8, 0.7, 0.7, 0.7, 0.6, 0.6, 0.38, 0.43], True),
    ],
)  # fmt: skip
def test_a_loss_that_has_fallen_by_half_is_no_lack_of_steps(losses, few):
    assert learning.has_few_steps(empty_report(history=log_rows(losses, steps=99))) is few


def test_steps_that_are_needed():
    def few(recipe, steps):
        return learning.has_few_steps(empty_report(recipe, scores=[{"step": steps}]))

    assert [few("classification", 99), few("classification", 100), few("classification", 0)] == [True, False, False]
    assert [few("pretraining", 499), few("pretraining", 500)] == [True, False]
    assert few("question_answering", 1)
    assert not learning.has_few_steps(empty_report())


def verdict(value, low, high, examples=100, **parts):
    compared = Comparison(ACCURACY, value, "majority", 0.5, (low, high), examples=examples, **parts)
    return learning.verdict(empty_report(), compared)


def test_verdicts_at_the_limits():
    assert verdict(0.75, 0.51, 0.9) is None
    assert verdict(0.75, 0.25, 0.9) == "TOO_FEW_EXAMPLES_FOR_CLAIM"  # exactly four times as many
    assert verdict(0.75, 0.2499, 0.9) == "NOTHING_LEARNT"
    assert verdict(0.75, 0.25, 0.9, None) == "NOTHING_LEARNT"
    assert verdict(0.25, 0.2, 0.6) == "NOTHING_LEARNT"
    assert verdict(0.25, 0.2, 0.49) == "BELOW_MAJORITY"
    assert verdict(0.25, 0.2, 0.49, further="Matthews 0.3") == "SCORE_AT_BASELINE"
    assert verdict(0.25, 0.2, 0.49, 19) == "TOO_FEW_EXAMPLES_FOR_CLAIM"
    compared = Comparison(ACCURACY, 0.25, "majority", 0.5, (0.2, 0.49), examples=100)
    assert learning.verdict(empty_report("tagging"), compared) == "NOTHING_LEARNT"


def test_advice_on_steps():
    def found(steps, recipe="classification"):
        given = empty_report(
            recipe, scores=[{"step": steps}], result={"step": steps, "accuracy": 0.5, "perplexity": 100.0},
            details={"validation": {"examples": 100, "scores": {"accuracy": 0.5}, "baseline": {"accuracy": 0.5}}},
            baselines={"unigram": {"perplexity": 100.0}},
        )  # fmt: skip
        return learning.too_few_steps(given)

    assert found(99).advice[0].startswith("Train for at least 100 steps, 2 times as many:")
    assert found(50).advice[0].startswith("Train for at least 100 steps, 2 times as many:")
    assert found(49).advice[0].startswith("Train for at least 100 steps, 3 times as many:")
    assert found(99).evidence.endswith("The run had 99 steps.")
    assert found(2).evidence.endswith("The run had 2 steps.")
    assert found(1).evidence.endswith("The run had 1 step.")
    assert found(99).numbers["steps"] == 99
    assert found(99).severity == "error"  # at the baseline
    assert found(100) is None
