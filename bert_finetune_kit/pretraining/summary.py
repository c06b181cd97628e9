"""A pretraining run in a few sentences."""

from typing import Any

from torch import nn

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
