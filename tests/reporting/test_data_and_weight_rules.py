"""Rules on the data and on the weights, at their limits and beside them."""

import pytest
from synthetic_reports import empty_report

from bert_finetune_kit.reporting.diagnosis import data, weights


def leak(share, count=10, **further):
    found = {"count": count, "of": 1_000, "share": share, "what": "texts"}
    return data.train_validation_leak(empty_report(evidence={"leak": {"validation": found, **further}}))


def test_a_leak_of_one_in_a_hundred_is_a_warning():
    assert leak(0.01).severity == "warning"
    assert leak(0.00999).severity == "note"
    assert leak(0.01).evidence == (
        "10 of 1,000 texts of the validation split (1.0%) are in the training split, token for token."
    )
    assert leak(0.01).numbers == {"split": "validation", "count": 10, "share": 0.01}
    assert leak(0.001, 1).severity == "note"
    assert leak(0.0, 0) is None
    worse = {"count": 5, "of": 50, "share": 0.1, "what": "questions"}
    assert leak(0.01, test=worse).evidence.startswith("5 of 50 questions of the test split (10.0%)")


def unshuffled(z, examples=20, **source):
    evidence = {"label_runs": {"runs": 1_012, "expected": 2_050.4, "z": z}}
    return data.unshuffled(
        empty_report(evidence=evidence, data={"train": {"examples": examples}}, settings={"source": source})
    )


def test_sorted_rows_are_five_deviations_from_a_random_order():
    found = unshuffled(-5.0)
    assert (found.severity, found.numbers) == ("note", {"runs": 1_012, "expected": 2_050.4, "z": -5.0})
    assert found.evidence == (
        "The labels of the training split form 1,012 runs of equal labels; a random order would have 2,050. The rows "
        "are shuffled in each epoch."
    )
    assert found.advice == ["Nothing, as long as no limit on the examples cuts rows off."]
    assert unshuffled(-4.99) is unshuffled(7.0) is None
    assert unshuffled(float("nan")) is None
    assert unshuffled(-5.0, 19) is None
    for name in ("max_train_examples", "max_validation_examples"):
        limited = unshuffled(-5.0, **{name: 100})
        assert limited.severity == "warning"
        assert limited.evidence.endswith("2,050. Only the first rows were used.")
        assert limited.advice[0].startswith("Shuffle the rows before limiting them")


@pytest.mark.parametrize(
    ("statistics", "share"),
    [
        ({"truncated_examples": 10, "examples": 100}, "10.0%"),
        ({"truncated_examples": 9, "examples": 100}, None),
        ({"truncated_examples": 1, "examples": 1}, "100.0%"),
        ({"truncated_examples": 0, "examples": 0}, None),
        ({"truncated_examples": 10}, None),
        ({"questions_cut": 10, "questions": 100}, "10.0%"),
        ({"questions_cut": 9, "questions": 100}, None),
        ({"questions_cut": 6, "answers_in_no_window": 5, "questions": 100}, "11.0%"),
        ({"questions_cut": 6, "answers_in_no_window": 3, "questions": 100}, None),
    ],
)
def test_one_truncated_example_in_ten(statistics, share):
    settings = {"recipe": {"max_length": 128, "max_question_length": 32}}
    longest = {"longest": 1_201, "longest_question": 1_061}
    found = data.truncated_much(empty_report(data={"train": {**statistics, **longest}}, settings=settings))
    if share is None:
        assert found is None
    else:
        longest = "question has 1,061 tokens, and max_question_length is 32"
        longest = longest if "questions_cut" in statistics else "has 1,201 tokens, and max_length is 128"
        assert found.evidence == f"{share} of the train split are truncated: the longest {longest}."


def test_the_limit_that_truncates_is_named():
    def found(cut, in_no_window, questions=100):
        statistics = {
            "questions_cut": cut, "answers_in_no_window": in_no_window, "questions": questions, "longest_context": 600
        }  # fmt: skip
        return data.truncated_much(empty_report(data={"train": statistics}, settings={"recipe": {"max_length": 64}}))

    assert found(30, 30).evidence.endswith("the longest has 600 tokens, and max_length is 64.")
    assert len(found(30, 30).advice) == 2
    assert found(31, 30).evidence.endswith("the longest question has 600 tokens, and max_question_length is None.")
    assert len(found(31, 30).advice) == 1
    assert "max_question_length" in found(31, None).evidence
    assert found(1, None) is None
    assert "max_question_length" in found(1, None, 10).evidence


def test_the_split_that_is_truncated_most_speaks():
    splits = {
        "train": {"truncated_examples": 20, "examples": 100, "longest": 300},
        "validation": {"truncated_examples": 5, "examples": 10, "longest": 400},
    }
    found = data.truncated_much(empty_report(data=splits, settings={"recipe": {"max_length": 64}}))
    assert found.evidence.startswith("50.0% of the validation split are truncated: the longest has 400 tokens")
    assert found.numbers == {"shares": {"train": 0.2, "validation": 0.5}, "longest": 400, "max_length": 64}
    del splits["validation"]["longest"]
    assert data.truncated_much(empty_report(data=splits)).numbers["longest"] == 0


@pytest.mark.parametrize(
    ("share", "severity"), [(0.0099, None), (0.01, "warning"), (0.199, "warning"), (0.2, "error"), (0.9, "error")]
)
def test_unknown_words(share, severity):
    found = data.unknown_words(empty_report(data={"train": {"unknown_tokens": share}, "validation": {}}))
    assert (found and found.severity) == severity
    if found:
        assert found.evidence == (
            f"{share:.1%} of the tokens of the train split are [UNK], which carries no information on the word."
        )
    worse = {"train": {"unknown_tokens": share}, "validation": {"unknown_tokens": 0.95}}
    assert data.unknown_words(empty_report(data=worse)).evidence.startswith("95.0% of the tokens of the validation")


def loaded(untrained, layers, recipe="classification", **evidence):
    evidence = {"randomly_initialized_layers": untrained, "encoder_layers": layers, **evidence}
    return weights.weights_not_loaded(empty_report(recipe, evidence=evidence))


def test_layers_with_initial_weights():
    assert loaded(0, 12) is None
    assert loaded(1, 12).evidence.startswith("1 of 12 encoder layers were randomly initialized")
    assert loaded(3, None) is None
    assert loaded(3, 12, "pretraining") is None  # a pretraining from scratch
    found = loaded(3, 12, "pretraining", from_checkpoint=True)
    assert (found.severity, found.numbers) == ("error", {"randomly_initialized_layers": 3, "encoder_layers": 12})
    assert found.evidence.startswith("3 of 12 encoder layers of None have the initial weights")
    assert len(found.advice) == len(loaded(3, 12).advice) + 1 == 2


def unchanged(changes, **parts):
    modules = [
        {"name": f"m{n}", "trainable": True, "after": 9.0, "relative_change": change}
        for n, change in enumerate(changes)
    ]
    return weights.layers_unchanged(empty_report(change={"modules": modules}, **parts))


def test_a_module_that_changes_by_rounding_alone_is_unchanged():
    assert unchanged([1.01e-6, 0.1]) is None
    assert unchanged([None, 0.1]) is None
    found = unchanged([1e-6, 0.1])
    assert found.evidence == "1 of 2 trainable modules did not change: m0."
    assert (found.severity, found.numbers) == ("warning", {"unchanged": ["m0"], "trainable": 2})
    assert found.causes[0] == "their learning rate is 0"
    assert unchanged([0.0] * 5 + [0.1]).evidence.endswith("did not change: m0, m1, m2, m3, m4.")
    assert unchanged([0.0] * 6 + [0.1]).evidence == (
        "6 of 7 trainable modules did not change: m0, m1, m2, m3, m4 …."
    )  # fmt: skip
    none = unchanged([0.0] * 6)
    assert none.severity == "error"
    assert none.evidence.startswith("None of the 6 trainable modules changed (m0, m1, m2, m3, m4 …):")


def test_a_decay_of_the_layers_is_named_where_there_is_one():
    for decay, named in ((None, False), (1.0, False), (0.99, True)):
        found = unchanged([0.0, 0.1], settings={"recipe": {"layer_decay": decay}})
        assert (found.causes[0] == "their learning rate is 0 (a layer_decay near 0)") is named
        assert found.advice[0].startswith("Raise layer_decay") is named


def test_modules_that_are_frozen_or_have_no_weights_are_left_out():
    modules = [
        {"name": "frozen", "trainable": False, "after": 9.0, "relative_change": 0.0},
        {"name": "empty", "trainable": True, "after": 0.0, "relative_change": 0.0},
        {"name": "trained", "trainable": True, "after": 9.0, "relative_change": 0.2},
    ]
    assert weights.layers_unchanged(empty_report(change={"modules": modules})) is None


def parameters(count, expected, modules=None):
    given = {"parameters": count, "expected_parameters": expected, "modules": modules}
    return weights.parameters_disagree(empty_report(evidence=given))


@pytest.mark.parametrize(
    ("count", "expected", "agree"),
    [
        (109_482_240, 110_000_000, True), (109_482_240, 109_000_000, True), (109_482_240, 109_500_000, True),
        (109_482_240, 108_000_000, False), (109_482_240, 109_400_000, False), (109_482_240, 109_482_240, True),
        (109_482_240, 109_482_241, False), (1, 1, True), (104, 100, True), (151, 100, False), (149, 100, True),
        (3, 0, False),
    ],
)  # fmt: skip
def test_a_number_agrees_with_what_rounds_to_it(count, expected, agree):
    assert (parameters(count, expected) is None) is agree


def test_a_difference_of_parameters_in_words():
    found = parameters(1_300, 1_001)
    assert (found.severity, found.evidence) == ("warning", "1,300 parameters, expected 1,001: 299 more.")
    assert found.numbers == {"parameters": 1_300, "expected": 1_001, "difference": 299, "explained": None}
    assert len(found.causes) == 2
    found = parameters(1_001, 1_301, {"a": 300, "b": 100, "c": 200})
    assert found.evidence == "1,001 parameters, expected 1,301: 300 fewer. The difference is exactly a less."
    assert (found.severity, found.causes) == ("note", [])
    found = parameters(1_401, 1_101, {"b": 100, "c": 200})
    assert found.evidence.endswith("300 more. The difference is exactly b more and c more.")
    found = parameters(1_401, 1_302, {"b": 100, "c": 1})
    assert found.evidence.endswith("99 more. The difference is exactly b more and c less.")
    found = parameters(1_401, 1_302, {"b": 100})
    assert found.evidence.endswith("99 more. No sum of whole modules is that difference: the expected number is not a "
                                   "count of this model.")  # fmt: skip


def test_ten_modules_are_tried():
    modules = {f"m{n}": 10**n for n in range(11)}
    assert parameters(1_000_001_001, 1_001, modules).numbers["explained"] == "m9 more"
    assert parameters(10_000_001_001, 1_001, modules).numbers["explained"] is None
