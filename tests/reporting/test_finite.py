"""Figures that are NaN or infinite: each is a finding, and every rendering of its report is made."""

import math

import pytest
from synthetic_reports import empty_report, log_rows

from bert_finetune_kit import RunReport, compare_reports, diagnose, diagnose_scores
from bert_finetune_kit.classification.card import card_context
from bert_finetune_kit.reporting.drawable import drawable
from bert_finetune_kit.reporting.html import to_html
from bert_finetune_kit.reporting.markdown import to_markdown
from bert_finetune_kit.reporting.model_card import model_card
from bert_finetune_kit.reporting.plots import plots
from bert_finetune_kit.reporting.schema import Score

NAN, INF = math.nan, math.inf
GLOSSARY = [Score("accuracy", "accuracy", ".1%", ""), Score("f1", "F1", ".1%", ""), Score("loss", "loss", ".4f", "")]


def row(step, **values):
    return {"epoch": step / 10, "step": step, "accuracy": 0.8, "f1": 0.7, "loss": 0.5} | values


def run(**parts):
    given = {"scores": [row(10), row(20)], "result": row(20), "glossary": GLOSSARY, "history": log_rows([0.9, 0.8])}
    return empty_report(**(given | parts))


def logs(name, value):
    history = log_rows([0.9, 0.8])
    history[1][name] = value
    return history


CASES = [
    ({"result": row(20, accuracy=NAN)}, "error SCORE_NOT_FINITE", "accuracy of the saved weights is nan"),
    ({"result": row(20, f1=INF)}, "warning SCORE_NOT_FINITE", "F1 of the saved weights is inf"),
    ({"scores": [row(1_000, f1=NAN), row(20)]}, "note SCORE_NOT_FINITE", "F1 at step 1,000 is nan"),
    ({"scores": [row(10, pearson=-INF), row(20)]}, "note SCORE_NOT_FINITE", "pearson at step 10 is -inf"),
    ({"details": {"test": {"scores": {"accuracy": NAN}}}}, "error SCORE_NOT_FINITE", "accuracy on test is nan"),
    ({"intervals": {"f1": (0.5, INF)}}, "warning SCORE_NOT_FINITE", "the upper end of the interval of F1 is inf"),
    ({"baselines": {"majority": {"f1": NAN}}}, "note SCORE_NOT_FINITE", "F1 of the majority baseline is nan"),
    ({"history": logs("learning_rate", NAN)}, "note SCORE_NOT_FINITE",
     "the learning rate in 1 of 2 rows of the training logs, first at step 2, is nan"),
    ({"history": logs("tokens_per_second", INF)}, "note SCORE_NOT_FINITE", "the tokens per second in 1 of 2 rows"),
    ({"schedule": [{"step": 1, "learning_rate": NAN}]}, "note SCORE_NOT_FINITE", "1 of 1 rows of the schedule, first"),
    ({"change": {"before": 9, "after": 9, "explanation": [], "modules": [
        {"name": "layer.0", "layer": 0, "before": 9, "after": 9, "trainable": True, "relative_change": NAN}]}},
     "note SCORE_NOT_FINITE", "the change of the weights of layer.0 is nan"),
    ({"result": row(20, loss=NAN)}, "error LOSS_NOT_FINITE", "the loss of the saved weights"),
    ({"scores": [row(10, loss=INF), row(20)]}, "error LOSS_NOT_FINITE", "1 of 2 evaluations (first loss at step 10)"),
    ({"history": logs("loss", NAN)}, "error LOSS_NOT_FINITE", "1 of 2 training logs (first at step 2)"),
    ({"history": logs("grad_norm", INF)}, "warning GRADIENTS_EXPLODE", "not finite, the first at step 2."),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "code", "evidence"), CASES)
def test_whatever_is_not_finite_is_a_finding(parts, code, evidence, tmp_path):
    """Of a report in memory, and of its file, which has words for such figures."""
    report = run(**parts)
    report.save(tmp_path)
    for given in (report, RunReport.load(tmp_path)):
        found = [f for f in diagnose(given) if f.code in ("SCORE_NOT_FINITE", "LOSS_NOT_FINITE", "GRADIENTS_EXPLODE")]
        assert [f"{finding.severity} {finding.code}" for finding in found] == [code]
        assert evidence in found[0].evidence
        assert "RULE_FAILED" not in {finding.code for finding in diagnose(given)}
        assert to_markdown(given)
        assert str(given)
        for runs in ((given, run()), (run(), given), (given, given)):
            comparison = compare_reports(*runs, names="ab")
            assert comparison.to_markdown()
            assert str(comparison)


def test_a_report_of_finite_figures_has_no_such_finding():
    assert not any("NOT_FINITE" in finding.code for finding in diagnose(run()))


def test_what_another_rule_says_is_not_said_again():
    (found,) = diagnose_scores("classification", {"pearson": NAN, "spearman": NAN, "mse": 2.0})
    assert found.code == "ONE_CLASS_PREDICTED"
    (found,) = diagnose_scores("classification", {"accuracy": NAN, "loss": NAN})
    assert (found.code, found.evidence) == ("LOSS_NOT_FINITE", "NaN or infinite: 1 of 1 evaluations.")


def test_many_figures_are_counted():
    scores = [row(step, f1=NAN) for step in range(1, 11)]
    found = next(finding for finding in diagnose(run(scores=scores)) if finding.code == "SCORE_NOT_FINITE")
    assert found.evidence.endswith("F1 at step 6 is nan; and 4 more.")
    assert found.numbers["count"] == len(found.numbers["figures"]) == 10


def test_a_page_with_its_plots_is_made(full_report, tmp_path):
    full_report.intervals, full_report.baselines = {"accuracy": (NAN, 0.9)}, {"majority": {"accuracy": INF}}
    full_report.timings, full_report.change["modules"][1]["relative_change"] = {"training": NAN, "whole run": INF}, NAN
    full_report.save(tmp_path)
    loaded = RunReport.load(tmp_path)
    assert "accuracy by step" in to_html(loaded)
    assert "Accuracy" in compare_reports(loaded, full_report).to_html()


RELIABILITY = {"bins": [{"low": 0.5, "high": 0.6, "count": 4, "confidence": 0.55, "accuracy": NAN}],
               "calibration_error": 0.1}  # fmt: skip
HISTOGRAM = {"edges": [0.1, 0.5, 0.9], "answerable": [7, 2], "unanswerable": [0, 1], "threshold": INF}


def test_figures_that_cannot_be_drawn_are_named_and_the_others_are_drawn(full_report, tmp_path):
    split = next(iter(full_report.details))
    full_report.details[split] |= {"reliability": RELIABILITY, "confusion": [[8, NAN], [3, 8]]}
    full_report.details["no_answer_histogram"] = HISTOGRAM
    full_report.details[split]["risk_coverage"] = {"coverage": [0.5, 1.0], "risk": [0.0, 0.1], "area": 0.1,
                                                   "predictions": 9}  # fmt: skip
    full_report.data["train"]["label_shares"] = {"a": INF, "b": 0.5}
    full_report.save(tmp_path)
    for report in (full_report, RunReport.load(tmp_path)):
        (found,) = (finding for finding in diagnose(report) if finding.code == "SCORE_NOT_FINITE")
        assert found.severity == "note"
        for text in (
            "a figure of the no answer histogram is inf", f"a figure of the reliability on {split} is nan",
            f"a figure of the confusion on {split} is nan", "a figure of the label shares on train is inf",
        ):  # fmt: skip
            assert text in found.evidence
    assert [plot.title for plot in plots(report)[1]] == [f"Risk by coverage, {split}"]


def test_a_report_of_finite_figures_is_drawn_whole(full_report):
    drawn = drawable(full_report)
    assert (drawn.details, drawn.data) == (full_report.details, full_report.data)


def test_a_card_of_scores_that_are_not_finite_is_made(tmp_path):
    scores = {"accuracy": NAN, "f1": 0.7}
    details = {"validation": {"examples": 40, "scores": scores, "baseline": {"f1": NAN},
                              "intervals": {"f1": (NAN, 0.8), "accuracy": (NAN, NAN)}}}  # fmt: skip
    settings = {"task": {"labels": ["a", "b"], "kind": "single_label", "text_pair": None},
                "recipe": {"max_length": 9, "stride": None, "threshold": 0.5}}  # fmt: skip
    parameters = {"name": "Bert", "total": 9, "trainable": 9, "tied": 0, "children": []}
    report = run(details=details, settings=settings, data={"train": {"examples": 9}}, parameters=parameters,
                 result=row(20, accuracy=NAN), intervals={"f1": (NAN, 0.8)})  # fmt: skip
    report.save(tmp_path)
    for given in (report, RunReport.load(tmp_path)):
        card = model_card(given, card_context(given), "mine")
        assert [result.metric_type for result in card.data.eval_results] == ["f1"]
        assert "| F1 | 70.0% |" in card.text
        assert "nan" not in str(card).lower()


def test_an_interval_that_is_not_finite_shows_no_difference():
    """Neither as significant, nor by numbers."""
    first, second = run(intervals={"accuracy": (0.7, 0.9)}), run(intervals={"accuracy": (NAN, NAN)})
    second.result["accuracy"] = 0.9
    found = compare_reports(first, second)
    assert found.differences[0].interval is None
    assert "without intervals, the difference cannot be distinguished from chance" in found.verdict[0]


def test_baselines_that_are_undefined_are_no_other_data():
    first, second = (run(baselines={"majority": {"accuracy": float("nan")}}) for _ in range(2))
    second.result["accuracy"] = 0.9
    assert compare_reports(first, second).differences[0].comparable
