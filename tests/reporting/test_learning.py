"""Whether a score shows that anything was learnt: one finding of each score that does not, with advice."""

import pytest
from synthetic_reports import empty_report, log_rows, loss_curve

from bert_finetune_kit import diagnose, diagnose_scores
from bert_finetune_kit.reporting.diagnosis.baselines import Comparison, comparisons
from bert_finetune_kit.reporting.known_scores import known_score

ACCURACY, PERPLEXITY = known_score("classification", "accuracy"), known_score("pretraining", "perplexity")


def found(report):
    return {finding.code: finding for finding in diagnose(report)}


def classified(accuracy, interval, baseline=0.55, examples=40, steps=400, further=None, **parts):
    """Return the report of a classification of two labels."""
    scores, intervals, baselines = {"accuracy": accuracy}, {"accuracy": interval}, {"accuracy": baseline}
    for name, (value, bounds) in (further or {}).items():
        scores[name], intervals[name], baselines[name] = value, bounds, 0.0
    details = {"examples": examples, "scores": scores, "intervals": intervals, "baseline": baselines}
    row = {"step": steps, "epoch": 3.0, "loss": 0.6, **scores}
    return empty_report(scores=[row], result=row, details={"validation": details}, **parts)


def test_an_interval_that_includes_the_baseline_is_never_silent():
    finding = found(classified(0.5, (0.352, 0.648)))["NOTHING_LEARNT"]
    assert finding.severity == "error"
    assert finding.evidence == (
        "Accuracy 50.0% (95% interval 35.2% to 64.8%) on 40 examples of validation; majority baseline: 55.0%. The "
        "score does not show that anything was learnt."
    )
    assert finding.numbers == {
        "split": "validation", "score": "accuracy", "value": 0.5, "baseline": 0.55, "interval": [0.352, 0.648],
        "examples": 40, "steps": 400,
    }  # fmt: skip
    assert finding.advice[0] == "Train for more steps: a few times as many."
    assert finding.advice[-1] == "Train on more examples."


@pytest.mark.parametrize(
    ("accuracy", "interval", "examples", "code"),
    [
        (0.70, (0.56, 0.81), 40, None),
        (0.70, (0.55, 0.81), 40, "TOO_FEW_EXAMPLES_FOR_CLAIM"),  # the interval includes the baseline
        (0.60, (0.501, 0.70), 100, "TOO_FEW_EXAMPLES_FOR_CLAIM"),  # four times as many examples halve the interval
        (0.60, (0.499, 0.70), 100, "NOTHING_LEARNT"),
        (0.55, (0.45, 0.65), 100, "NOTHING_LEARNT"),
        (0.50, (0.45, 0.55), 400, "NOTHING_LEARNT"),
        (0.50, (0.451, 0.549), 400, "BELOW_MAJORITY"),
        (0.40, (0.20, 0.60), 19, "TOO_FEW_EXAMPLES_FOR_CLAIM"),
        (0.40, (0.20, 0.60), 20, "NOTHING_LEARNT"),
    ],
)
def test_each_score_has_one_verdict(accuracy, interval, examples, code):
    assert set(found(classified(accuracy, interval, examples=examples))) == ({code} if code else set())


@pytest.mark.parametrize(
    ("steps", "losses", "code"),
    [
        (99, (0.7, 0.69), "TOO_FEW_STEPS"),
        (100, (0.7, 0.69), "NOTHING_LEARNT"),
        (99, (0.7, 0.36), "TOO_FEW_STEPS"),
        (99, (0.7, 0.35), "NOTHING_LEARNT"),  # the examples are learnt, not what they have in common
        (99, (), "TOO_FEW_STEPS"),
        (99, (0.7, 0.6, 0.3, 0.2, 0.1, 0.1, 0.6, 0.6), "NOTHING_LEARNT"),  # the loss rose: not for lack of steps
    ],
)
def test_few_steps_come_before_few_examples(steps, losses, code):
    given = classified(0.5, (0.352, 0.648), steps=steps, history=log_rows(losses, steps=steps) if losses else [])
    assert code in found(given)
    assert len({"TOO_FEW_STEPS", "NOTHING_LEARNT"} & set(found(given))) == 1


def test_advice_after_few_steps():
    finding = found(classified(0.5, (0.352, 0.648), steps=30))["TOO_FEW_STEPS"]
    assert finding.severity == "error"
    assert finding.evidence.endswith("majority baseline: 55.0%. The run had 30 steps.")
    assert finding.advice[0].startswith("Train for at least 100 steps, 4 times as many:")
    assert finding.advice[-1].startswith("Then evaluate on more examples")
    assert found(classified(0.5, (0.352, 0.648), steps=1))["TOO_FEW_STEPS"].evidence.endswith("The run had 1 step.")
    assert found(classified(0.6, (0.45, 0.75), steps=30))["TOO_FEW_STEPS"].severity == "warning"


def test_a_pretraining_needs_more_steps():
    def report(perplexity, steps, interval):
        row = {"step": steps, "perplexity": perplexity, "mlm_accuracy": 0.04}
        return empty_report(
            "pretraining", scores=[row], result=row,
            baselines={"unigram": {"perplexity": 1717.0, "mlm_accuracy": 0.06}}, intervals={"perplexity": interval},
            data={"validation": {"examples_per_epoch": 60}},
            evidence={"from_checkpoint": True, "newly_initialized": ["cls.predictions"]},
        )  # fmt: skip

    assert set(found(report(1520, 499, (1148, 2010)))) == {"HEADS_NEW", "TOO_FEW_STEPS"}
    assert set(found(report(1520, 500, (1148, 2010)))) == {"HEADS_NEW", "NOTHING_LEARNT"}
    assert set(found(report(1520, 500, (1348, 1717)))) == {"HEADS_NEW", "TOO_FEW_EXAMPLES_FOR_CLAIM"}
    assert set(found(report(1520, 500, (1348, 1716)))) == {"HEADS_NEW"}
    assert set(found(report(1640, 500, (1500, 1800)))) == {"HEADS_NEW", "STUCK_AT_UNIGRAM"}  # the more precise one


def test_another_score_can_show_what_this_one_does_not():
    matthews = {"matthews": (0.4, (0.3, 0.5))}
    finding = found(classified(0.85, (0.82, 0.88), 0.9, 400, further=matthews))["SCORE_AT_BASELINE"]
    assert finding.severity == "warning"
    assert "Another score shows that something was learnt: Matthews 0.400 (95% interval 0.300 to 0.500)" in (
        finding.evidence
    )
    uncertain = {"matthews": (0.05, (-0.05, 0.15))}
    assert "BELOW_MAJORITY" in found(classified(0.85, (0.82, 0.88), 0.9, 400, further=uncertain))


def test_scores_of_a_table_have_intervals_of_their_own():
    """Fisher's interval of a correlation of 40 pairs, Wilson's of a share."""
    (finding,) = diagnose_scores("classification", {"pearson": -0.148}, examples=40)
    assert finding.code == "NOTHING_LEARNT"
    assert finding.evidence.startswith(
        "Pearson -0.148 (95% interval -0.439 to 0.171) on 40 examples of validation; mean baseline: 0.000."
    )
    (finding,) = diagnose_scores("classification", {"matthews": 0.1}, examples=100)
    assert finding.evidence.startswith("Matthews 0.100 (95% interval -0.098 to 0.291)")
    assert diagnose_scores("classification", {"matthews": 0.3}, examples=100) == []
    assert diagnose_scores("classification", {"matthews": 0.1}) == []  # of how many examples is not known
    (finding,) = diagnose_scores("pretraining", {"perplexity": 29_500}, vocab_size=30_522)
    assert finding.code == "NOTHING_LEARNT"
    assert "uniform baseline: 30,522.0" in finding.evidence
    (finding,) = diagnose_scores("question_answering", {"f1": 30.0, "total": 300, "NoAns_total": 100, "NoAns_f1": 9.0})
    assert finding.evidence.startswith(
        "F1 30.00 (95% interval 25.09 to 35.41) on 300 questions of validation; always-abstain baseline: 33.33."
    )


@pytest.mark.parametrize(
    ("recipe", "scores"),
    [
        ("classification", {"accuracy": 0.5}), ("classification", {"f1_macro": 0.9}),
        ("pretraining", {"perplexity": 40.0}), ("question_answering", {"f1": 70.0}),
    ],
)  # fmt: skip
def test_a_table_of_few_examples_is_never_silent(recipe, scores):
    (finding,) = diagnose_scores(recipe, scores, examples=12)
    assert (finding.code, finding.severity) == ("TOO_FEW_EXAMPLES_FOR_CLAIM", "warning")
    assert finding.evidence.startswith("12 examples scored: the 95% interval of a share is up to 49 points wide.")
    assert diagnose_scores(recipe, scores, examples=20) == []
    (finding,) = diagnose_scores(recipe, scores if recipe != "classification" else {"f1": 1.0}, examples=1)
    assert finding.evidence.startswith("1 example scored")


def test_few_questions_are_counted_by_their_total():
    (finding,) = diagnose_scores("question_answering", {"f1": 70.0, "total": 12})
    assert finding.code == "TOO_FEW_EXAMPLES_FOR_CLAIM"


def test_a_perplexity_without_an_interval():
    """Of few sequences it is assumed to be wide; without the unigram baseline, that of Zipf's law is taken."""

    def evidence(perplexity, **context):
        findings = diagnose_scores("pretraining", {"perplexity": perplexity}, **context)
        assert [finding.code for finding in findings] in ([], ["NOTHING_LEARNT"])
        return findings[0].evidence if findings else ""

    text = "Perplexity 1,520.0 (assumed interval 1,177.2 to 1,962.7) on validation; unigram baseline: 1,717.0."
    assert evidence(1520, unigram_perplexity=1717).startswith(text)
    assert evidence(1520, unigram_perplexity=1717, examples=400) == ""  # 0.07 nats to each side
    assert evidence(1599, unigram_perplexity=1717, examples=10_000) == ""  # 0.05, and never less
    assert evidence(1320, unigram_perplexity=1717) == ""
    text = "Perplexity 1,520.0 on validation; Zipf-unigram baseline: 1,439.7."
    assert evidence(1520).startswith(text)
    assert evidence(1520, vocab_size=30_522).startswith(text)
    assert evidence(28_000, vocab_size=30_522).endswith("The score does not show that anything was learnt.")
    assert evidence(1182, vocab_size=30_522) == ""
    assert evidence(300, vocab_size=1_607).startswith("Perplexity 300.0 on validation; Zipf-unigram")


def test_an_accuracy_below_that_of_the_most_frequent_word():
    """Whatever the perplexity shows, always the same word would be right more often."""
    scores = {"perplexity": 1520, "mlm_accuracy": 0.01}
    (finding,) = diagnose_scores("pretraining", scores, unigram_perplexity=1717, examples=300)
    assert finding.code == "NOTHING_LEARNT"
    assert finding.evidence.startswith(
        "MLM accuracy 1.0% on 300 examples of validation; most-frequent-word baseline: 3.0%."
    )
    assert diagnose_scores("pretraining", scores | {"mlm_accuracy": 0.05}, unigram_perplexity=1717, examples=300) == []
    assert [finding.code for finding in diagnose_scores("pretraining", {"mlm_accuracy": 0.0})] == ["NOTHING_LEARNT"]


def test_answers_of_a_table_are_compared_with_random_spans_on_squad():
    def codes(**scores):
        return [finding.code for finding in diagnose_scores("question_answering", scores)]

    (finding,) = diagnose_scores("question_answering", {"f1": 3.6})
    assert (finding.code, finding.severity) == ("NOTHING_LEARNT", "error")
    assert finding.evidence.startswith("F1 3.60 on validation; random-span baseline: 4.30.")
    assert codes(f1=4.4) == []
    assert codes(f1=4.4, total=2_000) == ["NOTHING_LEARNT"]  # 3.6 to 5.4
    assert codes(f1=5.5, total=2_000) == []
    assert codes(f1=3.6, total=19) == ["TOO_FEW_EXAMPLES_FOR_CLAIM"]
    assert codes(f1=3.6, NoAns_f1=0.5) == []  # of all questions: what those with an answer score is not known
    assert codes(f1=50.0, HasAns_f1=3.6, NoAns_f1=99.0) == ["NOTHING_LEARNT"]


def test_answers_are_compared_with_random_spans():
    def report(low, high, **parts):
        evidence = {"answers_f1": 3.6, "answers_f1_interval": (low, high), "random_span_f1": 4.0, "answers_scored": 60}
        row = {"f1": 3.6, "step": 400}
        return empty_report("question_answering", scores=[row], result=row, evidence=evidence | parts)

    finding = found(report(1.0, 7.0))["NOTHING_LEARNT"]
    assert finding.evidence.startswith(
        "F1 of the best spans 3.60 (95% interval 1.00 to 7.00) on 60 answerable questions of validation; random-span "
        "baseline: 4.00."
    )
    assert "NOTHING_LEARNT" in found(report(1.0, 4.0))
    assert found(report(4.1, 9.0)) == {}
    assert found(report(1.0, 7.0, answers_scored=19)) == {}


def test_a_model_that_never_abstains_is_no_model_that_learnt_nothing():
    scores = {"f1": 40.0, "total": 200, "HasAns_total": 100, "NoAns_total": 100, "HasAns_f1": 80.0, "NoAns_f1": 0.0}
    assert [finding.code for finding in diagnose_scores("question_answering", scores)] == ["NEVER_ABSTAINS"]


def test_the_baseline_of_a_recipe_of_a_user_is_that_of_its_first_score():
    given = empty_report(
        "tagging", result={"accuracy": 0.5, "step": 400}, baselines={"other": {}, "majority": {"accuracy": 0.6}},
        glossary=[PERPLEXITY, ACCURACY], intervals={"accuracy": (0.4, 0.61)},
    )  # fmt: skip
    (compared,) = comparisons(given)
    assert (compared.value, compared.baseline, compared.baseline_name) == (0.5, 0.6, "majority")
    assert set(found(given)) == {"NOTHING_LEARNT"}


@pytest.mark.parametrize(
    ("score", "value", "interval", "baseline", "better", "certainly", "worse", "times"),
    [
        (ACCURACY, 0.6, (0.5, 0.7), 0.55, True, False, False, 4.0),
        (ACCURACY, 0.6, (0.56, 0.7), 0.55, True, True, False, 0.64),
        (ACCURACY, 0.5, (0.4, 0.54), 0.55, False, False, True, 4.0),
        (PERPLEXITY, 90.0, (80.0, 105.0), 100.0, True, False, False, 2.25),
        (PERPLEXITY, 90.0, (80.0, 99.0), 100.0, True, True, False, 0.81),
        (PERPLEXITY, 120.0, (101.0, 130.0), 100.0, False, False, True, 0.25),
        (ACCURACY, 0.6, None, 0.55, True, True, False, 0.0),
        (ACCURACY, 0.5, None, 0.55, False, False, False, 0.0),
        (ACCURACY, 0.55, (0.5, 0.6), 0.55, False, False, False, float("inf")),
    ],
)
def test_comparisons(score, value, interval, baseline, better, certainly, worse, times):
    compared = Comparison(score, value, "majority", baseline, interval)
    assert (compared.is_better, compared.is_certainly_better, compared.is_certainly_worse) == (better, certainly, worse)
    assert compared.times_more_examples() == pytest.approx(times)


def test_the_first_split_that_shows_nothing_speaks():
    given = classified(0.9, (0.85, 0.95), examples=400)
    second = {"examples": 50, "scores": {"accuracy": 0.5}, "intervals": {"accuracy": (0.36, 0.64)},
              "baseline": {"accuracy": 0.52}}  # fmt: skip
    given.details = {**given.details, "validation_mismatched": second}
    assert found(given)["NOTHING_LEARNT"].numbers["split"] == "validation_mismatched"


def test_the_metric_of_the_best_checkpoint_decides():
    matthews = {"matthews": (0.02, (-0.1, 0.14))}
    given = classified(
        0.9, (0.85, 0.95), examples=400, further=matthews, settings={"task": {"best_metric": "matthews"}}
    )
    assert found(given)["SCORE_AT_BASELINE"].numbers["score"] == "matthews"
    recall = {"recall": (0.9, (0.85, 0.95))}
    given = classified(0.9, (0.85, 0.95), further=recall, settings={"task": {"best_metric": "recall"}})
    given.details["validation"]["baseline"]["recall"] = 1.0  # of always predicting the label
    assert found(given) == {}


def test_a_regression_has_targets_and_no_label_names():
    (finding,) = diagnose_scores("classification", {"pearson": -0.4}, examples=400)
    assert finding.code == "BELOW_MAJORITY"
    assert finding.advice[0].startswith("Compare the targets of the splits")
    assert not any("label" in text for text in (*finding.causes, *finding.advice))
    (finding,) = diagnose_scores("classification", {"accuracy": 0.1}, majority=0.5, examples=100)
    assert finding.advice[0] == "Compare the label names of the splits and of the checkpoint."


def test_more_steps_are_not_advised_where_nothing_is_left_to_learn():
    given = [{"train_loss": 0.7, "accuracy": 0.5}, {"train_loss": 0.0, "accuracy": 0.5}]
    (finding,) = diagnose_scores("classification", given, majority=0.55, examples=100)
    assert finding.code == "NOTHING_LEARNT"
    assert not any("steps" in advice for advice in finding.advice)


def test_advice_after_a_loss_that_rose():
    rows = [{"step": 100 * n, "loss": loss, "accuracy": 0.5} for n, loss in enumerate((0.7, 0.9, 1.2), start=1)]
    details = {"examples": 100, "scores": {"accuracy": 0.5}, "baseline": {"accuracy": 0.55}}
    given = empty_report(
        scores=rows, result=rows[0], details={"validation": details}, history=log_rows(loss_curve("falls", 12))
    )
    advice = found(given)["NOTHING_LEARNT"].advice
    assert advice[0].startswith("Use the usual learning rate")
    assert advice[1] == "Train for fewer epochs, or stop early: the validation loss rose."
    given.history = log_rows(loss_curve("rises", 12))
    given.scores = given.scores[:1]
    advice = found(given)["NOTHING_LEARNT"].advice
    assert advice[0] == "Lower the learning rate."
    assert advice[1] == "Start from a pretrained checkpoint."
