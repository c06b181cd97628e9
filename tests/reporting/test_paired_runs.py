"""Runs whose predictions are known, compared on the examples that both have scored."""

import json
import math
import re
from dataclasses import replace

import browser
import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from bert_finetune_kit import ConfigError, OutputError, RunReport, compare_reports, compare_seeds
from bert_finetune_kit.reporting.known_scores import KNOWN_SCORES
from bert_finetune_kit.reporting.paired_runs import match_rows, own_scores, paired_scores
from bert_finetune_kit.reporting.prediction_scores import prediction_scores
from bert_finetune_kit.reporting.predictions import read_predictions, write_predictions
from bert_finetune_kit.reporting.statistics.clusters import single_units
from bert_finetune_kit.reporting.statistics.paired import mcnemar, paired_share_interval

LABELS = ["bad", "good"]
SCORES = ("accuracy", "f1", "matthews", "loss")


def labelled(references, shares, texts=None, split="validation"):
    """Return rows of two labels, predicted by the probability of the second one."""
    return [
        {"split": split, "row": row, "id": row, "text_hash": str(row if texts is None else texts[row]),
         "reference": LABELS[reference], "prediction": LABELS[int(share >= 0.5)],
         "probabilities": {"bad": 1 - share, "good": share},
         "loss": -math.log(share if reference else 1 - share)}
        for row, (reference, share) in enumerate(zip(references, shares, strict=True))
    ]  # fmt: skip


def numbered(references, predictions):
    return [
        {"split": "validation", "row": row, "text_hash": str(row), "reference": float(a), "prediction": float(b),
         "loss": float((a - b) ** 2)}
        for row, (a, b) in enumerate(zip(references, predictions, strict=True))
    ]  # fmt: skip


def questions(articles, f1, scored=None):
    return [
        {"split": "validation", "row": row, "id": f"q{row}", "group": f"article {article}", "text_hash": f"q{row}",
         "context_hash": f"c{row // 2}", "reference": ["six"] if row % 3 else [], "prediction": "six", "start": 0,
         "exact": float(value == 1), "f1": float(value), "scored": True if scored is None else bool(scored[row]),
         "loss": 1.0}
        for row, (article, value) in enumerate(zip(articles, f1, strict=True))
    ]  # fmt: skip


def masked(documents, losses, words):
    return [
        {"split": "validation", "row": row, "group": document, "text_hash": f"d{document}", "mlm_loss": float(loss),
         "mlm_correct": 1.0, "mlm_count": float(count)}
        for row, (document, loss, count) in enumerate(zip(documents, losses, words, strict=True))
    ]  # fmt: skip


def saved_run(report, rows, folder, recipe="classification", keys=SCORES, task=None, **changes):
    """Write a report with the scores that its predictions have, and return its folder."""
    scores = {**own_scores(recipe, rows), "loss": float(np.mean([row.get("loss", 0) for row in rows]))}
    if recipe == "pretraining":
        scores["loss"] = own_scores(recipe, rows)["loss"]
    result = {key: scores[key] for key in keys if key in scores}
    glossary = [KNOWN_SCORES[recipe][key] for key in keys]
    settings = {**report.settings, "task": task or {"kind": "single_label", "labels": LABELS}}
    values = {"recipe": recipe, "result": result, "glossary": glossary, "settings": settings, "intervals": {}}
    folder.mkdir(parents=True)
    replace(report, **(values | changes)).save(folder)
    write_predictions(rows, folder)
    return folder


@pytest.fixture
def two_runs(full_report, tmp_path):
    """Return 200 examples, and runs of which the first has 60 wrong and the second 20 of these and 4 others."""
    rng = np.random.default_rng(0)
    references = rng.integers(2, size=200)
    confidence = rng.uniform(0.6, 0.9, size=200)
    wrong = np.zeros((2, 200), bool)
    wrong[0, :60], wrong[1, :20], wrong[1, 100:104] = True, True, True
    shares = [np.where((references == 1) ^ side, confidence, 1 - confidence) for side in wrong]
    rows = [labelled(references, side) for side in shares]
    folders = [saved_run(full_report, part, tmp_path / name) for part, name in zip(rows, "ab", strict=True)]
    return references, wrong, rows, folders


def test_accuracies_are_compared_by_mcnemar(two_runs):
    _, _, _, folders = two_runs
    found = compare_reports(*folders)
    (difference,) = found.differences
    assert difference.value == pytest.approx((40 - 4) / 200)
    assert difference.p_value == mcnemar(4, 40)
    assert (difference.only_first, difference.only_second, difference.examples) == (4, 40, 200)
    assert difference.is_beyond
    assert "Accuracy: b 88.0%, a 70.0%; difference +18.0 points (95% interval " in found.verdict[0]
    assert "McNemar's test, mid-p on 200 examples of both, p < 0.001): significant, b is better." in found.verdict[0]
    assert len(difference.changed) == 44
    first, second = difference.changed[0]
    assert first["row"] == second["row"]
    assert (first["prediction"] == first["reference"]) != (second["prediction"] == second["reference"])
    text = found.to_markdown()
    assert "Of 200 examples, b does better on 40 and worse on 4." in text
    assert "## Examples on which b and a differ" in text
    assert "Examples on which b and a differ" in found.to_html()


def test_other_scores_are_compared_on_the_same_draws(two_runs):
    references, wrong, rows, _ = two_runs
    found = paired_scores("classification", *rows)
    predictions = [references ^ side for side in wrong]
    for name, function in (("f1", sk.f1_score), ("matthews", sk.matthews_corrcoef)):
        values = [function(references, side) for side in predictions]
        assert found.differences[name].value == pytest.approx(values[1] - values[0])

    def f1(truth, guess, axis):
        return 2 * (truth & guess).sum(axis) / (truth.sum(axis) + guess.sum(axis))

    bootstrap = stats.bootstrap(
        (references, *predictions), lambda r, a, b, axis: f1(r, b, axis) - f1(r, a, axis), paired=True,
        n_resamples=1000, rng=np.random.default_rng(1), method="BCa",
    )  # fmt: skip
    low, high = bootstrap.confidence_interval
    item = found.differences["f1"]
    assert (item.low, item.high) == pytest.approx((low, high), abs=0.2 * (high - low))
    losses = [[row["loss"] for row in part] for part in rows]
    assert found.differences["loss"].p_value == pytest.approx(stats.ttest_rel(*losses).pvalue, abs=0.01)


def test_scores_of_rows_are_those_of_scikit_learn_and_scipy():
    rng = np.random.default_rng(2)
    references = rng.integers(2, size=60)
    rows = labelled(references, rng.uniform(0.05, 0.95, size=60))
    scores = own_scores("classification", rows)
    predictions = [LABELS.index(row["prediction"]) for row in rows]
    assert scores["accuracy"] == pytest.approx(sk.accuracy_score(references, predictions))
    assert scores["precision"] == pytest.approx(sk.precision_score(references, predictions))
    shares = [row["probabilities"]["good"] for row in rows]
    assert scores["loss"] == pytest.approx(sk.log_loss(references, shares))
    truth, guess = rng.normal(size=(2, 60))
    scores = own_scores("classification", numbered(truth, guess))
    assert scores["pearson"] == pytest.approx(stats.pearsonr(truth, guess).statistic)
    assert scores["spearman"] == pytest.approx(stats.spearmanr(truth, guess).statistic)
    assert scores["mse"] == scores["loss"] == pytest.approx(sk.mean_squared_error(truth, guess))
    several = [
        {"split": "v", "row": row, "text_hash": str(row), "reference": a, "prediction": b, "loss": 0.5,
         "probabilities": {"x": 0.9 * ("x" in b) + 0.05, "y": 0.9 * ("y" in b) + 0.05}}
        for row, (a, b) in enumerate([(["x"], ["x"]), (["x", "y"], ["y"]), ([], ["x"])])
    ]  # fmt: skip
    scores = own_scores("classification", several)
    truth, guess = np.array([[1, 0], [1, 1], [0, 0]]), np.array([[1, 0], [0, 1], [1, 0]])
    assert scores["accuracy"] == pytest.approx(1 / 3)
    assert scores["f1_micro"] == pytest.approx(sk.f1_score(truth, guess, average="micro"))
    assert "f1" not in scores


def test_questions_are_compared_over_articles():
    """Ten questions of an article that all gain say no more than one."""
    articles = np.repeat(np.arange(8), 10)
    gain = np.random.default_rng(3).normal(0.05, 0.1, size=8)
    base = np.full(80, 0.5)
    found = paired_scores("question_answering", questions(articles, base), questions(articles, base + gain[articles]))
    item = found.differences["f1"]
    assert item.value == pytest.approx(100 * gain.mean())
    assert item.p_value == pytest.approx(stats.ttest_1samp(gain, 0).pvalue)
    assert item.method == "paired t test over 8 articles"
    assert {"HasAns_f1", "NoAns_f1", "exact"} <= set(found.differences)


def test_questions_that_a_threshold_was_fitted_on_are_not_compared():
    articles = np.repeat(np.arange(12), 5)
    scored = articles % 2 == 0
    better = np.where(scored, 0.9, 0.1)
    rows = [questions(articles, np.full(60, 0.5), scored), questions(articles, better, scored)]
    found = paired_scores("question_answering", *rows)
    assert found.examples == 30
    assert found.differences["f1"].value == pytest.approx(40)


def test_masked_words_are_compared_over_documents():
    """The second run masks other words, in windows of another length."""
    rng = np.random.default_rng(4)
    effects = rng.normal(0.3, 0.2, size=12)
    first = masked(np.arange(12), np.full(12, 30.0), np.full(12, 10.0))
    twice = np.repeat(np.arange(12), 2)
    second = masked(twice, (3.0 + effects[twice]) * 5, np.full(24, 5.0))
    found = paired_scores("pretraining", first, second)
    assert found.differences["mlm_loss"].value == pytest.approx(effects.mean())
    assert found.differences["mlm_loss"].p_value == pytest.approx(stats.ttest_1samp(effects, 0).pvalue)
    value = np.exp(3 + effects.mean()) - np.exp(3)
    assert found.differences["perplexity"].value == pytest.approx(value)
    assert found.changed == []


def test_examples_are_matched_by_their_texts():
    references = np.arange(40) % 2
    rows = labelled(references, np.linspace(0.1, 0.9, 40), texts=np.arange(40) // 2)
    shuffled = [rows[number] for number in np.random.default_rng(0).permutation(40)]
    other = [*shuffled, *labelled([1] * 5, [0.7] * 5, texts=[f"new {n}" for n in range(5)], split="test")[:0]]
    matched = match_rows("classification", [rows[:30], other])
    assert matched.examples == 30
    assert all(a["text_hash"] == b["text_hash"] for a, b in zip(*matched.runs, strict=True))
    assert matched.units[0].name == "distinct texts"
    assert matched.units[0].count == 15
    relabelled = [dict(row, reference="bad") for row in rows]
    assert match_rows("classification", [rows, relabelled]).examples == 20
    assert match_rows("classification", [rows, labelled(references, np.linspace(0.1, 0.9, 40))[-3:]]) is None


def test_scores_are_those_of_the_examples_that_both_have_scored(full_report, tmp_path):
    """The second run is better on the shared examples, and its score of all examples is lower."""
    references = np.arange(200) % 2
    right = [np.arange(200) % 10 < 7, np.append(np.arange(150) % 10 < 9, np.zeros(50, bool))]
    shares = [np.where((references == 1) == side, 0.8, 0.2) for side in right]
    texts = [range(200), [*range(150), *range(900, 950)]]
    folders = [
        saved_run(
            full_report,
            [dict(row, text_hash=str(text)) for row, text in zip(rows, names, strict=True)],
            tmp_path / name,
        )
        for rows, names, name in zip([labelled(references, side) for side in shares], texts, "ab", strict=True)
    ]
    found = compare_reports(*folders)
    (difference,) = found.differences
    assert [json.loads((folder / "report.json").read_text())["result"]["accuracy"] for folder in folders] == [
        0.7,
        0.675,
    ]
    assert difference.values == pytest.approx((0.7, 0.9))
    assert difference.value == pytest.approx(0.2)
    assert (difference.examples, difference.scored) == (150, (200, 200))
    assert found.verdict[0].startswith(
        "Accuracy on the 150 examples of both (a has scored 200, b 200): b 90.0%, a 70.0%; difference +20.0 points"
    )
    text = found.to_markdown()
    assert "| accuracy, b | 70.0% → 90.0% | +20.0 points |" in text
    assert "that both have scored: 150 of 200 of a and 200 of b." in text


def test_less_than_half_of_the_examples_is_not_enough(full_report, tmp_path):
    folders = []
    for name, start in (("a", 0), ("b", 51), ("c", 50)):
        references = np.arange(start, start + 100) % 2
        rows = labelled(references, np.where(references == 1, 0.8, 0.2))
        rows = [dict(row, text_hash=str(number)) for number, row in enumerate(rows, start)]
        folders.append(saved_run(full_report, rows, tmp_path / name, intervals={"accuracy": [0.9, 1.0]}))
    assert match_rows("classification", [read_predictions(folders[0]), read_predictions(folders[1])]) is None
    found = compare_reports(*folders[:2])
    assert not found.differences[0].comparable
    assert "not comparable, since only 49 of the 100 examples of a and the 100 of b are the same." in found.verdict[0]
    assert compare_reports(folders[0], folders[2]).differences[0].examples == 50


def test_one_run_twice_is_told(two_runs):
    _, _, _, (first, second) = two_runs
    report = replace(RunReport.load(first), finished="2026-11-26T12:00:00", fingerprint={"seed": 1})
    report.save(first)
    told = "b and a are the same run: between them there is nothing to compare."
    assert told in compare_reports(first, first, names=["a", "b"]).verdict
    assert not any("same run" in sentence for sentence in compare_reports(first, second).verdict)
    other = replace(report, fingerprint={"seed": 2})
    assert not any("same run" in sentence for sentence in compare_reports(report, other).verdict)


def test_a_cross_validation_is_compared_by_its_out_of_fold_predictions(two_runs, full_report, tmp_path):
    from bert_finetune_kit.reporting.folds import FoldsReport

    _, _, rows, _ = two_runs
    folders = []
    for name, part in zip(("few", "many"), rows, strict=True):
        scores, folder = own_scores("classification", part), tmp_path / name
        saved_run(full_report, part, folder / "fold-1", finished=f"2026-11-26T12:00:0{len(folders)}")
        write_predictions([dict(row, fold=1 + row["row"] % 2, split="train") for row in part], folder)
        pooled = {key: scores[key] for key in ("accuracy", "f1")}
        glossary = [KNOWN_SCORES["classification"][key] for key in pooled]
        FoldsReport(
            "classification", 2, [100, 100], [100, 100], [pooled] * 2, pooled, pooled, pooled, {"accuracy": (0.5, 0.9)},
            {}, [], [], [], [], [], [], glossary, facts=[("data", "reviews.csv")],
        ).parts(folder)["folds.json was not written"]()  # fmt: skip
        folders.append(folder)
    found = compare_reports(*folders)
    assert found.differences[0].p_value == mcnemar(4, 40)
    assert "Accuracy: many 88.0%, few 70.0%" in found.verdict[0]
    assert "not of other training data" in found.verdict[1]
    assert dict(found.facts)["many"].startswith("reviews.csv")
    assert {row[0] for row in found.tables[0].rows} == {"accuracy", "F1"}
    with pytest.raises(OutputError, match="few holds a cross-validation, whose runs are in fold-1, fold-2"):
        RunReport.load(folders[0])
    (folders[0] / "folds.json").write_text("{}")
    with pytest.raises(OutputError, match=r"folds.json is damaged: recipe is missing.* not trained again"):
        compare_reports(*folders)
    with pytest.raises(ConfigError, match="dict cannot be compared: give the report of a run, or the folder"):
        compare_reports({}, folders[1])


def test_a_text_that_repeats_is_drawn_with_its_likes(two_runs):
    references, wrong, _, _ = two_runs
    shares = [np.where((references == 1) ^ side, 0.8, 0.2) for side in wrong]
    texts = np.arange(200) // 4
    found = paired_scores("classification", *(labelled(references, side, texts) for side in shares))
    assert found.differences["accuracy"].method == "paired bootstrap over 50 distinct texts"


def test_an_example_without_a_finite_output_is_left_out(two_runs):
    _, _, (first, second), _ = two_runs
    first = [dict(first[0], prediction=None, probabilities=None, loss=None), *first[1:]]
    assert paired_scores("classification", first, second).examples == 199


def test_several_runs_are_adjusted(two_runs, full_report, tmp_path):
    references, _, rows, folders = two_runs
    shares = [row["probabilities"]["good"] for row in rows[0]]
    for number in range(60, 71):
        shares[number] = 1 - shares[number]
    third = saved_run(full_report, labelled(references, shares), tmp_path / "c")
    found = compare_reports(*folders, third)
    alone = compare_reports(folders[0], third)
    assert alone.differences[0].p_value == mcnemar(11, 0)
    assert found.differences[0].p_value == 2 * mcnemar(4, 40)
    assert found.differences[1].p_value == mcnemar(11, 0)
    assert "adjusted for 2 comparisons" in found.to_markdown()


def test_chance_is_called_chance(two_runs, full_report, tmp_path):
    references, _, rows, folders = two_runs
    shares = [row["probabilities"]["good"] for row in rows[0]]
    shares[70], shares[0] = 1 - shares[70], 1 - shares[0]
    found = compare_reports(folders[0], saved_run(full_report, labelled(references, shares), tmp_path / "c"))
    assert not found.differences[0].is_beyond
    assert "p = 1.00): not significant, it may be chance. A difference of 3.4 points would be found" in found.verdict[0]


def test_metrics_of_different_kinds_are_never_compared(two_runs, full_report, tmp_path):
    _, _, _, folders = two_runs
    values = np.linspace(0, 1, 200)
    regression = saved_run(
        full_report, numbered(values, values + 0.1), tmp_path / "r", keys=("pearson", "loss"),
        task={"kind": "regression"},
    )  # fmt: skip
    found = compare_reports(folders[0], regression)
    (difference,) = found.differences
    assert not difference.comparable
    assert difference.interval is None
    assert "not comparable, since r has a mean squared error, a a cross-entropy of one label" in found.verdict[0]
    losses = [row for row in found.tables[0].rows if row[0].startswith("loss")]
    assert len(losses) == 2
    assert all("" in row for row in losses)
    assert all(None in score.values for score in found.scores if score.label.startswith("loss"))


def test_runs_on_other_examples_are_not_compared(two_runs, full_report, tmp_path):
    """As many examples with the same majority: only their texts tell."""
    references, _, rows, folders = two_runs
    shares = [row["probabilities"]["good"] for row in rows[1]]
    elsewhere = labelled(references, shares, texts=[f"other {number}" for number in range(200)])
    found = compare_reports(folders[0], saved_run(full_report, elsewhere, tmp_path / "c"))
    assert not found.differences[0].comparable
    assert "not comparable, since the evaluation data" in found.verdict[0]


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        ({"task": {"kind": "single_label", "labels": LABELS[::-1]}}, "f1", "label that counts differs: b bad, a good"),
        ({"task": {"kind": "single_label", "labels": [*LABELS, "so"]}}, "accuracy", "the labels differ: b"),
        ({"task": {"kind": "multi_label", "labels": LABELS}}, "accuracy", "a score of multi_label tasks"),
    ],
)
def test_other_labels_are_another_score(full_report, settings, key, message):
    score = KNOWN_SCORES["classification"][key]
    first = replace(full_report, glossary=[score], result={key: 0.5}, intervals={key: [0.4, 0.6]})
    first.settings = {"task": {"kind": "single_label", "labels": LABELS}}
    found = compare_reports(first, replace(first, settings=settings), names=["a", "b"])
    assert message in found.verdict[0]
    assert "not comparable" in found.verdict[0]


def test_other_masks_are_other_questions(full_report):
    keys = ("perplexity", "pair_accuracy")
    glossary = [KNOWN_SCORES["pretraining"][key] for key in keys]
    first = replace(full_report, recipe="pretraining", glossary=glossary, result={"perplexity": 9.0}, baselines={})
    first.settings = {"recipe": {"mlm_probability": 0.15, "objective": "nsp"}}
    other = replace(first, settings={"recipe": {"mlm_probability": 0.4, "objective": "nsp"}})
    assert "the mlm probability differs: run 2 0.4, run 1 0.15" in compare_reports(first, other).verdict[0]
    pairs = replace(first, result={"pair_accuracy": 0.8})
    other = replace(pairs, settings={"recipe": {"mlm_probability": 0.15, "objective": "sop"}})
    assert "the objective differs: run 2 sop, run 1 nsp" in compare_reports(pairs, other).verdict[0]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda file: file.unlink(), "has no predictions.jsonl"),
        (lambda file: file.write_text('{"text_hash": '), "cannot be read"),
        (lambda file: file.write_text('{"row": 1}\n'), "not the prediction of an example"),
        (lambda file: file.write_text('{"text_hash": "1"}\n'), "of another form"),
        (lambda file: file.write_text("".join(file.read_text().splitlines(True)[:90])), "not of the report"),
    ],
)
def test_without_predictions_the_intervals_decide(two_runs, spoil, reason):
    _, _, _, folders = two_runs
    spoil(folders[1] / "predictions.jsonl")
    for folder in folders:
        report = json.loads((folder / "report.json").read_text())
        report["intervals"] = {"accuracy": [report["result"]["accuracy"] - 0.05, report["result"]["accuracy"] + 0.05]}
        (folder / "report.json").write_text(json.dumps(report))
    found = compare_reports(*folders)
    assert found.differences[0].p_value is None
    assert found.differences[0].interval is not None
    assert "Compared by intervals alone" in found.verdict[1]
    assert reason in found.verdict[1]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda file: file.write_text(""), "predictions.jsonl is empty"),
        (lambda file: file.write_text('{"text_hash": '), "cannot be read"),
        (lambda file: file.write_text("".join(file.read_text().splitlines(True)[:190])),
         "predictions.jsonl of b gives another accuracy"),
    ],
)  # fmt: skip
def test_predictions_that_cannot_be_used_are_told_whatever_decides(two_runs, spoil, reason):
    """Also of runs that score the same, between which there is nothing to compare by intervals."""
    _, _, _, folders = two_runs
    spoil(folders[1] / "predictions.jsonl")
    reports = [json.loads((folder / "report.json").read_text()) for folder in folders]
    reports[0]["result"]["accuracy"] = reports[1]["result"]["accuracy"]
    (folders[0] / "report.json").write_text(json.dumps(reports[0]))
    told = [sentence for sentence in compare_reports(*folders).verdict if reason in sentence]
    assert len(told) == 1
    assert told[0].startswith("Saved predictions are not used: ")


def test_predictions_of_a_seed_that_cannot_be_used_are_told(two_settings):
    (two_settings[0] / "seed-1" / "predictions.jsonl").write_text("")
    verdict = compare_seeds(*two_settings).verdict
    assert any("predictions.jsonl is empty" in sentence for sentence in verdict)


def test_a_report_finds_the_predictions_of_its_own_folder(two_runs):
    _, _, _, folders = two_runs
    reports = []
    for folder in folders:
        report = RunReport.load(folder)
        report.settings["training"]["output_dir"], report.finished = str(folder), f"2026-11-26T12:00:0{len(reports)}"
        report.save(folder)
        reports.append(report)
    assert compare_reports(*reports).differences[0].p_value == mcnemar(4, 40)
    reports[0].settings["training"]["output_dir"] = str(folders[1])  # where another run is
    assert compare_reports(*reports).differences[0].p_value is None


def seeded(full_report, references, accuracies, folder, rng, ease):
    """Write runs whose accuracy is about that given; all seeds and settings find the same examples hard."""
    for seed, accuracy in enumerate(accuracies):
        right = ease + rng.normal(size=len(ease)) * 0.3 < np.quantile(ease, accuracy)
        shares = np.where((references == 1) == right, 0.8, 0.2)
        saved_run(full_report, labelled(references, shares), folder / f"seed-{seed}")
    return folder


@pytest.fixture
def two_settings(full_report, tmp_path):
    rng = np.random.default_rng(5)
    references, ease = rng.integers(2, size=300), rng.normal(size=300)
    sides = {"small": [0.70, 0.72, 0.69], "large": [0.80, 0.82, 0.81]}
    return [seeded(full_report, references, values, tmp_path / name, rng, ease) for name, values in sides.items()]


def test_seeds_and_examples_are_two_sources_of_chance(two_settings, full_report):
    found = compare_seeds(*two_settings)
    (difference,) = found.differences
    accuracies = [
        [RunReport.load(path).result["accuracy"] for path in sorted(folder.glob("seed-*"))] for folder in two_settings
    ]
    assert difference.value == pytest.approx(np.mean(accuracies[1]) - np.mean(accuracies[0]))
    assert difference.is_beyond
    assert difference.method == "t test over seeds and examples"
    assert "large is better." in found.verdict[0]
    assert "seeds of each setting on such examples." in found.verdict[0]
    welch = stats.ttest_ind(accuracies[1], accuracies[0], equal_var=False).confidence_interval()
    assert difference.interval[0] < difference.value - 0.5 * (difference.value - welch.low)
    table = {row[0]: row for row in found.tables[1].rows}
    folders = [path for folder in two_settings for path in sorted(folder.glob("seed-*"))]
    rows = [read_predictions(path) for path in folders]
    right = np.array([[row["prediction"] == row["reference"] for row in part] for part in rows], float)
    error = stats.sem(right[3:].mean(0) - right[:3].mean(0))
    assert table["accuracy, large"][5] == f"{100 * error:.1f} points"
    assert "Mean ± standard deviation over the seeds: small 3, large 3." in found.to_markdown()
    assert "one standard deviation of the seeds" in found.caption


def test_seeds_are_compared_on_the_examples_of_all_runs(two_settings):
    """One run has scored a part alone, of easy examples: means over all examples would be of different ones."""
    folder = two_settings[0] / "seed-1"
    rows = read_predictions(folder)
    right = [row for row in rows if row["prediction"] == row["reference"]]
    kept = [*right, *[row for row in rows if row["prediction"] != row["reference"]][:20]]
    write_predictions(kept, folder)
    report = json.loads((folder / "report.json").read_text())
    report["result"] |= own_scores("classification", kept) | {"loss": float(np.mean([row["loss"] for row in kept]))}
    (folder / "report.json").write_text(json.dumps(report))
    found = compare_seeds(*two_settings)
    names = {row["text_hash"] for row in kept}
    means = [
        np.mean([row["prediction"] == row["reference"] for path in sorted(side.glob("seed-*"))
                 for row in read_predictions(path) if row["text_hash"] in names])
        for side in two_settings
    ]  # fmt: skip
    assert found.differences[0].value == pytest.approx(means[1] - means[0])
    assert f"on the {len(kept)} examples of all runs (one has scored 300): large {means[1]:.1%} ± " in found.verdict[0]


def test_seeds_without_predictions_are_of_these_examples_alone(two_settings):
    (two_settings[0] / "seed-1" / "predictions.jsonl").unlink()
    found = compare_seeds(*two_settings)
    assert found.differences[0].method == "t test over seeds"
    assert "of these evaluation examples alone" in found.verdict[0]


def test_seeds_on_other_examples_are_not_compared(two_settings, full_report, tmp_path):
    rng = np.random.default_rng(6)
    for seed in range(2):
        rows = labelled(rng.integers(2, size=300), np.full(300, 0.8), range(1000, 1300))
        saved_run(full_report, rows, tmp_path / "other" / f"seed-{seed}")
    found = compare_seeds(two_settings[0], tmp_path / "other")
    assert found.verdict[0].endswith("not comparable, since the evaluation data differ.")
    assert not found.differences[0].is_beyond


def test_seeds_that_all_score_the_same_show_nothing_without_predictions(full_report, tmp_path):
    references = np.arange(300) % 2
    for name, wrong in (("small", 60), ("large", 59)):
        right = np.arange(300) >= wrong
        for seed in range(2):
            rows = labelled(references, np.where((references == 1) == right, 0.8, 0.2))
            (saved_run(full_report, rows, tmp_path / name / f"seed-{seed}") / "predictions.jsonl").unlink()
    found = compare_seeds(tmp_path / "small", tmp_path / "large")
    assert "nothing says how far chance goes" in found.verdict[0]
    assert not found.differences[0].is_beyond
    same = compare_seeds(tmp_path / "small", tmp_path / "small", names=["a", "b"])
    assert "not significant" in same.verdict[0]
    assert "A difference of 0.0" not in same.verdict[0]


def test_seeds_that_all_predict_one_class_are_as_uncertain_as_two_such_runs(full_report, tmp_path):
    references = np.arange(60) % 3 % 2  # 20 of 60 are 1
    for seed in range(5):
        rows = labelled(references, np.full(60, 0.2))
        saved_run(full_report, rows, tmp_path / ("few" if seed < 2 else "more") / f"seed-{seed}")
    found = compare_seeds(tmp_path / "few", tmp_path / "more")
    single = compare_reports(tmp_path / "few" / "seed-0", tmp_path / "more" / "seed-2")
    of_runs, (difference,) = single.differences[0], found.differences
    assert difference.interval == of_runs.interval == paired_share_interval(0, 0, 60)
    assert (difference.value, difference.p_value, difference.smallest) == (0, 1, of_runs.smallest)
    assert "(95% interval -4.5 points to +4.5 points; " in found.verdict[0]
    assert not re.search(r"-0\.0|[^+]0\.0 points", found.to_markdown())
    rows = {row[0]: row[1:] for row in found.tables[1].rows}
    assert rows["accuracy, more"] == ["+0.0 points", "-4.5 points to +4.5 points", "1.00", "", "", ""]
    assert rows["loss, more"] == ["+0.0000", "", "", "", "", ""]  # what has no share has no interval
    for seed in range(2):
        saved_run(full_report, labelled(references, 0.2 + 0.6 * references), tmp_path / "right" / f"seed-{seed}")
        saved_run(full_report, labelled(references, 0.8 - 0.6 * references), tmp_path / "wrong" / f"seed-{seed}")
    found = compare_seeds(tmp_path / "wrong", tmp_path / "right")
    assert found.differences[0].interval == paired_share_interval(0, 60, 60)
    assert found.differences[0].is_beyond
    assert not any(row[6] for row in found.tables[1].rows)  # of seeds needed nothing is known
    assert "seeds of each setting" not in found.verdict[0]


def test_seeds_that_cannot_be_compared(two_settings, tmp_path):
    with pytest.raises(ConfigError, match="give two or more, each with its seeds"):
        compare_seeds(two_settings[0])
    with pytest.raises(OutputError, match="has no finished runs of seeds"):
        compare_seeds(two_settings[0], tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="large has 1 seed"):
        compare_seeds(two_settings[0], [two_settings[1] / "seed-0"], names=["small", "large"])
    with pytest.raises(ConfigError, match="run 1 is of type NoneType: give the folder of a run with --seeds"):
        compare_seeds(None, None)


def test_scores_of_rows_have_an_entry_in_the_declarations():
    rows = {
        "classification": labelled([0, 1, 0, 1], [0.2, 0.8, 0.6, 0.4]),
        "question_answering": questions([0, 0, 1, 1], [1, 0, 0.5, 0.2]),
        "pretraining": [dict(row, pair_loss=0.5, pair_correct=1.0) for row in masked([0, 1], [1, 2], [3, 4])],
    }
    for recipe, part in rows.items():
        assert set(prediction_scores(recipe, part, single_units(len(part))).statistics) <= set(KNOWN_SCORES[recipe])


@pytest.mark.slow
@pytest.mark.skipif(browser.FOUND is None, reason="there is no Chromium")
def test_a_comparison_fits_a_phone(two_runs, tmp_path):
    _, _, _, folders = two_runs
    names = ["bert-base-uncased-with-a-long-name-1", "distilbert-base-uncased-with-a-long-name"]
    path = tmp_path / "comparison.html"
    path.write_text(compare_reports(*folders, names=names).to_html(), "utf-8")
    with browser.page() as page:
        for width in (400, 1100):
            page.open(path, width)
            assert page.value("document.documentElement.scrollWidth") <= width
            cut = "[...document.querySelectorAll('table')].some(table => !table.closest('.scroll'))"
            assert not page.value(cut)
