"""Rules → findings, of a report or of scores alone."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ...errors import ConfigError, raise_faults
from ..report import Finding, RunReport
from .registry import Rule, known_recipes, rules_for

SEVERITIES = ("error", "warning", "note")

# What follows from a finding by necessity, and would hide it: not shown beside it.
_FOLLOWS = {
    "LABELS_PERMUTED": ("BELOW_MAJORITY", "NOT_CALIBRATED", "OVERFITTING"),
    "LEARNING_RATE_TOO_HIGH": ("STILL_IMPROVING",),
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
        ConfigError: there is no such recipe or context.

    >>> [one.code for one in diagnose_scores("pretraining", {"perplexity": 1_743_681}, vocab_size=30_522)]
    ['PERPLEXITY_ABOVE_UNIFORM']
    """
    faults = []
    for given, kind, there in [("recipe", recipe, known_recipes()), *(("context", name, CONTEXT) for name in context)]:
        if kind not in there:
            similar = get_close_matches(kind, there, n=1)
            hint = f"did you mean {similar[0]!r}? " if similar else ""
            faults.append(f"there is no {given} {kind!r}: {hint}there are {', '.join(there)}")
    raise_faults(faults, "diagnose_scores")
    rows = [dict(scores)] if isinstance(scores, Mapping) else [dict(one) for one in scores]
    if not rows:
        raise ConfigError("diagnose_scores was given no scores: there is nothing to judge.")
    bare = RunReport(
        recipe, scores=rows, result=rows[-1], evidence=dict(context),
        summary=[], baselines={}, glossary=[], data={}, history=[], parameters={}, settings={}, timings={},
    )  # fmt: skip
    return diagnose(bare)


def _apply(code: str, rule: Rule, report: RunReport) -> Finding | None:
    try:
        return rule(report)
    except Exception as error:
        return Finding("RULE_FAILED", "note", f"The rule {code} could not be applied: {type(error).__name__}: {error}")
