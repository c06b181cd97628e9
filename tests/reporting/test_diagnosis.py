"""Rules over figures and reports alone; tests/findings plants each fault in a real training."""

import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bert_finetune_kit import ConfigError, Finding, RunReport, diagnose, diagnose_scores, finding_rule
from bert_finetune_kit.data.checks import label_runs, shared_texts
from bert_finetune_kit.reporting.diagnosis import registry
from bert_finetune_kit.reporting.markdown import to_markdown
from bert_finetune_kit.reporting.terminal import print_report

# Figures of the report that this kit grew out of.
MODULES = {
    "word embeddings": 23_440_896, "positions": 393_216, "token types": 1_536, "a layer": 7_087_872, "pooler": 590_592,
    "MLM head": 622_650, "NSP head": 1_538,
}  # fmt: skip
PERPLEXITIES = [{"perplexity": value} for value in (3_009_244, 2_351_988, 2_162_127, 1_900_715, 1_743_681)]
SST2 = {"recall": 1.0, "precision": 0.551, "accuracy": 0.551, "f1": 0.7105}
SQUAD = {
    "exact": 7.479, "f1": 12.104, "total": 11_873, "HasAns_exact": 14.98, "HasAns_f1": 24.245, "HasAns_total": 5_928,
    "NoAns_exact": 0.0, "NoAns_f1": 0.0, "NoAns_total": 5_945, "best_exact": 50.088, "best_exact_thresh": 0.0,
    "best_f1": 50.092, "best_f1_thresh": 0.0, "meteor": 0.098, "bleu": 0.0, "bleu_1": 1.5e-3, "bleu_length_ratio": 5.6,
    "rouge1": 2.11e-3,
}  # fmt: skip


@pytest.mark.parametrize("given", ["runs/mine", None, {"accuracy": 0.5}])
def test_what_is_no_report_is_not_diagnosed(given):
    with pytest.raises(ConfigError, match=r"is no report: give RunReport\.load\(folder\)"):
        diagnose(given)


def codes(findings):
    return {finding.code for finding in findings}


def report(recipe="classification", **parts):
    empty = {
        "summary": [], "scores": [], "result": {}, "baselines": {}, "glossary": [], "data": {}, "history": [],
        "parameters": {"name": "Bert", "total": 1, "trainable": 1, "tied": 0}, "settings": {}, "timings": {},
    }  # fmt: skip
    return RunReport(recipe, **(empty | parts))


def history(losses, norms=None, rate=1e-3):
    norms = [1.0] * len(losses) if norms is None else norms
    return [
        {"step": step, "epoch": step / 4, "loss": loss, "grad_norm": norm, "learning_rate": rate}
        for step, (loss, norm) in enumerate(zip(losses, norms, strict=True), start=1)
    ]


def test_the_four_tables_of_the_published_report():
    (found,) = diagnose_scores(
        "pretraining", {"parameters": 109_482_240}, expected_parameters=108_432_384, modules=MODULES
    )
    assert found.code == "PARAMETERS_DISAGREE"
    assert "1,049,856 more" in found.evidence
    assert "not a count of this model" in found.evidence

    (found,) = diagnose_scores("pretraining", PERPLEXITIES, vocab_size=30_522)
    assert (found.code, found.severity) == ("PERPLEXITY_ABOVE_UNIFORM", "error")
    assert "no evidence of learning" in found.evidence
    assert f"{math.log(1_743_681):.2f} nats" in found.evidence

    (found,) = diagnose_scores("classification", SST2, examples=1_000)
    assert found.code == "ONE_CLASS_PREDICTED"
    assert found.numbers == {"split": "validation", "base_rate": 0.551, "f1": 0.7105}
    assert "F1 0.7105 is that of a constant prediction" in found.evidence

    found = diagnose_scores("question_answering", SQUAD)
    assert codes(found) == {
        "NEVER_ABSTAINS", "BEST_IS_ABSTAINING", "V2_DATA_AS_V1", "OVERLAP_METRIC_ON_WRONG_TEXT"
    }  # fmt: skip
    assert [finding.severity for finding in found] == ["error", "error", "error", "warning"]
    assert found[0].numbers["share_without_answer"] == pytest.approx(100 * 5_945 / 11_873)


@pytest.mark.parametrize(
    ("recipe", "scores", "context"),
    [
        # Devlin et al. 2019: BERT-base on SST-2, F1 of BERT-large on SQuAD; the kit's own figures of the sample.
        ("classification", {"accuracy": 0.935, "precision": 0.93, "recall": 0.94, "f1": 0.935}, {"examples": 872}),
        ("classification", {"accuracy": 0.935}, {"majority": 0.509, "examples": 872}),
        ("classification", {"accuracy": 1.0, "precision": 1.0, "recall": 1.0, "f1": 1.0}, {"examples": 50}),
        ("pretraining", [{"perplexity": 9.8, "pair_accuracy": 0.83}], {"vocab_size": 1_607, "pairs": 210}),
        ("pretraining", {"parameters": 109_482_240}, {"expected_parameters": 110_000_000}),
        (
            "question_answering",
            {"exact": 79.7, "f1": 82.8, "total": 2498, "HasAns_f1": 83.3, "NoAns_f1": 82.3, "NoAns_total": 1136,
             "best_f1": 82.9, "best_f1_thresh": 0.4, "bleu_length_ratio": 1.1}, {},
        ),
    ],
)  # fmt: skip
def test_good_figures_give_no_finding(recipe, scores, context):
    assert diagnose_scores(recipe, scores, **context) == []


def test_a_difference_of_parameters_that_modules_explain():
    given = {"expected_parameters": 110_106_428, "modules": MODULES}  # BertForPreTraining: the "110M" of the paper
    (found,) = diagnose_scores("pretraining", {"parameters": 109_482_240}, **given)
    assert found.severity == "note"
    assert "MLM head less and NSP head less" in found.evidence
    (found,) = diagnose_scores("classification", {"parameters": 108_891_648}, expected_parameters=109_482_240,
                               modules=MODULES)  # fmt: skip
    assert "exactly pooler less" in found.evidence


@pytest.mark.parametrize(
    ("recipe", "scores", "context", "code"),
    [
        ("pretraining", {"perplexity": 170.0}, {"unigram_perplexity": 167.4, "vocab_size": 1607}, "STUCK_AT_UNIGRAM"),
        ("pretraining", {"pair_accuracy": 0.55}, {"pairs": 200}, "NSP_AT_CHANCE"),
        ("pretraining", {"pair_accuracy": 0.999}, {"pairs": 1000}, "NSP_TOO_EASY"),
        ("classification", {"accuracy": 0.1}, {"majority": 0.5, "examples": 100}, "BELOW_MAJORITY"),
        ("classification", {"accuracy": 0.6}, {"majority": 0.55, "examples": 100}, "TOO_FEW_EXAMPLES_FOR_CLAIM"),
        ("classification", {"accuracy": 0.55}, {"majority": 0.55, "examples": 100}, "NOTHING_LEARNT"),
        ("classification", {"calibration_error": 0.2}, {}, "NOT_CALIBRATED"),
        (
            "classification", {"accuracy": 0.1, "precision": 0.1, "recall": 0.1}, {"examples": 100}, "LABELS_PERMUTED"
        ),
        ("question_answering", {"HasAns_f1": 0.0, "NoAns_f1": 100.0, "total": 9}, {}, "ALWAYS_ABSTAINS"),
        ("question_answering", {"f1": math.nan}, {}, "LOSS_NOT_FINITE"),
    ],
)  # fmt: skip
def test_scores_that_are_wrong(recipe, scores, context, code):
    assert codes(diagnose_scores(recipe, scores, **context)) == {code}


def test_nsp_is_judged_by_its_interval():
    """110 of 200 pairs is chance, 1,100 of 2,000 is not (binomial test, p = 0.18 and 8e-6)."""
    assert diagnose_scores("pretraining", {"pair_accuracy": 0.55}, pairs=2_000) == []


def test_losses_and_gradients():
    rng = np.random.default_rng(0)
    falling = (np.linspace(3, 1, 40) + rng.normal(0, 0.1, 40)).tolist()
    assert diagnose(report(history=history(falling))) == []
    flat = (0.05 + rng.normal(0, 0.01, 40)).tolist()
    assert diagnose(report(history=history(flat))) == []
    assert codes(diagnose(report(history=history(falling[:30] + [2.5] * 10)))) == {"LEARNING_RATE_TOO_HIGH"}
    assert codes(diagnose(report(history=history([0.7, 2.0, 1.4, 1.0] + [0.7] * 8)))) == {"LEARNING_RATE_TOO_HIGH"}
    norms = [1.0] * 30 + [500.0] + [1.0] * 9
    assert codes(diagnose(report(history=history(falling, norms)))) == {"GRADIENTS_EXPLODE"}
    learnt = np.geomspace(5, 1e-4, 40).tolist()  # a loss that reaches nothing, and an odd example late
    assert diagnose(report(history=history(falling, [*learnt[:35], 4.0, *learnt[36:]]))) == []
    assert codes(diagnose(report(history=history([1.0] * 20, rate=1e-8)))) == {"LEARNING_RATE_TOO_LOW"}
    assert "LOSS_NOT_FINITE" in codes(diagnose(report(history=history([1.0, math.nan]))))


def test_overfitting_counts_up_to_the_weights_that_were_saved():
    rows = [{"epoch": n, "step": n, "loss": loss} for n, loss in enumerate((0.5, 0.3, 0.6), start=1)]
    assert codes(diagnose(report(scores=rows, result=rows[2]))) == {"OVERFITTING"}
    assert diagnose(report(scores=rows, result=rows[1])) == []
    assert diagnose(report(scores=rows, result=rows[0])) == []  # better ones came later
    for row, accuracy in zip(rows, (0.5, 0.8, 0.9), strict=True):
        row["accuracy"] = accuracy
    chosen = {"training": {"metric_for_best_model": "accuracy"}}
    assert diagnose(report(scores=rows, result=rows[2], settings=chosen)) == []


def test_severest_first_and_after_a_round_trip(tmp_path):
    rows = [{"epoch": 1.0, "step": 1, "loss": math.nan}]
    given = report(
        scores=rows, result=rows[0], data={"train": {"unknown_tokens": 0.05, "label_shares": {"a": 0.95, "b": 0.05}}},
        evidence={"leak": {"validation": {"count": 1, "of": 1000, "share": 0.001, "what": "texts"}}},
    )  # fmt: skip
    given.findings = diagnose(given)
    assert [finding.severity for finding in given.findings] == ["error", "warning", "warning", "note"]
    given.save(tmp_path)
    loaded = RunReport.load(tmp_path)
    assert codes(loaded.findings) == codes(diagnose(loaded)) == codes(given.findings)


def built_in_rules():
    return [rule for _, rules in registry._BUILT_IN for rule in rules]


def test_a_report_without_numbers_has_no_finding():
    for recipe in ("pretraining", "classification", "question_answering"):
        empty = report(recipe)
        assert diagnose(empty) == []  # a rule that raised would be a RULE_FAILED
    assert all(rule(report()) is None for rule in built_in_rules())


def test_each_rule_has_a_code_and_a_docstring_of_its_own():
    rules = built_in_rules()
    assert len({registry.code_of(rule) for rule in rules}) == len(rules)
    assert len({rule.__doc__ for rule in rules}) == len(rules)
    assert all(rule.__doc__ for rule in rules)


def test_the_page_lists_every_code():
    page = Path(__file__).parents[2] / "docs" / "reading_the_report.md"
    listed = set(re.findall(r"^\| `([A-Z0-9_]+)`", page.read_text("utf-8"), re.MULTILINE))
    assert listed == {registry.code_of(rule) for rule in built_in_rules()} | {"RULE_FAILED"}


def test_pages_state_the_number_of_rules():
    root = Path(__file__).parents[2]
    for page in ("README.md", "docs/index.md", "CHANGELOG.md"):
        stated = re.findall(r"(\d+) rules", (root / page).read_text("utf-8"))
        assert set(stated) == {str(len(built_in_rules()))}, page


@pytest.fixture
def rules(monkeypatch):
    monkeypatch.setattr(registry, "_RULES", dict(registry._RULES))


def test_a_rule_of_a_user(rules):
    @finding_rule("classification")
    def cola_is_hard(report):
        if report.result.get("matthews", 1) < 0.3:
            return Finding("COLA_IS_HARD", "note", "Matthews is low.")
        return None

    given = report(result={"matthews": 0.1})
    assert codes(diagnose(given)) == {"COLA_IS_HARD"}
    given.recipe = "pretraining"
    assert diagnose(given) == []
    assert cola_is_hard(report()) is None  # it is still a plain function
    with pytest.raises(ConfigError, match="already a rule COLA_IS_HARD"):

        @finding_rule()
        def cola_is_hard(report):
            return None

    @finding_rule(replace=True)
    def cola_is_hard(report):
        return None

    given.recipe = "classification"
    assert diagnose(given) == []


def test_a_rule_that_fails_costs_nobody_a_run(rules):
    @finding_rule()
    def broken_rule(report):
        return report.result["nothing"]

    (found,) = diagnose(report())
    assert (found.code, found.severity) == ("RULE_FAILED", "note")
    assert "BROKEN_RULE" in found.evidence


def test_what_diagnose_scores_refuses():
    with pytest.raises(ConfigError, match=r"no recipe 'clasification'; use one of .*\. Did you mean 'classification'"):
        diagnose_scores("clasification", {"accuracy": 1})
    with pytest.raises(ConfigError, match=r"no context 'vocabsize'; use one of .*\. Did you mean 'vocab_size'"):
        diagnose_scores("pretraining", {"perplexity": 1}, vocabsize=3)
    with pytest.raises(ConfigError, match="give scores by name"):
        diagnose_scores("pretraining", [])


def test_views_show_findings():
    given = report(
        summary=["It is done."], findings=[Finding("A_CODE", "warning", "Seen 3 of 4.", {}, ["why"], ["Do.", "Or."])]
    )
    text = to_markdown(given)
    assert text.index("It is done.") < text.index("### A_CODE (warning)") < text.index("## Scores")
    assert "Seen 3 of 4.\n\nLikely causes: why.\n\n1. Do.\n2. Or." in text
    stream = io.StringIO()
    print_report(given, "runs/x", Console(file=stream, width=100))
    assert "A_CODE Seen 3 of 4. → Do." in stream.getvalue()
    assert "Or." not in stream.getvalue()
    given.findings, given.evidence = [], {"rules": 12}
    assert "None (12 rules applied)." in to_markdown(given)
    given.evidence = {}  # a report that was never diagnosed
    assert "Findings" not in to_markdown(given)


def test_runs_of_labels_against_random_orders():
    rng = np.random.default_rng(0)
    labels = rng.choice(3, 200, p=[0.6, 0.3, 0.1])
    drawn = [label_runs(rng.permutation(labels)) for _ in range(2_000)]
    runs, z = (np.array([runs_test[name] for runs_test in drawn]) for name in ("runs", "z"))
    assert runs.mean() == pytest.approx(drawn[0]["expected"], abs=4 * runs.std() / 2_000**0.5)
    assert z.std() == pytest.approx(1, abs=0.07)
    assert label_runs(np.sort(labels))["z"] < -10
    assert label_runs(np.zeros(5, int))["z"] == label_runs(np.zeros(1, int))["z"] == 0


def test_shared_texts_of_nothing():
    assert shared_texts([b"a"], [], "texts")["share"] == 0


def test_the_severest_finding_comes_first_whatever_the_order_of_the_rules(rules):
    for severity in ("note", "error", "warning"):

        def rule(report, severity=severity):
            return Finding(severity.upper(), severity, "It applies.")

        rule.__name__ = f"a_{severity}"
        finding_rule()(rule)
    assert [finding.severity for finding in diagnose(report())] == ["error", "warning", "note"]


@pytest.mark.parametrize(
    ("scores", "context", "message"),
    [
        ({"accuracy": 55.1, "recall": 100.0}, {}, "accuracy is 55.1: give a share from 0 to 1"),
        ({"Accuracy": 0.5}, {}, "did you mean 'accuracy'"),
        ({}, {}, "no known score was given"),
        ({"accuracy": "0.5"}, {}, "accuracy is '0.5': give a number"),
        ({"accuracy": 0.9}, {"majority": 50}, "majority is 50: give a share"),
        (5, {}, "give scores by name"),
        ([1, 2], {}, "give scores by name"),
    ],
)
def test_scores_that_cannot_be(scores, context, message):
    with pytest.raises(ConfigError, match=message):
        diagnose_scores("classification", scores, **context)


def test_a_constant_prediction_of_the_first_label_has_its_share_as_accuracy():
    scores = {"accuracy": 0.45, "recall": 0.0, "precision": 0.0}
    assert "ONE_CLASS_PREDICTED" in [
        finding.code for finding in diagnose_scores("classification", scores, examples=1000, majority=0.55)
    ]
    for wrong in ({"accuracy": 0.4}, {"accuracy": 0.0}):
        found = diagnose_scores("classification", scores | wrong, examples=1000, majority=0.55)
        assert "ONE_CLASS_PREDICTED" not in [finding.code for finding in found]


@pytest.mark.parametrize("returned", [Finding("X", "critical", "x"), "text", True, Finding("X", "note", None)])
def test_what_an_ill_formed_rule_returns_costs_no_run(monkeypatch, returned):
    def odd(report):
        return returned

    monkeypatch.setitem(registry._RULES, "ODD", (odd, ()))
    found = diagnose_scores("classification", {"accuracy": 0.9})
    assert any(finding.code == "RULE_FAILED" and "The rule ODD" in finding.evidence for finding in found)


def test_a_decorator_without_parentheses_is_refused():
    with pytest.raises(ConfigError, match="finding_rule"):

        @finding_rule
        def some_rule(report):
            return None


@pytest.mark.parametrize(("accuracy", "code"), [(0.5, "NSP_AT_CHANCE"), (0.999, "NSP_TOO_EASY")])
@pytest.mark.parametrize("objective", ["nsp", "sop"])
def test_the_objective_that_is_used_is_no_advice(accuracy, code, objective):
    data = {"validation": {"examples_per_epoch": 10_000}}
    settings = {"recipe": {"objective": objective}}
    (found,) = diagnose(report("pretraining", result={"pair_accuracy": accuracy}, data=data, settings=settings))
    assert found.code == code
    assert ("'sop'" in " ".join(found.advice)) is (objective == "nsp")


def test_pairs_are_judged_by_the_interval_of_the_report():
    """Over documents, it is wider than that of pairs that are independent."""
    data = {"validation": {"examples_per_epoch": 10_000}}
    settings = {"recipe": {"objective": "nsp"}}
    given = {"result": {"pair_accuracy": 0.55}, "data": data, "settings": settings}
    assert not diagnose(report("pretraining", **given))
    (found,) = diagnose(report("pretraining", **given, intervals={"pair_accuracy": [0.48, 0.62]}))
    assert (found.code, found.numbers["interval"]) == ("NSP_AT_CHANCE", [0.48, 0.62])


@pytest.mark.parametrize("limited", [True, False])
def test_what_to_do_where_the_first_questions_all_have_an_answer(limited):
    data = {"train": {"without_answer": 0.0}, "validation": {"without_answer": 0.4}}
    settings = {"source": {"max_train_examples": 150}} if limited else {}
    found = next(
        finding
        for finding in diagnose(report("question_answering", result={"f1": 20.0}, data=data, settings=settings))
        if finding.code == "V2_DATA_AS_V1"
    )
    assert ("max_train_examples" in found.advice[0]) is limited
    assert not any("script" in text for text in (*found.causes, *found.advice))


@pytest.mark.parametrize(
    ("scores", "evidence"),
    [
        ({"pearson": math.nan},
         "Pearson is not defined (NaN), as where the same value is predicted for every example."),
        ({"pearson": math.nan, "spearman": math.nan, "mse": 2.1},
         "Pearson and Spearman are not defined (NaN), as where the same value is predicted for every example."),
        ({"matthews": math.nan, "accuracy": 0.7},
         "Matthews is not defined (NaN), as where the same label is predicted for every example."),
    ],
)  # fmt: skip
def test_an_undefined_correlation_is_a_constant_prediction(scores, evidence):
    (found,) = diagnose_scores("classification", scores)
    assert (found.code, found.evidence) == ("ONE_CLASS_PREDICTED", f"On validation, {evidence}")
    (found,) = diagnose_scores("classification", scores | {"loss": math.nan})
    assert found.code == "LOSS_NOT_FINITE"


def test_more_steps_are_not_advised_to_a_loss_that_is_not_finite():
    scores = {"accuracy": 0.5, "loss": math.nan}
    found = diagnose_scores("classification", scores, majority=0.55, examples=100)
    assert codes(found) == {"LOSS_NOT_FINITE", "NOTHING_LEARNT"}
    assert not any("more steps" in advice for finding in found for advice in finding.advice)


def test_an_undefined_score_is_no_loss_that_is_not_finite():
    rows = [{"epoch": 1.0, "step": 1, "loss": 0.5, "pearson": math.nan}]
    assert codes(diagnose(report(scores=rows, result=rows[0]))) == {"ONE_CLASS_PREDICTED"}


FEW = {
    "UNSHUFFLED": lambda count: report(
        data={"train": {"examples": count}}, evidence={"label_runs": {"runs": 2, "expected": 9.0, "z": -9.0}}
    ),
    "NSP_AT_CHANCE": lambda count: report(
        "pretraining", result={"pair_accuracy": 0.5}, data={"validation": {"examples_per_epoch": count}}
    ),
    "STUCK_AT_UNIGRAM": lambda count: report(
        "pretraining", result={"perplexity": 99.0}, data={"validation": {"examples_per_epoch": count}},
        baselines={"unigram": {"perplexity": 90.0}, "uniform": {"perplexity": 500.0}},
    ),
    "ONE_CLASS_PREDICTED": lambda count: report(
        details={"validation": {"examples": count, "scores": dict.fromkeys(("accuracy", "precision"), 1 - 1 / count) |
                                {"recall": 1.0}}}
    ),
    "IMBALANCED": lambda count: report(data={"train": {"examples": count, "label_shares": {"a": 0.95, "b": 0.05}}}),
    "OVERFITTING": lambda count: report(
        scores=[{"step": 1, "loss": 0.2}, {"step": 2, "loss": 0.9}], result={"step": 2, "loss": 0.9},
        data={"validation": {"examples": count}},
    ),
    "ALWAYS_ABSTAINS": lambda count: report(
        "question_answering", details={"abstained": 100.0, "scores": {"total": count, "HasAns_total": count}}
    ),
    "BEST_IS_ABSTAINING": lambda count: report(
        "question_answering", result={"total": count, "NoAns_total": count / 2, "best_f1": 50.0}
    ),
    "SPANS_TOO_LONG": lambda count: report(
        "question_answering", evidence={"predicted_words": 9.0, "answer_words": 2.0, "answers_compared": count}
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", FEW)
def test_rules_speak_from_twenty_examples_on(code):
    assert code in codes(diagnose(FEW[code](20)))
    assert diagnose(FEW[code](19)) == []
    assert diagnose(FEW[code](3)) == []


def test_never_abstaining_is_judged_by_its_interval():
    """Of four questions, at most 49% of all with 95% confidence; of three, 56%."""
    for count, expected in ((4, {"NEVER_ABSTAINS"}), (3, set())):
        assert codes(diagnose_scores("question_answering", {"NoAns_f1": 0.0, "NoAns_total": count})) == expected


def test_a_checkpoint_that_was_never_trained_is_not_one_that_was_not_loaded():
    evidence = {"randomly_initialized_layers": 2, "encoder_layers": 2, "from_checkpoint": True}
    given = report(evidence=evidence, settings={"model": {"model_name_or_path": "runs/new"}})
    (found,) = diagnose(given)
    assert (found.code, found.severity) == ("WEIGHTS_NOT_LOADED", "error")
    assert (
        "2 of 2 encoder layers of runs/new have the initial weights of a new model: it was saved before"
        in found.evidence
    )
    given.evidence["from_checkpoint"] = False
    (found,) = diagnose(given)
    assert (found.severity, "as requested by model='runs/new'" in found.evidence) == ("note", True)


def test_new_weights_explain_the_gradients_that_they_have():
    norms = [1.0] * 30 + [500.0] + [1.0] * 9
    untrained = {"randomly_initialized_layers": 2, "encoder_layers": 2, "from_checkpoint": True}
    given = report(history=history(np.linspace(3, 1, 40).tolist(), norms), evidence=untrained)
    assert codes(diagnose(given)) == {"WEIGHTS_NOT_LOADED"}
    given.evidence["from_checkpoint"] = False  # as asked for: a note, from which nothing follows
    assert codes(diagnose(given)) == {"WEIGHTS_NOT_LOADED", "GRADIENTS_EXPLODE"}


def test_unchanged_weights_get_advice_that_fits():
    modules = [
        {"name": name, "trainable": True, "after": 9, "relative_change": change}
        for name, change in (("encoder.layer.0", 0.0), ("classifier", 0.1))
    ]
    for decay, raised in ((1.0, False), (0.1, True)):
        (found,) = diagnose(report(change={"modules": modules}, settings={"recipe": {"layer_decay": decay}}))
        assert (found.severity, "Raise layer_decay" in found.advice[0]) == ("warning", raised)
    modules[1]["relative_change"] = 0.0
    (found,) = diagnose(report(change={"modules": modules}))
    assert found.severity == "error"
    assert "None of the 2 trainable modules changed" in found.evidence
    assert not any("layer_decay" in text for text in (*found.causes, *found.advice))


@pytest.mark.parametrize(
    ("temperature", "after", "severity"), [(2.5, 0.04, "note"), (2.5, 0.15, "warning"), (1.0, 0.04, "warning")]
)
def test_a_temperature_that_mends_the_probabilities_makes_it_a_note(temperature, after, severity):
    judged = {
        "temperatures": {"labels": temperature}, "after": {"calibration_error": after, "by_chance": 0.05},
        "before": {"calibration_error": 0.2, "by_chance": 0.05, "bins": []}, "judged_on": 400,
    }  # fmt: skip
    details = {"examples": 400, "scores": {"calibration_error": 0.2}, "calibration": judged}
    (found,) = diagnose(report(result={"calibration_error": 0.2}, details={"validation": details}))
    assert found.severity == severity
    assert ("With the temperature that was fitted it is 4.0%." in found.evidence) == (severity == "note")


@pytest.mark.parametrize(
    ("statistics", "says"),
    [
        ({"questions": 60, "questions_cut": 6, "answers_in_no_window": 0, "longest_question": 25},
         "the longest question has 25 tokens, and max_question_length is 24"),
        ({"questions": 60, "questions_cut": 0, "answers_in_no_window": 6, "longest_context": 90},
         "the longest has 90 tokens, and max_length is 64"),
        ({"examples": 60, "truncated_examples": 6, "longest": 80}, "the longest has 80 tokens, and max_length is 64"),
    ],
)  # fmt: skip
def test_what_is_truncated_is_named_with_its_limit(statistics, says):
    recipe = "question_answering" if "questions" in statistics else "classification"
    settings = {"recipe": {"max_length": 64, "max_question_length": 24}}
    (found,) = diagnose(report(recipe, data={"test": statistics}, settings=settings))
    assert (found.code, says in found.evidence) == ("TRUNCATED_MUCH", True), found.evidence


@pytest.mark.parametrize("from_scratch", [True, False])
def test_a_checkpoint_is_advised_to_new_weights_alone(from_scratch):
    (found,) = diagnose(
        report(
            result={"accuracy": 0.55}, evidence={"majority": 0.55, "examples": 100},
            settings={"model": {"from_scratch": from_scratch}},
        )
    )  # fmt: skip
    assert ("Start from a pretrained checkpoint." in found.advice) == from_scratch
