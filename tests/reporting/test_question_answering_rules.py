"""Rules on question answering, at their limits and beside them."""

import math

import pytest
from synthetic_reports import empty_report

from bert_finetune_kit.reporting.diagnosis import question_answering as rules


def answered(rule, details=None, **scores):
    return rule(empty_report("question_answering", result=scores, details=details or {}))


def test_never_abstaining():
    found = answered(rules.never_abstains, NoAns_f1=0.0, NoAns_total=1_000)
    assert found.evidence == (
        "Abstained on none of 1,000 questions without an answer: F1, without answer, is 0; with 95% confidence it "
        "abstains on at most 0.4%."
    )
    assert found.numbers == {"NoAns_total": 1_000, "NoAns_f1": 0.0}
    assert answered(rules.never_abstains, NoAns_f1=0.1, NoAns_total=1_000) is None
    assert answered(rules.never_abstains, NoAns_f1=0.0, NoAns_total=0) is None
    assert answered(rules.never_abstains, NoAns_f1=0.0) is None
    for name in ("exact", "f1"):
        assert answered(rules.never_abstains, NoAns_f1=0.0, NoAns_total=1_000, **{name: math.nan}) is None


def abstaining(abstained, total=20, answerable=10, **scores):
    scores = {"total": total, "HasAns_total": answerable, "HasAns_f1": 1.25, "NoAns_f1": 99.0, **scores}
    details = {"scores": scores} | ({} if abstained is None else {"abstained": abstained})
    return answered(rules.always_abstains, details)


def test_always_abstaining():
    found = abstaining(98.0)
    assert found.evidence == (
        "F1, with answer, is 1.2 and F1, without answer, 99.0: the model abstains on 98.0% of the questions."
    )
    assert found.numbers == {"HasAns_f1": 1.25, "NoAns_f1": 99.0, "abstained": 98.0}
    assert abstaining(97.9) is abstaining(98.0, total=19) is abstaining(98.0, answerable=0) is None
    assert abstaining(None) is None
    assert abstaining(97.9, HasAns_f1=0, NoAns_f1=100) is not None
    assert abstaining(97.9, HasAns_f1=0, NoAns_f1=99) is abstaining(97.9, HasAns_f1=1, NoAns_f1=100) is None
    assert abstaining(98.0, NoAns_f1=0.0, NoAns_total=10) is None  # it never abstains where it should
    by_scores = abstaining(None, total=3, HasAns_f1=0.0, NoAns_f1=100.0)
    assert by_scores.evidence.endswith("is 0.0 and F1, without answer, 100.0: the model abstains on all questions.")
    unknown = abstaining(100.0, HasAns_f1=None, NoAns_f1=None)
    assert unknown.evidence.startswith("F1, with answer, is 0.0 and F1, without answer, 0.0:")


def oracle(f1, total=1_200, without=600, **scores):
    return answered(rules.best_is_abstaining, best_f1=f1, total=total, NoAns_total=without, **scores)


def test_an_oracle_that_gains_nothing():
    found = oracle(51.0)
    assert found.evidence == (
        "Oracle F1 is 51.000; always-abstain baseline: 50.000, the share of the 1,200 questions without an "
        "answer (600)."
    )
    assert found.numbers == {"share_without_answer": 50.0, "gain_f1": 1.0}
    assert oracle(51.01) is None
    assert oracle(50.0, best_exact=51.01) is oracle(51.01, best_exact=50.0) is None
    assert oracle(51.0, best_exact=50.5).evidence.startswith("Oracle exact match is 50.500, oracle F1 is 51.000;")
    assert oracle(None) is None
    assert oracle(52.0, 50, 25) is not None  # one question of 50
    assert oracle(52.1, 50, 25) is None
    assert oracle(50.0, 20, 10) is not None
    assert oracle(50.0, 19, 9) is oracle(100.0, 20, 20) is oracle(0.0, 20, 0) is oracle(50.0, None) is None
    assert oracle(50.0, exact=math.nan) is None


def test_questions_without_an_answer_in_the_data():
    def found(train, validation, **source):
        data = {"train": {"without_answer": train}, "validation": {"without_answer": validation}}
        return rules.v2_data_as_v1(empty_report("question_answering", data=data, settings={"source": source}))

    assert found(0.0, 0.0) is found(0.1, 0.5) is found(None, 0.5) is None
    spoken = found(0.0, 0.334, max_train_examples=10)
    assert spoken.evidence == (
        "Every training question has an answer, and 33.4% of the validation questions have none."
    )
    assert spoken.causes[0].startswith("only the first questions were used")
    assert "max_train_examples" not in " ".join(found(0.0, 0.334).causes)


V1 = {
    "best_exact_thresh": 0.0, "best_f1_thresh": 0.0, "NoAns_f1": 0.0, "NoAns_total": 500, "total": 1_000,
    "best_exact": 40.0, "best_f1": 50.5,
}  # fmt: skip


def test_thresholds_of_a_script_for_version_1():
    assert answered(rules.v2_data_as_v1, **V1).evidence == (
        "The best thresholds are 0 although answering some questions is best (50.500; always-abstain baseline: "
        "50.000): their probability of no answer is exactly 0, and F1, without answer, is 0."
    )
    for changed in (
        {"best_exact_thresh": 0.1}, {"best_f1_thresh": 0.1}, {"NoAns_f1": 1.0}, {"NoAns_total": 0}, {"total": 0},
        {"best_f1": 50.0}, {"best_f1": None}, {"best_f1": None, "best_exact": None, "NoAns_total": 1, "total": 2_000},
    ):  # fmt: skip
        assert answered(rules.v2_data_as_v1, **(V1 | changed)) is None
    given = empty_report("question_answering", result=V1, data={"train": {"without_answer": 0.5}})
    assert rules.v2_data_as_v1(given) is None  # the data say that it is trained on


@pytest.mark.parametrize(
    ("statistics", "share", "severity"),
    [
        ({"questions_without_valid_answer": 10, "questions": 1_000}, "1.0%", "warning"),
        ({"questions_without_valid_answer": 9, "questions": 1_000}, None, None),
        ({"questions_without_valid_answer": 5, "questions": 1_000, "without_answer": 0.5}, "1.0%", "warning"),
        ({"questions_without_valid_answer": 199, "questions": 1_000}, "19.9%", "warning"),
        ({"questions_without_valid_answer": 200, "questions": 1_000}, "20.0%", "error"),
        ({"questions_without_valid_answer": 1}, "100.0%", "error"),
        ({"questions": 1_000}, None, None),
    ],
)
def test_answers_that_are_misplaced(statistics, share, severity):
    found = rules.offsets_broken(empty_report("question_answering", data={"train": statistics}))
    assert (found and found.severity) == severity
    if found:
        count = statistics["questions_without_valid_answer"]
        assert found.evidence == (
            f"{count} questions of the train split, {share} of those with an answer, have no answer at its "
            "answer_start."
        )


def test_the_split_with_most_misplaced_answers_speaks():
    data = {
        "train": {"questions_without_valid_answer": 1_500, "questions": 10_000},
        "validation": {"questions_without_valid_answer": 10, "questions": 1_000},
    }
    found = rules.offsets_broken(empty_report("question_answering", data=data))
    assert found.evidence.startswith("1,500 questions of the train split, 15.0%")
    assert found.numbers == {"shares": {"train": 0.15, "validation": 0.01}}


def overlap(ratio, expected=None, **scores):
    given = empty_report(
        "question_answering", result={"bleu_length_ratio": ratio, **scores},
        evidence={} if expected is None else {"length_ratio": expected},
    )  # fmt: skip
    return rules.overlap_metric_on_wrong_text(given)


def test_the_length_of_what_bleu_compares():
    assert overlap(2.0) is overlap(0.5) is overlap(1.0) is overlap(0.0) is overlap(None) is None
    assert overlap(2.01).evidence == "The length ratio of BLEU is 2.01; that of the answers is 1.00."
    assert overlap(0.49).evidence.startswith("The length ratio of BLEU is 0.49;")
    assert overlap(4.0, 2.0) is overlap(1.0, 2.0) is None
    found = overlap(4.1, 2.0, bleu_1=0.5, f1=40.0)
    assert found.evidence == (
        "The length ratio of BLEU is 4.10; that of the answers is 2.00. Word overlap is 40.0% by F1 and 0.5% by "
        "BLEU-1: these are not the same texts."
    )
    assert found.numbers == {"bleu_length_ratio": 4.1, "expected": 2.0, "bleu_1": 0.5, "f1": 40.0}
    assert "Word overlap is 30.0% by F1" in overlap(4.1, bleu_1=0.5, f1=40.0, HasAns_f1=30.0).evidence
    assert "Word overlap" not in overlap(4.1, bleu_1=4.0, f1=40.0).evidence
    assert "Word overlap" in overlap(4.1, bleu_1=3.9, f1=40.0).evidence
    assert "Word overlap" not in overlap(4.1, bleu_1=0.5).evidence
    assert "Word overlap" not in overlap(4.1, f1=40.0).evidence


def spans(predicted, true=3.0, error=0.25, count=1_000):
    evidence = {
        "predicted_words": predicted, "answer_words": true, "predicted_words_error": error, "answers_compared": count
    }  # fmt: skip
    return rules.spans_too_long(empty_report("question_answering", evidence=evidence))


def test_spans_that_are_too_long():
    assert spans(6.5) is None
    found = spans(6.6)
    assert found.evidence == (
        "Predictions have 6.6 words on average, true answers 3.0 (1,000 answerable questions with a prediction)."
    )
    assert found.numbers == {"predicted_words": 6.6, "answer_words": 3.0, "answers": 1_000}
    assert spans(6.1, error=None) is not None
    assert spans(6.0, error=None) is spans(9.0, true=0.0) is spans(9.0, count=0) is spans(9.0, count=None) is None
    assert spans(0.0) is spans(9.0, count=19) is None
    assert spans(9.0, count=20) is not None
