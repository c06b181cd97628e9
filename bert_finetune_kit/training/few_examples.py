"""How long and with which learning rate to fine-tune on few examples, where nobody has set them."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from transformers import TrainingArguments

from .preflight import optimizer_steps

_EPOCHS, _MOST_EPOCHS = 10, 20
_ENOUGH_STEPS, _MANY_STEPS = 100, 600
_BASE_WIDTH, _HIGHEST_RATE = 768, 3e-4


class Suggested(float):
    """A default that gives way to one that suits the examples; what a user sets in its place stays."""


@dataclass(frozen=True)
class FittedArguments:
    """The Trainer's arguments as they suit the examples."""

    args: TrainingArguments
    note: str | None = None
    """What was chosen and why; none where the suggestions stay."""


def fit_to_examples(args: TrainingArguments, examples: int, width: Callable[[], int]) -> FittedArguments:
    """Return a copy of the arguments in which suggestions are replaced by what suits the examples.

    Of few examples there are 10 epochs, or as many as 100 steps take, up to 20; of more examples as many as 600 steps
    take, until these are the suggested epochs. The learning rate is then one for the width of the model: 5e-5 at the
    768 of BERT-base, in inverse proportion to the width, and at most 3e-4.

    Too short a training is what makes fine-tuning on few examples fail (Mosbach et al. 2021, "On the Stability of
    Fine-tuning BERT", who advise 20 epochs; Zhang et al. 2021, "Revisiting Few-sample BERT Fine-tuning"). The
    proportion is that of Yang et al. 2021, "Tensor Programs V", and 3e-4 the highest rate that Turc et al. 2019,
    "Well-Read Students Learn Better", try for small BERTs.

    Args:
        args: the Trainer's arguments, in which a value that is `Suggested` is nobody's choice.
        examples: to train on.
        width: returns the hidden size of the model.
    """
    suggested = {name: float(value) for name, value in vars(args).items() if isinstance(value, Suggested)}
    suits = _few_examples(args, examples, width()) if suggested else {}
    chosen = {name: suits[name] for name in suggested if name in suits}
    fitted = copy.copy(args)
    for name, value in (suggested | chosen).items():
        setattr(fitted, name, value)
    return FittedArguments(fitted, _note(chosen, examples) if chosen else None)


def _few_examples(args: TrainingArguments, examples: int, width: int) -> dict[str, float]:
    """Return what suits few examples, by name of the argument; nothing where there are more."""
    an_epoch = copy.copy(args)
    an_epoch.num_train_epochs, an_epoch.max_steps = 1, -1
    steps = optimizer_steps(examples, an_epoch)
    epochs = _few_epochs(max(steps, 1))
    if epochs <= TrainingArguments.num_train_epochs:
        return {}
    rate = min(_HIGHEST_RATE, TrainingArguments.learning_rate * _BASE_WIDTH / width)
    return {"learning_rate": rate} | ({} if args.max_steps > 0 else {"num_train_epochs": epochs})


def _few_epochs(steps: int) -> int:
    """Return how many epochs few examples need.

    Args:
        steps: of an epoch.

    >>> [_few_epochs(steps) for steps in (1, 4, 7, 13, 63, 150, 300)]
    [20, 20, 15, 10, 10, 4, 2]
    """
    enough = min(_MOST_EPOCHS, math.ceil(_ENOUGH_STEPS / steps))
    return max(enough, min(_EPOCHS, math.ceil(_MANY_STEPS / steps)))


def _note(chosen: Mapping[str, float], examples: int) -> str:
    parts = {
        "num_train_epochs": lambda value: f"{value:g} epochs",
        "learning_rate": lambda value: f"a learning rate of {value:.2g}",
    }
    values = " and ".join(say(chosen[name]) for name, say in parts.items() if name in chosen)
    return f"{values}: chosen for {examples:,} training examples; set {' and '.join(sorted(chosen))} to train otherwise"
