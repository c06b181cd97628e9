"""Rules → findings, of a report or of scores alone."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from ...errors import ConfigError, raise_faults
from ..report import Finding, RunReport
from .registry import Rule, known_recipes, rules_for

SEVERITIES = ("error", "warning", "note")

# What follows from a finding by necessity, and would hide it: not shown beside it.
_FOLLOWS = {
    "LABELS_PERMUTED": ("BELOW_MAJORITY", "NOT_CALIBRATED", "OVERFITTING"),
    "LEARNING_RATE_TOO_HIGH": ("STILL_IMPROVING",),
    "LEARNING_RATE_TOO_LOW": ("LAYERS_UNCHANGED",),
    "ONE_CLASS_PREDICTED": ("BELOW_MAJORITY", "NOT_CALIBRATED"),
}

# What scores by hand may come with, beside themselves.
CONTEXT = {
    "examples": "number of examples or questions that were scored",
    "vocab_size": "word pieces in the vocabulary",
    "unigram_perplexity": "perplexity of guessing by word frequency",
    "pairs": "number of segment pairs that were scored",
    "majority": "share of the most frequent label",
    "expected_parameters": "a number of parameters to hold `parameters` against",
    "modules": "parameters by name of the module, to explain a difference with",
}


# What scores by hand are known by, beside further ones that no rule looks at.
SCORES = {
    "pretraining": ("perplexity", "mlm_loss", "mlm_accuracy", "pair_accuracy", "pair_loss", "loss", "parameters"),
    "classification": (
        "accuracy", "precision", "recall", "f1", "f1_macro", "matthews", "calibration_error", "loss", "pearson",
        "spearman", "parameters",
    ),
    "question_answering": (
        "exact", "f1", "total", "HasAns_exact", "HasAns_f1", "HasAns_total", "NoAns_exact", "NoAns_f1", "NoAns_total",
        "best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh", "meteor", "bleu", "bleu_1", "bleu_length_ratio",
        "rouge1", "loss", "parameters",
    ),
}  # fmt: skip
SHARES = (
    "accuracy", "precision", "recall", "f1", "f1_macro", "calibration_error", "mlm_accuracy", "pair_accuracy",
    "majority",
)  # fmt: skip


def diagnose(report: RunReport) -> list[Finding]:
    """Return what the rules find in a report, the severest first; what follows from another finding is left out.

    A rule that raises takes no part: it becomes a note, since no rule may cost its user a finished run.
    """
    found = [one for code, rule in rules_for(report.recipe).items() if (one := _apply(code, rule, report)) is not None]
    covered = {code for one in found for code in _FOLLOWS.get(one.code, ())}
    found = [one for one in found if one.code not in covered]
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))


def diagnose_scores(
    recipe: str, scores: Mapping[str, Any] | Sequence[Mapping[str, Any]], **context: Any
) -> list[Finding]:
    """Return what the rules find in scores alone, such as those of a published table; the severest first.

    Args:
        recipe: pretraining, classification or question_answering.
        scores: by the names that the kit gives them (those of the official script for question answering), or a list
            of such, one an evaluation.
        context: what else is known: `examples`, `vocab_size`, `unigram_perplexity`, `pairs`, `majority`,
            `expected_parameters`, `modules`.

    Raises:
        ConfigError: there is no such recipe or context, no score is known, or a value cannot be one.

    >>> [one.code for one in diagnose_scores("pretraining", {"perplexity": 1_743_681}, vocab_size=30_522)]
    ['PERPLEXITY_ABOVE_UNIFORM']
    """
    faults = []
    for what, kind, there in [("recipe", recipe, known_recipes()), *(("context", name, CONTEXT) for name in context)]:
        if kind not in there:
            similar = get_close_matches(kind, there, n=1)
            hint = f"did you mean {similar[0]!r}? " if similar else ""
            faults.append(f"there is no {what} {kind!r}: {hint}there are {', '.join(there)}")
    raise_faults(faults, "diagnose_scores")
    given = [scores] if isinstance(scores, Mapping) else list(scores) if isinstance(scores, Sequence) else []
    if not given or not all(isinstance(row, Mapping) for row in given):
        raise ConfigError(f"diagnose_scores was given {scores!r}: scores by name are needed, or a list of such.")
    rows = [dict(row) for row in given]
    raise_faults(list(_score_faults(recipe, rows, context)), "diagnose_scores")
    bare = RunReport(
        recipe, scores=rows, result=rows[-1], evidence=dict(context),
        summary=[], baselines={}, glossary=[], data={}, history=[], parameters={}, settings={}, timings={},
    )  # fmt: skip
    return diagnose(bare)


def _apply(code: str, rule: Rule, report: RunReport) -> Finding | None:
    try:
        found = rule(report)
        fault = None if found is None else _fault(found)
    except Exception as error:
        found, fault = None, f"{type(error).__name__}: {error}"
    if fault is None:
        return found
    return Finding("RULE_FAILED", "note", f"The rule {code} could not be applied: {fault}")


def _fault(found: Any) -> str | None:
    """Return what is wrong with what a rule returned."""
    if not isinstance(found, Finding):
        return f"it returned {found!r}, and a Finding or None is needed"
    if found.severity not in SEVERITIES:
        return f"its severity is {found.severity!r}: it can be {', '.join(SEVERITIES)}"
    if not isinstance(found.code, str) or not isinstance(found.evidence, str):
        return "its code and its evidence must be text"
    return None


def _score_faults(recipe: str, rows: Sequence[Mapping[str, Any]], context: Mapping[str, Any]) -> Iterator[str]:
    """Yield what scores by hand cannot mean."""
    known = [name for name in SCORES[recipe] if any(name in row for row in rows)]
    if not known:
        yield f"none of the scores is known: {', '.join(SCORES[recipe])} are"
    for name in dict.fromkeys(name for row in rows for name in row if name not in SCORES[recipe]):
        if name.lower() in SCORES[recipe]:
            yield f"there is no score {name!r}: did you mean {name.lower()!r}?"
    for name in [*known, *context]:
        for value in [one[name] for one in (*rows, context) if name in one]:
            if name != "modules" and not isinstance(value, int | float | np.number):
                yield f"{name} is {value!r}: a number is needed"
            elif name in SHARES and recipe != "question_answering" and value > 1:
                yield f"{name} is {value}: shares of 1 are needed, not percent"
            elif name == "perplexity" and value <= 0:
                yield f"perplexity is {value}: it is never below 1"
