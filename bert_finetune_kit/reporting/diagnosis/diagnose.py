"""Rules → findings, of a report or of scores alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import ConfigError, raise_faults, unknown_name
from ..schema import SEVERITIES, Finding, RunReport
from .given import given_report
from .registry import Rule, recipes_with_rules, rules_for

_FAILED = "RULE_FAILED"
_LEARNT = ("NOTHING_LEARNT", "TOO_FEW_STEPS", "TOO_FEW_EXAMPLES_FOR_CLAIM", "SCORE_AT_BASELINE")
# Code → codes that follow from it by necessity, and are not reported with it; nothing follows from a note.
_IMPLIED = {
    "ALWAYS_ABSTAINS": _LEARNT,
    "BEST_IS_ABSTAINING": ("NOTHING_LEARNT", "TOO_FEW_EXAMPLES_FOR_CLAIM"),
    "LABELS_PERMUTED": (*_LEARNT, "BELOW_MAJORITY", "NOT_CALIBRATED", "OVERFITTING"),
    "LEARNING_RATE_TOO_LOW": ("LAYERS_UNCHANGED",),
    "ONE_CLASS_PREDICTED": ("NOTHING_LEARNT", "TOO_FEW_EXAMPLES_FOR_CLAIM", "BELOW_MAJORITY", "NOT_CALIBRATED"),
    "PERPLEXITY_ABOVE_UNIFORM": _LEARNT,
    "STUCK_AT_UNIGRAM": _LEARNT,
    # New weights have gradients of all sizes until they leave the plateau of chance.
    "WEIGHTS_NOT_LOADED": ("GRADIENTS_EXPLODE",),
}

CONTEXT = {
    "examples": "number of examples or questions that were scored",
    "vocab_size": "word pieces in the vocabulary",
    "unigram_perplexity": "perplexity of the unigram baseline",
    "pairs": "number of segment pairs that were scored",
    "majority": "share of the most frequent label",
    "multi_label": "whether an example can have several labels (True or False)",
    "expected_parameters": "a number of parameters to compare `parameters` with",
    "modules": "parameters by name of the module, to explain a difference",
}
"""What `diagnose_scores` can use beside the scores."""


def diagnose(report: RunReport) -> list[Finding]:
    """Return the findings of a report, the severest first, without those that follow from another finding.

    A rule that fails becomes a note: it must not cost a user a finished run.

    Raises:
        ConfigError: it is no report, such as the folder of a run.
    """
    if not isinstance(report, RunReport):
        raise ConfigError(f"diagnose: {report!r} is no report: give RunReport.load(folder), or what train() returns.")
    findings = [
        finding
        for code, rule in rules_for(report.recipe).items()
        if (finding := _apply(code, rule, report)) is not None
    ]
    implied = {code for finding in findings if finding.severity != "note" for code in _IMPLIED.get(finding.code, ())}
    findings = [finding for finding in findings if finding.code not in implied]
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


@dataclass(frozen=True)
class LaterDiagnosis:
    """A saved report, diagnosed by the rules that are registered now."""

    findings: list[Finding]
    """Of these rules, the severest first."""
    saved: list[Finding]
    """Findings in the report of rules that are not registered: of a user, or of another version of the kit. Whether
    they would still be found is not known."""
    difference: str
    """In a sentence, how the other findings in the report differ; empty where codes and severities are the same."""


def diagnose_again(report: RunReport) -> LaterDiagnosis:
    """Return the findings of the present rules on a saved report, and apart from them those saved in it."""
    rules, found = {*rules_for(report.recipe), _FAILED}, diagnose(report)
    others = [finding for finding in report.findings if finding.code not in rules]
    now = {finding.code: finding.severity for finding in found}
    saved = {finding.code: finding.severity for finding in report.findings if finding.code in rules}
    parts = [f"without {code}" for code in now if code not in saved]
    parts += [f"with {code} ({saved[code]})" for code in saved if code not in now]
    parts += [f"{code} is of severity {saved[code]}" for code in saved if code in now and saved[code] != now[code]]
    if not parts:
        return LaterDiagnosis(found, others, "")
    version = report.versions.get("bert_finetune_kit", "of an unknown version")
    difference = (
        f"This is the diagnosis by the present rules. That of the report, by bert_finetune_kit {version}, differs: "
        f"{'; '.join(parts)}."
    )
    return LaterDiagnosis(found, others, difference)


def diagnose_scores(
    recipe: str,
    scores: Mapping[str, float] | Sequence[Mapping[str, float]],
    **context: float | bool | Mapping[str, float],
) -> list[Finding]:
    """Diagnose metrics from any source, such as a published table; return the findings, the severest first.

    Args:
        recipe: pretraining, classification or question_answering.
        scores: by key (see `KNOWN_SCORES`; for question answering those of the official script), or a list or
            DataFrame of such, a row an evaluation; with `train_loss`, the training loss. The Trainer's prefixes
            (`eval_`) and ids of the Hub (`matthews_correlation`) are understood.
        context: further facts: `examples`, `vocab_size`, `unigram_perplexity`, `pairs`, `majority`,
            `multi_label`, `expected_parameters`, `modules`.

    Raises:
        ConfigError: there is no such recipe or context, no score is known, or a value is impossible.

    >>> [finding.code for finding in diagnose_scores("pretraining", {"perplexity": 1_743_681}, vocab_size=30_522)]
    ['PERPLEXITY_ABOVE_UNIFORM']
    """
    recipes, facts = recipes_with_rules(), list(CONTEXT)
    faults = [unknown_name("recipe", recipe, recipes, f"use one of {', '.join(recipes)}")]
    faults += [unknown_name("context", name, facts, f"use one of {', '.join(facts)}") for name in context]
    raise_faults(filter(None, faults), "diagnose_scores")
    return diagnose(given_report(recipe, scores, context))


def _apply(code: str, rule: Rule, report: RunReport) -> Finding | None:
    try:
        finding = rule(report)
        fault = None if finding is None else _fault(finding)
    except Exception as error:
        finding, fault = None, f"{type(error).__name__}: {error}"
    if fault is None:
        return finding
    return Finding(_FAILED, "note", f"The rule {code} could not be applied: {fault}")


def _fault(finding: object) -> str | None:
    """Return what is wrong with the return value of a rule."""
    if not isinstance(finding, Finding):
        return f"it returned {finding!r}, not a Finding or None"
    if finding.severity not in SEVERITIES:
        return f"its severity is {finding.severity!r}, not one of {', '.join(SEVERITIES)}"
    if not isinstance(finding.code, str) or not isinstance(finding.evidence, str):
        return "its code and its evidence must be text"
    return None
