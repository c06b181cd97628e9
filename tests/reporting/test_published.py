"""Verdicts on published results: each is reproduced, below, above, or not comparable and why."""

import pytest

from bert_finetune_kit import Published, get_task
from bert_finetune_kit.question_answering.published import published_results
from bert_finetune_kit.reporting.known_scores import known_score
from bert_finetune_kit.reporting.published import published_table, verdict
from bert_finetune_kit.tasks.squad import QA_TASKS

RESULT = Published("a model", {"accuracy": 0.9}, 100_000_000, {"validation": 500})
HERE = {"split": "validation", "examples": 500, "parameters": 110_000_000}


@pytest.mark.parametrize(
    ("interval", "expected"),
    [((0.88, 0.92), "reproduced"), ((0.9, 0.92), "reproduced"), ((0.8, 0.89), "below"), ((0.91, 0.95), "above")],
)
def test_a_comparable_result(interval, expected):
    assert verdict(0.9, interval, RESULT, **HERE) == expected


@pytest.mark.parametrize(
    ("changes", "interval", "why"),
    [
        ({"split": "test"}, (0.8, 0.9), "of the validation split, here test"),
        ({"examples": 300}, (0.8, 0.9), "of 500 examples, here 300"),
        ({"parameters": 22_713_986}, (0.8, 0.9), "100 M parameters, here 23 M"),
        ({"parameters": 4_000_000}, (0.8, 0.9), "100 M parameters, here 4.0 M"),
        ({}, None, "the score here has no interval"),
    ],
)
def test_a_result_that_is_not_comparable(changes, interval, why):
    assert verdict(0.9, interval, RESULT, **HERE | changes) == f"not comparable: {why}"


def test_a_caveat_comes_first_and_unknown_facts_are_no_reason():
    assert (
        verdict(0.9, (0.8, 1), Published("x", {}, caveat="another metric"), **HERE) == "not comparable: another metric"
    )
    unknown = Published("x", {"accuracy": 0.9})
    assert verdict(0.9, (0.8, 1), unknown, **HERE) == "reproduced; how large that model is is not given"
    assert verdict(0.9, (0.8, 0.85), unknown, **HERE) == "below; how large that model is is not given"


@pytest.mark.parametrize(
    ("interval", "baseline", "expected"),
    [
        ((0.8, 1.0), 0.5, "reproduced"), ((0.799, 1.0), 0.5, "too few examples to tell"),
        ((0.6, 0.89), 0.5, "below"),  # however wide: the published value is not in it
        ((0.46, 0.9), 0.0, "reproduced"), ((0.44, 0.9), 0.0, "too few examples to tell"),
        ((0.9, 0.9), 0.9, "reproduced"),
    ],
)  # fmt: skip
def test_a_wide_interval_reproduces_nothing(interval, baseline, expected):
    assert verdict(0.9, interval, RESULT, **HERE, baseline=baseline) == expected


def test_a_small_model_meets_the_results_of_its_size():
    accuracy = known_score("classification", "accuracy")
    table = published_table(
        get_task("sst2").published_results, [accuracy], {"accuracy": 0.894}, {"accuracy": (0.872, 0.913)},
        split="validation", examples=872, parameters=22_713_986, baselines={"accuracy": 0.509}, title="Published",
    )  # fmt: skip
    verdicts = {row[0].split(" (")[0]: row[-1] for row in table.rows}
    assert verdicts["MiniLM-L6-H384"] == "below"
    assert verdicts["BERT-base cased, 3 epochs"] == "not comparable: 108 M parameters, here 23 M"
    assert verdicts["BERT small"] == "not comparable: of the test split, here validation"
    assert table.rows[0][1:5] == ["108 M", "accuracy", "92.3%", "89.4% (87.2% to 91.3%)"]


def test_results_of_other_scores_make_no_table():
    scores = [known_score("classification", "matthews")]
    assert published_table([RESULT], scores, {"matthews": 0.5}, {}, baselines={}, title="Published", **HERE) is None


def test_the_second_split_has_its_own_results():
    accuracy = known_score("classification", "accuracy")
    table = published_table(
        get_task("mnli").published_results, [accuracy], {"accuracy": 0.84}, {"accuracy": (0.83, 0.85)},
        split="validation_mismatched", examples=9832, parameters=109_000_000, baselines={}, title="Published",
        prefix="validation_mismatched_",
    )  # fmt: skip
    assert [row[-1] for row in table.rows] == ["reproduced"]


def test_squad_results_say_on_how_many_questions_they_are():
    for task in QA_TASKS.values():
        assert all(result.examples["validation"] in (10_570, 11_873) for result in task.published)
        assert not task.published[0].caveat


def test_files_of_questions_get_the_verdicts_of_squad():
    """By the number of questions; data in memory and of other names get none."""
    answered, mixed = [["six"]] * 60, [*[["six"]] * 30, *[[]] * 30]
    for references, task in ((answered, "squad"), (mixed, "squad_v2")):
        results = published_results("train.json", None, references, False)
        total = f"{QA_TASKS[task].published[0].examples['validation']:,}"
        assert {result.caveat for result in results} == {f"of the {total} questions of SQuAD, here of 60 others"}
        assert [result.source for result in results] == [result.source for result in QA_TASKS[task].published]
    assert published_results(["a.json", "b.json"], None, [["six"]] * 10_570, True) == QA_TASKS["squad"].published
    for given, hub in ((None, None), ({"train": 1}, None), ("deepset/germanquad", "deepset/germanquad")):
        assert published_results(given, hub, answered, False) == ()
    squad = QA_TASKS["squad"]
    assert published_results("squad", squad.dataset, answered, False) == squad.published
    limited = published_results("squad", squad.dataset, answered, True)
    assert {result.caveat for result in limited} == {
        "of all questions of the validation split, here of others or a part"
    }
