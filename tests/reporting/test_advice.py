"""No two findings of a report advise opposites, and no score that shows nothing goes without a finding of its own."""

import itertools
import re

import numpy as np
import pytest
from synthetic_reports import SHAPES, empty_report, log_rows, loss_curve, synthetic_report

from bert_finetune_kit import diagnose
from bert_finetune_kit.reporting.diagnosis.baselines import comparisons
from bert_finetune_kit.reporting.known_scores import KNOWN_SCORES

FEW, MANY = 1_000, 10_000
OPPOSITES = {
    "length": (
        r"\btrain (for )?(longer|more (steps|epochs)|at least)", r"fewer epochs|stop early|fewer steps",
    ),
    "rate": (r"higher learning rate|raise the learning rate|2e-5 to 5e-5|1e-3 for small", r"lower the learning rate"),
    "warmup": (r"shorten the warmup", r"warm up over"),
}  # fmt: skip
# Rules that exclude each other, by what they say.
EXCLUSIVE = [
    ("STILL_IMPROVING", "OVERFITTING"), ("STILL_IMPROVING", "LEARNING_RATE_TOO_HIGH"),
    ("LEARNING_RATE_TOO_HIGH", "LEARNING_RATE_TOO_LOW"), ("GRADIENTS_EXPLODE", "LEARNING_RATE_TOO_LOW"),
    ("TOO_FEW_STEPS", "OVERFITTING"), ("TOO_FEW_STEPS", "LEARNING_RATE_TOO_HIGH"),
    *itertools.combinations(
        ("NOTHING_LEARNT", "TOO_FEW_STEPS", "TOO_FEW_EXAMPLES_FOR_CLAIM", "SCORE_AT_BASELINE", "BELOW_MAJORITY"), 2),
    ("STUCK_AT_UNIGRAM", "PERPLEXITY_ABOVE_UNIFORM"), ("STUCK_AT_UNIGRAM", "NOTHING_LEARNT"),
    ("NSP_AT_CHANCE", "NSP_TOO_EASY"), ("NEVER_ABSTAINS", "ALWAYS_ABSTAINS"),
    ("ONE_CLASS_PREDICTED", "NOT_CALIBRATED"), ("LABELS_PERMUTED", "OVERFITTING"),
]  # fmt: skip
# Findings of a score that does not show that anything was learnt.
NOTHING = {
    "NOTHING_LEARNT", "TOO_FEW_STEPS", "TOO_FEW_EXAMPLES_FOR_CLAIM", "SCORE_AT_BASELINE", "BELOW_MAJORITY",
    "ONE_CLASS_PREDICTED", "LABELS_PERMUTED", "STUCK_AT_UNIGRAM", "PERPLEXITY_ABOVE_UNIFORM", "ALWAYS_ABSTAINS",
    "BEST_IS_ABSTAINING",
}  # fmt: skip
KEYS = {
    score.key
    for scores in KNOWN_SCORES.values()
    for score in scores.values()
    if score.key.lower() != score.label.lower()
} - {"loss", "pearson", "parameters", "threshold", "meteor", "bleu", "mse", "mae", "f1", "precision", "recall", "exact"}


def contradictions(findings):
    advice = " ".join(text for finding in findings for text in finding.advice).lower()
    return [name for name, sides in OPPOSITES.items() if all(re.search(side, advice) for side in sides)]


@pytest.fixture(scope="module", params=[FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def diagnosed(request):
    rng = np.random.default_rng(0)
    reports = [synthetic_report(rng) for _ in range(request.param)]
    return [(report, diagnose(report)) for report in reports]


def test_no_two_findings_advise_opposites(diagnosed):
    for report, findings in diagnosed:
        codes = {finding.code for finding in findings}
        assert not contradictions(findings), (report, codes)
        assert "RULE_FAILED" not in codes, findings
        assert not [pair for pair in EXCLUSIVE if codes.issuperset(pair)], report


def test_both_sides_of_every_opposite_are_advised_somewhere(diagnosed):
    advice = {text.lower() for _, findings in diagnosed for finding in findings for text in finding.advice}
    for name in ("length", "rate", "warmup"):
        assert all(any(re.search(side, text) for text in advice) for side in OPPOSITES[name]), name


def test_every_score_that_shows_nothing_has_a_finding(diagnosed):
    shown = 0
    for report, findings in diagnosed:
        if any(not compared.is_certainly_better for compared in comparisons(report)):
            assert NOTHING & {finding.code for finding in findings}, report
        else:
            shown += 1
    assert 0.1 < shown / len(diagnosed) < 0.9  # the reports are of both kinds


def test_texts_name_scores_as_readers_do(diagnosed):
    texts = {
        text
        for _, findings in diagnosed
        for finding in findings
        for text in (finding.evidence, *finding.causes, *finding.advice)
    }
    for key in KEYS:
        assert not [text for text in texts if re.search(rf"\b{re.escape(key)}\b", text)], key


@pytest.mark.parametrize("training", SHAPES)
@pytest.mark.parametrize("validation", SHAPES)
def test_curves_are_read_whole(training, validation):
    """Pairs of rules that exclude each other, over a grid of shapes, lengths and noise."""
    rng = np.random.default_rng(1)
    for logs, evaluations, noise, rate in itertools.product((3, 12, 40), (2, 3, 8), (0.0, 0.05), (1e-9, 1e-3)):
        losses = loss_curve(validation, evaluations, noise=noise, rng=rng)
        rows = [{"epoch": n, "step": n * 50, "loss": float(loss)} for n, loss in enumerate(losses, start=1)]
        history = log_rows(loss_curve(training, logs, noise=noise, rng=rng), rate)
        for saved in rows:
            codes = {finding.code for finding in diagnose(empty_report(scores=rows, result=saved, history=history))}
            assert not [pair for pair in EXCLUSIVE if codes.issuperset(pair)]
            if "STILL_IMPROVING" in codes:
                assert losses.argmin() == len(losses) - 1
            if "OVERFITTING" in codes:
                assert losses.argmin() < len(losses) - 1
                assert saved["loss"] > 1.1 * losses.min()
