"""Sentences of a run's summary: what was trained on what, and each score with its interval and its baselines."""

from .formatting import format_interval
from .intervals import Interval
from .numbers import is_finite_number
from .schema import Score

# Names of baselines at the beginning of a sentence.
_BASELINES = {
    "majority": "Majority-class baseline",
    "mean": "Mean baseline",
    "always_abstain": "Always-abstain baseline",
}


def training_sentence(trained: str, model: str, data: str, steps: int, size: str = "") -> str:
    """Return what was trained on what.

    Args:
        trained: `pretrained` or `fine-tuned`.
        model: the model, as `model_phrase` names it.
        data: name of the data set.
        steps: optimizer steps.
        size: of the training split, such as `67,349 examples`.

    >>> training_sentence("fine-tuned", "a BERT of 109,483,778 parameters", "SST-2", 6_315, "67,349 examples")
    'A BERT of 109,483,778 parameters was fine-tuned on SST-2 (67,349 examples) for 6,315 steps.'
    """
    counted = f"{data} ({size})" if size else data
    return f"{model[0].upper()}{model[1:]} was {trained} on {counted} for {steps:,} steps."


def opening_sentence(trained: str, model: str, data: str, steps: int | None, size: str = "") -> str:
    """Return what was trained on what, or where `steps` is none, what was evaluated on what.

    >>> opening_sentence("fine-tuned", "a BERT of 109,483,778 parameters", "test.csv", None)
    'A BERT of 109,483,778 parameters was evaluated on test.csv.'
    """
    if steps is not None:
        return training_sentence(trained, model, data, steps, size)
    return f"{model[0].upper()}{model[1:]} was evaluated on {data}."


def score_sentence(
    score: Score,
    value: float,
    interval: Interval | None = None,
    *,
    scored_on: str = "",
    chance: float | None = None,
    label: str = "",
) -> str:
    """Return a score with its interval and, where it has one, the score of chance; or that it is undefined.

    Args:
        score: how it is shown.
        value: of the saved weights.
        interval: 95% interval.
        scored_on: examples that it was computed on, such as `872 examples of validation`.
        chance: what a random prediction scores.
        label: in place of that of the score, such as `NSP accuracy`.

    >>> accuracy = Score("accuracy", "accuracy", ".1%", "")
    >>> score_sentence(accuracy, 0.767, chance=0.5, label="NSP accuracy")
    'NSP accuracy 76.7% (chance: 50.0%).'
    >>> score_sentence(accuracy, 0.913, (0.893, 0.93), scored_on="872 examples of validation")
    'Accuracy 91.3% (95% interval 89.3% to 93.0%) on 872 examples of validation.'
    """
    name = label or score.label
    name = f"{name[:1].upper()}{name[1:]}"
    if not is_finite_number(value):
        return f"{name} is undefined on {scored_on}." if scored_on else f"{name} is undefined."
    remarks = []
    if interval is not None:
        remarks.append(f"95% interval {format_interval(interval, score.format_spec)}")
    if chance is not None:
        remarks.append(f"chance: {chance:{score.format_spec}}")
    sentence = f"{name} {value:{score.format_spec}}"
    sentence += f" ({'; '.join(remarks)})" if remarks else ""
    return f"{sentence} on {scored_on}." if scored_on else f"{sentence}."


def baseline_sentence(score: Score, baselines: dict[str, float]) -> str:
    """Return what the baselines score.

    Args:
        score: how the values are shown.
        baselines: values by the name of the baseline, at least one.

    >>> perplexity = Score("perplexity", "perplexity", ",.1f", "")
    >>> baseline_sentence(perplexity, {"unigram": 612.4, "uniform": 30522})
    'Unigram baseline: 612.4; uniform baseline: 30,522.0.'
    >>> baseline_sentence(Score("accuracy", "accuracy", ".1%", ""), {"majority": 0.509})
    'Majority-class baseline: 50.9%.'
    """
    parts = [
        f"{_BASELINES.get(name, f'{name} baseline')}: {value:{score.format_spec}}" for name, value in baselines.items()
    ]
    text = "; ".join([parts[0], *(part[:1].lower() + part[1:] for part in parts[1:])])
    return f"{text[:1].upper()}{text[1:]}."
