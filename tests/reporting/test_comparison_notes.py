"""What a comparison says beside differences: runs of different tasks, and runs that are no better than a baseline."""

from dataclasses import replace

import pytest

from bert_finetune_kit import ConfigError, compare_reports, compare_seeds
from bert_finetune_kit.reporting.known_scores import KNOWN_SCORES

LABELS = {"kind": "single_label", "labels": ["bad", "good"]}
OF_QUESTIONS = KNOWN_SCORES["question_answering"]


def scored(report, scores, recipe="classification", task=LABELS, baselines=None, intervals=None):
    """Return the report of a run with these scores."""
    return replace(
        report, recipe=recipe, result=scores, glossary=[KNOWN_SCORES[recipe][key] for key in scores],
        settings={**report.settings, "task": task}, baselines=baselines or {}, intervals=intervals or {},
    )  # fmt: skip


@pytest.fixture
def classifier(full_report):
    return scored(full_report, {"accuracy": 0.86, "loss": 0.37}, intervals={"accuracy": [0.84, 0.88]})


@pytest.fixture
def regression(full_report):
    return scored(full_report, {"pearson": 0.81, "spearman": 0.8, "loss": 1.2}, task={"kind": "regression"})


def rows_of(comparison):
    return {row[0]: row[1:] for row in comparison.tables[0].rows}


def test_each_run_of_another_task_keeps_its_own_scores(classifier, regression):
    found = compare_reports(classifier, regression, names=["a", "r"])
    assert "not comparable, since r has a mean squared error, a a cross-entropy of one label" in found.verdict[0]
    assert found.verdict[1] == (
        "The main scores measure different things, and are not compared: a accuracy 86.0%; r Pearson 0.810."
    )
    assert not any("other names" in sentence for sentence in found.verdict)
    assert rows_of(found) == {
        "accuracy": ["86.0% (84.0% to 88.0%)", ""],
        "loss (a cross-entropy of one label an example; bad, good)": ["0.3700", ""],
        "loss (a mean squared error)": ["", "1.2000"],
        "Pearson": ["", "0.810"],
        "Spearman": ["", "0.800"],
    }
    shown = {score.label: list(score.values) for score in found.scores}
    assert shown["accuracy"] == [0.86, None]
    assert shown["Pearson"] == [None, 0.81]


def test_runs_without_a_score_in_common_name_their_main_scores(classifier, regression):
    first, second = replace(classifier, result={"accuracy": 0.86}), replace(regression, result={"pearson": 0.81})
    found = compare_reports(first, second, names=["a", "r"])
    assert found.verdict[0] == "No score is finite in all runs."
    assert "a accuracy 86.0%; r Pearson 0.810" in found.verdict[1]
    assert compare_reports(replace(first, result={}), replace(second, result={})).verdict == [
        "No score is finite in all runs."
    ]


def test_another_metric_of_the_same_task_is_no_other_task(full_report):
    first = scored(full_report, {"accuracy": 0.8, "f1": 0.7})
    second = scored(full_report, {"f1": 0.7, "accuracy": 0.8})
    assert len(compare_reports(first, second).verdict) == 1


def test_labels_of_other_names_are_named_alone(full_report):
    """A row has what the runs do not share, and no more."""
    first = scored(full_report, {"accuracy": 0.8})
    second = scored(full_report, {"accuracy": 0.9}, task={"kind": "single_label", "labels": ["neg", "pos"]})
    assert rows_of(compare_reports(first, second)) == {
        "accuracy (bad, good)": ["80.0%", ""],
        "accuracy (neg, pos)": ["", "90.0%"],
    }


def test_runs_of_several_recipes_are_refused_with_their_main_scores(classifier, full_report):
    answers = scored(full_report, {"exact": 48.91, "f1": 50.2}, "question_answering")
    message = r"a is of classification \(accuracy 86.0%\); q is of question_answering \(exact match 48.91\)"
    with pytest.raises(ConfigError, match=message):
        compare_reports(classifier, answers, names=["a", "q"])
    with pytest.raises(ConfigError, match="several recipes"):
        compare_reports(classifier, answers, names=["same", "same"])
    message = r"mean of 2 seeds\); q is of question_answering \(exact match 48.91, mean of 2 seeds\)"
    with pytest.raises(ConfigError, match=message):
        compare_seeds([classifier] * 2, [answers] * 2, names=["a", "q"])
    with pytest.raises(ConfigError, match=r"a is of classification and question_answering \(no finite score\)"):
        compare_seeds([classifier, answers], [classifier, answers], names=["a", "q"])


def test_seeds_of_different_tasks_keep_their_own_scores(classifier, regression):
    found = compare_seeds([classifier, classifier], [regression, regression], names=["a", "r"])
    assert "a accuracy 86.0%, mean of 2 seeds; r Pearson 0.810, mean of 2 seeds" in found.verdict[1]
    shown = rows_of(found)
    assert shown["accuracy"] == ["86.0% ± 0.0%", ""]
    assert shown["Pearson"] == ["", "0.810 ± 0.000"]


def at(report, accuracy, low, high, baseline=0.55):
    baselines = {"majority": {"accuracy": baseline}}
    return scored(report, {"accuracy": accuracy}, baselines=baselines, intervals={"accuracy": [low, high]})


def notes_of(comparison):
    return [sentence for sentence in comparison.verdict if sentence.startswith("By ")]


def test_two_runs_at_their_baseline_are_told(full_report):
    first, second = at(full_report, 0.55, 0.5, 0.6), at(full_report, 0.57, 0.52, 0.62)
    assert notes_of(compare_reports(first, second, names=["a", "b"])) == [
        "By accuracy, neither is shown to be better than the baseline: a 55.0% (95% interval 50.0% to 60.0%; majority "
        "baseline 55.0%); b 57.0% (95% interval 52.0% to 62.0%; majority baseline 55.0%)."
    ]
    assert "b 60.0%" in notes_of(compare_reports(first, at(full_report, 0.6, 0.55, 0.65), names=["a", "b"]))[0]
    learnt = at(full_report, 0.9, 0.86, 0.93)
    (note,) = notes_of(compare_reports(first, learnt, names=["a", "c"]))
    assert note.startswith("By accuracy, not shown to be better than the baseline: a 55.0% (95%")
    assert "; c" not in note
    third = at(full_report, 0.54, 0.49, 0.59)
    (note,) = notes_of(compare_reports(first, second, third, names=["a", "b", "d"]))
    assert note.startswith("By accuracy, none is shown to be better than the baseline: a ")
    assert notes_of(compare_reports(learnt, learnt, names=["c", "d"])) == []


def test_a_perplexity_is_better_below_its_baseline(full_report):
    def run(low, high):
        return scored(
            full_report, {"perplexity": (low + high) / 2}, "pretraining",
            baselines={"unigram": {"perplexity": 500.0}, "uniform": {"perplexity": 30_000.0}},
            intervals={"perplexity": [low, high]},
        )  # fmt: skip

    (note,) = notes_of(compare_reports(run(100.0, 200.0), run(400.0, 600.0), names=["a", "b"]))
    assert "b 500.0 (95% interval 400.0 to 600.0; unigram baseline 500.0)." in note
    assert "a 150" not in note


def test_a_setting_is_at_its_baseline_where_each_of_its_seeds_is(full_report):
    chance, learnt = at(full_report, 0.55, 0.5, 0.6), at(full_report, 0.9, 0.86, 0.93)
    (note,) = notes_of(compare_seeds([chance, chance], [chance, learnt], names=["a", "b"]))
    assert note.startswith("By accuracy, not shown to be better than the baseline: a with any of its 2 seeds, such as ")
    assert "; b" not in note


def test_each_run_of_another_task_is_judged_by_its_own_score_and_baseline(full_report):
    learnt, chance = at(full_report, 0.9, 0.86, 0.93), at(full_report, 0.55, 0.5, 0.6)
    targets = scored(
        full_report, {"pearson": -0.17, "loss": 1.4}, task={"kind": "regression"},
        baselines={"mean": {"pearson": 0.0}}, intervals={"pearson": [-0.41, 0.09]},
    )  # fmt: skip
    of_targets = "r Pearson -0.170 (95% interval -0.410 to 0.090; mean baseline 0.000)."
    assert notes_of(compare_reports(learnt, targets, names=["c", "r"])) == [
        f"By its own main score, not shown to be better than the baseline: {of_targets}"
    ]
    with_loss = replace(chance, result={**chance.result, "loss": 0.7}, glossary=[*chance.glossary, targets.glossary[1]])
    neither = [
        "By its own main score, neither is shown to be better than the baseline: a accuracy 55.0% (95% interval 50.0% "
        f"to 60.0%; majority baseline 55.0%); {of_targets}"
    ]
    assert notes_of(compare_reports(chance, targets, names=["a", "r"])) == neither  # no score in common
    assert notes_of(compare_reports(with_loss, targets, names=["a", "r"])) == neither
    (note,) = notes_of(compare_seeds([learnt] * 2, [targets] * 2, names=["c", "r"]))
    assert "baseline: r Pearson with any of its 2 seeds, such as -0.170 (95%" in note
