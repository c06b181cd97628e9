"""The rules of the diagnosis, and how a user adds one."""

from collections.abc import Callable
from typing import TypeAlias

from ...errors import ConfigError
from ..schema import Finding, RunReport
from . import classification, consistency, finite, learning, pretraining, question_answering, training, weights
from . import data as data_rules

Rule: TypeAlias = Callable[[RunReport], Finding | None]

_BUILT_IN: tuple[tuple[tuple[str, ...], tuple[Rule, ...]], ...] = (
    ((), training.RULES + learning.RULES + weights.RULES + data_rules.RULES + consistency.RULES + finite.RULES),
    (("pretraining",), pretraining.RULES),
    (("classification",), classification.RULES + learning.CLASSIFICATION_RULES),
    (("question_answering",), question_answering.RULES),
)


def code_of(rule: Rule) -> str:
    """Return the code of a rule: the name of its function in capitals."""
    return rule.__name__.upper()


# Code → rule, and the recipes that it applies to; an empty tuple means all.
_RULES: dict[str, tuple[Rule, tuple[str, ...]]] = {
    code_of(rule): (rule, recipes) for recipes, rules in _BUILT_IN for rule in rules
}


def finding_rule(*recipes: str, replace: bool = False) -> Callable[[Rule], Rule]:
    """Register a function as a rule of the diagnosis; its name in capitals is the code of its finding.

    Args:
        recipes: names of the recipes that it applies to; none means all.
        replace: whether it may replace a rule of that name.

    Raises:
        ConfigError: there is already a rule of that name, or the decorator was used without parentheses.

    >>> from bert_finetune_kit import Finding, finding_rule
    >>> @finding_rule("classification")
    ... def cola_is_hard(report):
    ...     if report.result.get("matthews", 1) < 0.3:
    ...         return Finding("COLA_IS_HARD", "note", f"Matthews is {report.result['matthews']:.2f}.")
    """
    if not all(isinstance(recipe, str) for recipe in recipes):
        raise ConfigError("finding_rule takes names of recipes: write @finding_rule() above a rule for all of them.")

    def register(rule: Rule) -> Rule:
        if _RULES.get(code_of(rule), (rule,))[0] is not rule and not replace:
            raise ConfigError(
                f"There is already a rule {code_of(rule)}: choose another name, or replace it by "
                "@finding_rule(replace=True)."
            )
        _RULES[code_of(rule)] = rule, recipes
        return rule

    return register


def rules_for(recipe: str) -> dict[str, Rule]:
    """Return the rules for reports of a recipe by code, in the order of their registration."""
    return {code: rule for code, (rule, recipes) in _RULES.items() if not recipes or recipe in recipes}


def recipes_with_rules() -> list[str]:
    """Return the names of the recipes that have rules of their own."""
    return list(dict.fromkeys(name for _, recipes in _RULES.values() for name in recipes))
