"""How far scores may differ before they contradict each other: by the rounding of all of them, and no further."""

import math

import pytest
from synthetic_reports import empty_report

from bert_finetune_kit.reporting.diagnosis.consistency import scores_disagree


def faults(recipe, scores, details=None, **settings):
    found = scores_disagree(empty_report(recipe, result=scores, details=details or {}, settings=settings))
    return [] if found is None else found.numbers["faults"]


def is_fault(recipe, **scores):
    return len(faults(recipe, scores)) == 1


def pretrained(**scores):
    return is_fault("pretraining", **scores)


def test_a_perplexity_at_the_limit_of_its_rounding():
    """exp(5.25) is 190.566: half a digit of 189.xx is 5e-5 of it, of 5.25 it is 0.005, and 0.001 is allowed besides."""
    for sign in (-1, 1):
        assert not pretrained(perplexity=round(math.exp(5.25 + sign * 0.0058), 3), mlm_loss=5.25)
        assert pretrained(perplexity=round(math.exp(5.25 + sign * 0.0062), 3), mlm_loss=5.25)
    assert not pretrained(perplexity=1.3, mlm_loss=0.3)  # half a digit of 1.3 is 0.0385 of it
    assert not pretrained(perplexity=1.3, mlm_loss=0.2)
    assert pretrained(perplexity=1.3, mlm_loss=0.17)
    assert not pretrained(perplexity=5.0, mlm_loss=700.0)  # exp of it is no number
    assert pretrained(perplexity=5.0, mlm_loss=699.0)
    assert not pretrained(perplexity=0.0, mlm_loss=5.25)
    assert not pretrained(mlm_loss=5.25)
    assert pretrained(perplexity=0.5, mlm_loss=5.25)


def test_what_a_wrong_perplexity_is_instead():
    def hint(nats, loss=3.0, **scores):
        (fault,) = faults("pretraining", {"perplexity": round(math.exp(nats), 6), "mlm_loss": loss, **scores})
        return fault.partition(", which is 20.1")[2]

    assert hint(3.5, pair_loss=0.5) == hint(3.519, pair_loss=0.5) == ": it is exp of the sum of both losses"
    assert hint(3.481, pair_loss=0.5) == ": it is exp of the sum of both losses"
    assert hint(3.521, pair_loss=0.5) == hint(3.5) == ""
    power = 3 * math.log(2)
    assert hint(power) == hint(power + 0.019) == hint(power - 0.019) == ": it is 2 to the power of the loss"
    assert hint(power, pair_loss=0.5) == ": it is 2 to the power of the loss"
    assert hint(power + 0.021) == ""


def test_a_perplexity_is_no_more_than_exp_of_the_whole_loss():
    assert not pretrained(perplexity=round(math.exp(5.2558), 3), loss=5.25)
    assert pretrained(perplexity=round(math.exp(5.2562), 3), loss=5.25)
    assert not pretrained(perplexity=2.0, loss=5.25)
    assert not pretrained(perplexity=1.3, loss=0.2)
    assert pretrained(perplexity=1.3, loss=0.17)
    assert not pretrained(perplexity=0.0, loss=0.1)
    (fault,) = faults("pretraining", {"perplexity": 2_000.0, "loss": 5.25})
    assert fault == "Perplexity 2,000.0 is above exp of the loss, 5.2500, which the MLM loss is a part of"


def test_a_sum_of_losses_at_the_limit_of_its_rounding():
    """Half a digit of each of three figures with two digits: 0.015."""
    assert not pretrained(mlm_loss=5.25, pair_loss=0.65, loss=5.91)
    assert pretrained(mlm_loss=5.25, pair_loss=0.65, loss=5.92)
    assert pretrained(mlm_loss=5.25, pair_loss=0.65, loss=5.88)
    assert not pretrained(mlm_loss=5.25, pair_loss=0.65, loss=5.89)
    assert not pretrained(mlm_loss=5.25, loss=5.88)
    assert not pretrained(pair_loss=5.25, loss=5.88)
    precise = {"mlm_loss": 5.2512345678, "pair_loss": 0.7487654321}
    assert not pretrained(loss=6.000059, **precise)  # 1e-5 of it
    assert pretrained(loss=6.000062, **precise)


def classified(**scores):
    return is_fault("classification", **scores)


def test_an_f1_at_the_limit_of_its_rounding():
    """2 · 0.5 · 0.8 / 1.3 = 0.6154; with 0.45 and 0.75 it is 0.5625, with 0.55 and 0.85 it is 0.6679."""
    given = {"precision": 0.5, "recall": 0.8}
    assert [classified(f1=f1, **given) for f1 in (0.561, 0.562, 0.6679, 0.668, 0.669)] == [
        True, False, False, False, True
    ]  # fmt: skip
    for name in ("precision", "recall"):  # 2 · 0.55 · 1 / 1.55 = 0.7097
        assert not classified(f1=0.71, **{name: 0.5})
        assert classified(f1=0.74, **{name: 0.5})
    assert classified(f1=0.0, precision=0.5, recall=0.8)
    assert classified(f1=0.5, precision=0.0, recall=0.8)
    assert not classified(f1=0.0, precision=0.0, recall=0.8)


def test_a_confusion_matrix_at_its_limit():
    """With recall and precision of 0.9 the true negatives are 1 - 1.1 · (1 - accuracy) / 0.2 of all examples."""
    assert not classified(accuracy=0.81, precision=0.9, recall=0.9)  # -0.045
    assert classified(accuracy=0.807, precision=0.9, recall=0.9)  # -0.062
    scores = {"accuracy": 0.68, "precision": 0.9, "recall": 0.9}
    assert faults("classification", scores, task={"kind": "multi_label"}) == []
    assert faults("classification", scores, task={"kind": "single_label"}) != []


@pytest.mark.parametrize(
    ("accuracy", "count", "is_whole"),
    [
        (0.05, 20, True), (0.06, 20, False), (0.053, 20, False), (0.053, 19, True),
        (0.551, 20, False), (0.5505, 20, False), (0.934, 1_000, True), (0.93456, 1_000, False), (0.93407, 1_000, False),
        (0.9338, 500, False), (0.935, 499, False), (0.935, 500, True), (0.9999, 2_400, False), (0.99993, 2_000, False),
        (0.5000005, 1_000, True),  # a millionth of the examples
    ],
)  # fmt: skip
def test_an_accuracy_of_whole_examples(accuracy, count, is_whole):
    details = {"validation": {"scores": {"accuracy": accuracy}, "examples": count}}
    assert (faults("classification", {}, details) == []) is is_whole


def test_an_accuracy_of_no_whole_number_in_words():
    details = {"validation": {"scores": {"accuracy": 0.93456}, "examples": 2_000}}
    assert faults("classification", {}, details) == [
        "An accuracy of 0.9346 is 1,869.12 of 2,000 examples, which is no whole number"
    ]
    del details["validation"]["examples"]
    assert faults("classification", {}, details) == []


def test_a_squared_error_at_the_limit_of_its_rounding():
    """MAE 0.9 is at least 0.85, of which the square is 0.7225; MSE 0.722 is at most 0.7225."""
    assert not classified(mse=0.722, mae=0.9)
    assert not classified(mse=0.7225, mae=0.9)
    assert classified(mse=0.721, mae=0.9)
    assert not classified(mse=0.7)
    assert not classified(mae=0.9)
    assert not classified(mse=0.0, mae=0.0)
    assert not classified(mse=0.0012, mae=0.04)  # 0.035² is 0.001225
    assert classified(mse=0.0011, mae=0.04)
    assert classified(mse=0.0001, mae=0.1)


def answered(**scores):
    return is_fault("question_answering", **scores)


def test_numbers_of_questions_add_up():
    assert not answered(total=11, HasAns_total=6, NoAns_total=5)
    assert answered(total=12, HasAns_total=6, NoAns_total=5)
    assert not answered(total=12, HasAns_total=6)
    assert not answered(total=12, NoAns_total=6)
    (fault,) = faults("question_answering", {"total": 12_000, "HasAns_total": 6_000, "NoAns_total": 5_000})
    assert fault == "6,000 questions with and 5,000 without an answer are not 12,000"


def test_a_mean_over_questions_at_the_limit_of_its_rounding():
    """(30 · 60.25 + 10 · 50.25) / 40 = 57.75, and half a digit of each of three figures: 0.015, and 1e-5 of it."""
    parts = {"HasAns_total": 30, "NoAns_total": 10}
    for name in ("exact", "f1"):
        given = {**parts, f"HasAns_{name}": 60.25, f"NoAns_{name}": 50.25}
        assert [answered(**given, **{name: value}) for value in (57.73, 57.74, 57.76, 57.77)] == [
            True, False, False, True
        ]  # fmt: skip
    assert not answered(f1=10.0, HasAns_f1=60.25, HasAns_total=30, NoAns_total=10)
    for counts in ({"HasAns_total": 30}, {"HasAns_total": 0, "NoAns_total": 0}):  # between both, and 0.01
        for value in (50.245, 52.0, 60.255):
            assert not answered(f1=value, HasAns_f1=60.25, NoAns_f1=50.25, **counts)
        for value in (50.235, 60.265):
            assert answered(f1=value, HasAns_f1=60.25, NoAns_f1=50.25, **counts)
    (fault,) = faults("question_answering", {**parts, "HasAns_exact": 60.25, "NoAns_exact": 50.25, "exact": 10.25})
    assert fault == "The exact match of 10.25 is not the mean over questions with and without an answer, 57.75"


def test_an_oracle_at_the_limit_of_its_rounding():
    """Twice half a digit of the oracle and half a digit of the score: 0.015."""
    assert not answered(best_f1=60.25, f1=60.26)
    assert answered(best_f1=60.25, f1=60.27)
    assert not answered(best_exact=60.25, exact=60.26)
    assert answered(best_exact=60.25, exact=60.27)
    assert not answered(best_f1=60.2, f1=60.3)
    assert answered(best_f1=60.2, f1=60.35)
    assert not answered(best_f1=60.25, exact=99.0)
    assert answered(best_f1=0.0, f1=60.27)


def test_an_exact_match_at_the_limit_of_its_rounding():
    """Half a digit of both: 0.01."""
    assert not answered(f1=60.25, exact=60.255)
    assert not answered(f1=60.2, exact=60.25)
    assert answered(f1=60.25, exact=60.27)
    assert answered(f1=60.2, exact=60.31)
    assert answered(f1=0.0, exact=60.27)


def test_faults_are_told_in_one_finding():
    found = scores_disagree(empty_report("question_answering", result={"exact": 70.0, "f1": 65.0, "best_f1": 60.0}))
    assert (found.severity, len(found.numbers["faults"])) == ("error", 2)
    assert found.evidence == " ".join(f"{fault}." for fault in found.numbers["faults"])
    assert scores_disagree(empty_report("tagging", result={"exact": 70.0, "f1": 65.0})) is None
