"""A pretraining run in a few sentences."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from ..reporting.intervals import Interval
from ..reporting.report import ReportTable, Score

_PAIR_NAMES = {"nsp": "next-sentence", "sop": "sentence-order"}


def summarize(
    model: nn.Module,
    corpus: str,
    steps: int,
    objective: str,
    result: dict[str, Any],
    baselines: dict[str, dict[str, float]],
) -> list[str]:
    """Say what was trained on what, and what the scores mean beside guessing."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    sentences = [f"A BERT of {parameters:,} parameters was pretrained on {corpus} for {steps:,} steps."]
    if "perplexity" not in result:
        if "non_finite_examples" in result:
            sentences.append("No example of the evaluation has a finite loss: these weights are of no use.")
        return sentences
    unigram, uniform = (baselines[name]["perplexity"] for name in ("unigram", "uniform"))
    sentences.append(
        f"On text that it has not seen, the perplexity of masked words is {result['perplexity']:,.1f}; guessing by "
        f"word frequency scores {unigram:,.1f}, guessing evenly {uniform:,.0f}."
    )
    if objective in _PAIR_NAMES:
        sentences.append(
            f"It tells {result['pair_accuracy']:.1%} of the {_PAIR_NAMES[objective]} pairs rightly; a coin tells 50%."
        )
    return sentences


def result_table(
    glossary: Sequence[Score],
    result: dict[str, Any],
    intervals: dict[str, Interval],
    baselines: dict[str, dict[str, float]],
) -> ReportTable:
    """Return the scores of the weights that were saved with their intervals, beside guessing.

    Args:
        glossary: the scores in the order to show them.
        result: their values.
        intervals: of those that have one.
        baselines: scores of guessing, by its name.
    """
    rows = []
    for score in glossary:
        if score.key in result:
            value, interval = format(result[score.key], score.form), intervals.get(score.key)
            between = "" if interval is None else f"{interval[0]:{score.form}} to {interval[1]:{score.form}}"
            guesses = [format(one[score.key], score.form) if score.key in one else "" for one in baselines.values()]
            rows.append([score.label, value, between, *guesses])
    header = ["score", "value", "95% interval", *(f"{name} guess" for name in baselines)]
    return ReportTable("Result", header, rows, "Intervals are of a bootstrap over examples, of pairs Wilson's.")
