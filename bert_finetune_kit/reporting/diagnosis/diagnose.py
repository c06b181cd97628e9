"""Rules → findings, of a report or of scores alone."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import cast

import numpy as np

from ...errors import ConfigError, raise_faults
from ..known_scores import KNOWN_SCORES
from ..records import Evidence
from ..schema import Finding, RunReport, ScoreRow
from .registry import Rule, recipes_with_rules, rules_for

SEVERITIES = ("error", "warning", "note")

_LEARNT = ("NOTHING_LEARNT", "TOO_FEW_STEPS", "TOO_FEW_EXAMPLES_FOR_CLAIM", "SCORE_AT_BASELINE")
# Code → codes that follow from it by necessity, and are not reported with it.
_IMPLIED = {
    "ALWAYS_ABSTAINS": _LEARNT,
    "BEST_IS_ABSTAINING": ("NOTHING_LEARNT", "TOO_FEW_EXAMPLES_FOR_CLAIM"),
    "LABELS_PERMUTED": (*_LEARNT, "BELOW_MAJORITY", "NOT_CALIBRATED", "OVERFITTING"),
    "LEARNING_RATE_TOO_LOW": ("LAYERS_UNCHANGED",),
    "ONE_CLASS_PREDICTED": ("NOTHING_LEARNT", "TOO_FEW_EXAMPLES_FOR_CLAIM", "BELOW_MAJORITY", "NOT_CALIBRATED"),
    "PERPLEXITY_ABOVE_UNIFORM": _LEARNT,
    "STUCK_AT_UNIGRAM": _LEARNT,
}

CONTEXT = {
    "examples": "number of examples or questions that were scored",
    "vocab_size": "word pieces in the vocabulary",
    "unigram_perplexity": "perplexity of the unigram baseline",
    "pairs": "number of segment pairs that were scored",
    "majority": "share of the most frequent label",
    "expected_parameters": "a number of parameters to compare `parameters` with",
    "modules": "parameters by name of the module, to explain a difference",
}
"""What `diagnose_scores` can use beside the scores."""


def diagnose(report: RunReport) -> list[Finding]:
    """Return the findings of a report, the severest first, without those that follow from another finding.

    A rule that fails becomes a note: it must not cost a user a finished run.
    """
    findings = [
        finding
        for code, rule in rules_for(report.recipe).items()
        if (finding := _apply(code, rule, report)) is not None
    ]
    implied = {code for finding in findings for code in _IMPLIED.get(finding.code, ())}
    findings = [finding for finding in findings if finding.code not in implied]
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def diagnose_scores(
    recipe: str, scores: Mapping[str, float] | Sequence[Mapping[str, float]], **context: float | Mapping[str, float]
) -> list[Finding]:
    """Diagnose metrics from any source, such as a published table; return the findings, the severest first.

    Args:
        recipe: pretraining, classification or question_answering.
        scores: by key (see `KNOWN_SCORES`; for question answering those of the official script), or a list of such,
            one an evaluation.
        context: further facts: `examples`, `vocab_size`, `unigram_perplexity`, `pairs`, `majority`,
            `expected_parameters`, `modules`.

    Raises:
        ConfigError: there is no such recipe or context, no score is known, or a value is impossible.

    >>> [finding.code for finding in diagnose_scores("pretraining", {"perplexity": 1_743_681}, vocab_size=30_522)]
    ['PERPLEXITY_ABOVE_UNIFORM']
    """
    faults = [fault for fault in (_name_fault("recipe", recipe, recipes_with_rules()),) if fault]
    faults += [fault for name in context if (fault := _name_fault("context", name, CONTEXT))]
    raise_faults(faults, "diagnose_scores")
    given = [scores] if isinstance(scores, Mapping) else list(scores) if isinstance(scores, Sequence) else []
    if not given or not all(isinstance(row, Mapping) for row in given):
        raise ConfigError(f"diagnose_scores got {scores!r}: give scores by name, or a list of such.")
    rows: list[ScoreRow] = [dict(row) for row in given]
    raise_faults(_score_faults(recipe, rows, context), "diagnose_scores")
    report = RunReport(
        recipe, scores=rows, result=rows[-1], evidence=cast(Evidence, dict(context)), summary=[], baselines={},
        glossary=[], data={}, history=[], parameters={}, settings={}, timings={},
    )  # fmt: skip
    return diagnose(report)


def _name_fault(kind: str, name: str, allowed: Sequence[str] | Mapping[str, str]) -> str | None:
    """Return what is wrong with a name that is none of those allowed, with the most similar one."""
    if name in allowed:
        return None
    similar = get_close_matches(name, allowed, n=1)
    hint = f"did you mean {similar[0]!r}? " if similar else ""
    return f"unknown {kind} {name!r}: {hint}use one of {', '.join(allowed)}"


def _apply(code: str, rule: Rule, report: RunReport) -> Finding | None:
    try:
        finding = rule(report)
        fault = None if finding is None else _fault(finding)
    except Exception as error:
        finding, fault = None, f"{type(error).__name__}: {error}"
    if fault is None:
        return finding
    return Finding("RULE_FAILED", "note", f"The rule {code} could not be applied: {fault}")


def _fault(finding: object) -> str | None:
    """Return what is wrong with the return value of a rule."""
    if not isinstance(finding, Finding):
        return f"it returned {finding!r}, not a Finding or None"
    if finding.severity not in SEVERITIES:
        return f"its severity is {finding.severity!r}, not one of {', '.join(SEVERITIES)}"
    if not isinstance(finding.code, str) or not isinstance(finding.evidence, str):
        return "its code and its evidence must be text"
    return None


def _score_faults(recipe: str, rows: Sequence[ScoreRow], context: Mapping[str, object]) -> Iterator[str]:
    """Yield what is impossible in given scores."""
    declared = KNOWN_SCORES.get(recipe)
    if declared is None:  # a recipe of a user
        return
    names = [name for name in declared if any(name in row for row in rows)]
    if not names:
        yield f"no known score was given; known are {', '.join(declared)}"
    for name in dict.fromkeys(name for row in rows for name in row if name not in declared):
        if name.lower() in declared:
            yield f"unknown score {name!r}: did you mean {name.lower()!r}?"
    shares = {name for name in names if declared[name].is_share} | {"majority"}
    for name in [*names, *context]:
        for value in [values[name] for values in (*rows, context) if name in values]:
            if name == "modules":
                continue
            if not isinstance(value, int | float | np.number):
                yield f"{name} is {value!r}: give a number"
            elif name in shares and recipe != "question_answering" and value > 1:
                yield f"{name} is {value}: give a share from 0 to 1, not percent"
            elif name == "perplexity" and value <= 0:
                yield f"{name} is {value}: a perplexity is at least 1"
