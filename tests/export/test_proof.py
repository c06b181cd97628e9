"""When an exported model may be written: differences of logits, predictions and scores."""

from dataclasses import replace

import numpy as np
import pytest

from bert_finetune_kit import DataError, ExportError
from bert_finetune_kit.export.folder import evidence_of
from bert_finetune_kit.export.proof import Scored, check_enough, main_score, prove

COUNT = 100
REFERENCES = np.arange(COUNT) % 2


def scored(predicted, logits=None, seconds=2.0):
    """Return a model of two labels on 100 examples, with these predictions."""
    predicted = np.asarray(predicted)
    names = ("no", "yes")
    rows = [
        {
            "split": "validation", "row": number, "text_hash": str(number), "reference": names[reference],
            "prediction": names[label], "probabilities": {"no": 1.0 - label, "yes": float(label)}, "loss": 0.1,
        }
        for number, (reference, label) in enumerate(zip(REFERENCES.tolist(), predicted.tolist(), strict=True))
    ]  # fmt: skip
    accuracy = float((predicted == REFERENCES).mean())
    logits = np.zeros(2 * COUNT) if logits is None else logits
    return Scored(logits, predicted.tolist(), rows, {"accuracy": accuracy}, seconds)


def proof(before, after, method="fp32", tolerance=1e-4):
    return prove("classification", method, before, after, "accuracy", tolerance, (400, 100))


def test_equal_models():
    found = proof(scored(REFERENCES), scored(REFERENCES, seconds=1.0))
    assert (found.faults, found.equal, found.largest_difference, found.points_lost) == ((), 1.0, 0.0, 0.0)
    assert (found.per_second_before, found.per_second, found.size, found.size_before) == (50.0, 100.0, 100, 400)


def test_logits_in_fp32_may_differ_by_the_tolerance_and_predictions_by_nothing():
    logits = np.zeros(2 * COUNT)
    logits[3] = 9e-5
    assert proof(scored(REFERENCES), scored(REFERENCES, logits)).faults == ()
    logits[3] = 2e-4
    found = proof(scored(REFERENCES), scored(REFERENCES, logits))
    assert found.faults == ("a logit differs by 0.0002, and 0.0001 is allowed",)
    assert found.mean_difference == pytest.approx(1e-6)
    assert proof(scored(REFERENCES, logits + 10), scored(REFERENCES, np.full(2 * COUNT, 10.0))).faults == ()
    other = REFERENCES.copy()
    other[0] = 1
    assert proof(scored(REFERENCES), scored(other)).faults == ("1.00% of its predictions are others",)


def test_int8_may_lose_the_tolerance_of_the_main_score():
    worse = REFERENCES.copy()
    worse[:4] = 1 - worse[:4]
    found = proof(scored(REFERENCES), scored(worse), "int8 dynamic", 4.0)
    assert found.points_lost == pytest.approx(4.0)
    assert found.points_lost_interval[0] < 4.0 < found.points_lost_interval[1]
    assert found.faults == ()
    assert found.scores["accuracy"]["difference"] == pytest.approx(-0.04)
    (fault,) = proof(scored(REFERENCES), scored(worse), "int8 dynamic", 3.9).faults
    assert fault.startswith("4.00 points of accuracy are lost (95% interval ")
    assert "3.9 are allowed" in fault
    assert proof(scored(worse), scored(REFERENCES), "int8 dynamic", 0.0).points_lost == pytest.approx(-4.0)


@pytest.mark.parametrize("method", ["fp32", "int8 static"])
def test_logits_that_are_not_finite_are_refused(method):
    logits = np.zeros(2 * COUNT)
    logits[5] = np.nan
    assert (
        "some of its logits are not finite" in proof(scored(REFERENCES), scored(REFERENCES, logits), method, 1.0).faults
    )


def test_the_score_that_decides():
    scores = dict.fromkeys(("accuracy", "f1", "matthews", "loss", "perplexity", "mlm_accuracy", "pearson", "mse"), 0.5)
    assert main_score("classification", scores, "matthews") == "matthews"
    assert main_score("classification", scores, "loss") == "accuracy"
    assert main_score("classification", {"mse": 1.0, "pearson": 0.5}, "mse") == "pearson"
    assert main_score("question_answering", scores, None) == "f1"
    assert main_score("pretraining", scores, "perplexity") == "mlm_accuracy"
    several = {"validation_matched_accuracy": 0.5, "validation_mismatched_accuracy": 0.6}
    assert main_score("classification", several, "validation_matched_accuracy") == "validation_matched_accuracy"


def test_numbers_are_equal_within_the_tolerance_of_fp32():
    rows = [
        {"split": "v", "row": n, "text_hash": str(n), "reference": float(n), "prediction": float(n), "loss": 0.0}
        for n in range(20)
    ]
    targets = np.arange(20.0)
    before = Scored(targets, [], rows, {"pearson": 0.9, "mse": 2.0}, 1.0)
    close, far = (Scored(targets + error, [], rows, {"pearson": 0.898, "mse": 2.1}, 1.0) for error in (1e-3, 1e-1))
    found = [
        prove("classification", method, before, after, "pearson", tolerance, (4, 1))
        for method, tolerance, after in (
            ("fp32", 1e-4, close),
            ("int8 dynamic", 0.5, close),
            ("int8 dynamic", 0.5, far),
        )
    ]
    assert [proof.equal for proof in found] == [1.0, 1.0, 0.0]
    assert [proof.faults for proof in found] == [(), (), ()]
    assert found[1].points_lost == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"logits": np.full(2 * COUNT, np.nan)}, {"logits": np.full(2 * COUNT, np.nan)}),
        ({"logits": np.r_[np.nan, np.zeros(2 * COUNT - 1)]}, {}),
        ({}, {"logits": np.zeros(2 * COUNT - 2)}),
        ({"logits": np.zeros(0)}, {"logits": np.zeros(0)}),
        ({"rows": []}, {"rows": []}),
        ({}, {"decisions": [0]}),
    ],
)
@pytest.mark.parametrize("method", ["fp32", "int8 static"])
def test_examples_that_were_not_scored_are_no_proof(method, before, after):
    equal = scored(REFERENCES)
    with pytest.raises(ExportError, match="since not all examples were scored"):
        proof(replace(equal, **before), replace(equal, **after), method, 100.0)


def few(count):
    """Return a model on so many examples."""
    every = scored(REFERENCES)
    return replace(every, logits=every.logits[:count], decisions=every.decisions[:count], rows=every.rows[:count])


def test_a_proof_says_where_few_examples_show_nothing():
    warning = "logits and predictions of 1 example were compared, and scores of fewer than 100 show nothing"
    found = proof(few(1), few(1))
    assert found.faults == ()
    assert warning in str(found)
    assert str(found).startswith("On 1 example (validation split) the")
    assert warning in evidence_of([found])["notes"][0]
    assert proof(scored(REFERENCES), scored(REFERENCES)).notes == ()
    check_enough(100)
    with pytest.raises(DataError, match=r"99 examples can show none: at least 100 are needed\. Give more .*--data"):
        check_enough(99)


def test_a_proof_says_what_it_was_made_on_and_how():
    equal = scored(REFERENCES)
    found = prove("classification", "fp32", equal, equal, "accuracy", 1e-4, (400, 100), "test.csv", 1)
    assert str(found).startswith("On 100 examples (test.csv) the")
    assert "On the machine that exported it, it scores 50 examples a second with 1 thread, and" in str(found)
    assert "a second with all cores, and" in str(proof(equal, equal))
    plain = evidence_of([found])
    assert (plain["proven_on"], plain["examples"], plain["threads"], plain["points_lost"]) == ("test.csv", 100, 1, 0.0)
    assert "loss" not in plain


def test_equal_scores_are_called_equal_and_zeros_have_no_sign():
    equal = scored(REFERENCES)
    assert "| 1.0000 | 1.0000 | equal |  |" in str(proof(equal, equal))
    row = {"before": -0.0, "after": -0.00001, "difference": -0.00001, "low": -0.2, "high": -0.00001}
    table = str(replace(proof(equal, equal), scores={"accuracy": row}))
    assert "| 0.0000 | 0.0000 | 0.0000 | -0.2000 to 0.0000 |" in table
