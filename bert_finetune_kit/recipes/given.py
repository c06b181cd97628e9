"""What a user may give a recipe in place of an object: mappings of settings → config and Trainer's arguments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Any, TypeVar, get_args, get_type_hints

from transformers import TrainingArguments

from ..errors import ConfigError, check_names, raise_faults
from ..keywords import ClassT, checks_settings
from ..settings import field_names
from ..training.arguments import RecipeArguments

ConfigT = TypeVar("ConfigT")
_REASONS = {
    "batch_size": "args has per_device_train_batch_size and per_device_eval_batch_size",
    "device": "the model runs on the device of args; predict(), predict_file() and explain() take another one",
    "threads": "it is for exported models",
}


def as_config(given: Any, default: ConfigT) -> ConfigT:
    """Return the settings of a recipe.

    Args:
        given: an object of the class of `default`, a mapping of its fields, or none.
        default: of what is not given.

    Raises:
        ConfigError: it is none of these, or has a field that does not exist.

    >>> from bert_finetune_kit import ClassificationConfig
    >>> as_config({"max_length": 64}, ClassificationConfig(stride=16)).stride
    16
    """
    kind: Any = type(default)
    if given is None or isinstance(given, kind):
        return default if given is None else given
    if not isinstance(given, Mapping):
        raise ConfigError(f"config is a {type(given).__name__}: give a {kind.__name__}, or a mapping of its fields.")
    check_names(given, field_names(kind), f"config, a mapping of the fields of {kind.__name__}")
    return replace(default, **given)  # type: ignore[type-var]


def recipe_settings(config: type | None = None, further: Sequence[str] = ()) -> Callable[[ClassT], ClassT]:
    """Return a decorator of a recipe: settings that it does not have are refused in words, as `checks_settings` does.

    Args:
        config: class of its settings; none means that of the recipe that is called.
        further: names that a `**` argument of the recipe takes.
    """

    def homes(recipe: Any) -> dict[str, type]:
        kind = config or type(getattr(recipe, "config", None))
        return {"args": RecipeArguments, **({"config": kind} if is_dataclass(kind) else {})}

    return checks_settings(homes, further, _REASONS)


def as_args(given: Any, default_args: Callable[..., TrainingArguments]) -> TrainingArguments:
    """Return the Trainer's arguments.

    Args:
        given: `TrainingArguments`, a mapping of those that are to differ from the defaults of the recipe, or none.
        default_args: further arguments by name → those of the recipe with these.

    Raises:
        ConfigError: it is none of these, or there is no such argument.
    """
    if isinstance(given, TrainingArguments):
        return given
    if not isinstance(given, Mapping | None):
        raise ConfigError(
            f"args is a {type(given).__name__}: give TrainingArguments, or a mapping such as "
            '{"output_dir": "runs/mine", "num_train_epochs": 3}.'
        )
    check_names(given or {}, field_names(RecipeArguments), "args, a mapping of Trainer arguments")
    return default_args(**numbers_of_texts(given or {}, RecipeArguments))


def numbers_of_texts(given: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return settings in which a text for a number, such as "1e-4" of a YAML file, is that number.

    Args:
        given: settings by name.
        kind: the dataclass that they are fields of.

    Raises:
        ConfigError: a text stands for a number, and is none.

    >>> numbers_of_texts({"learning_rate": "1e-4", "max_steps": "20", "output_dir": "20"}, RecipeArguments)
    {'learning_rate': 0.0001, 'max_steps': 20, 'output_dir': '20'}
    """
    hints, result = get_type_hints(kind), dict(given)
    faults = []
    for name, value in given.items():
        accepted = get_args(hints[name]) or (hints[name],)
        number = next((each for each in (float, int) if each in accepted), None)
        if isinstance(value, str) and str not in accepted and number is not None:
            try:
                result[name] = number(value)
            except ValueError:
                faults.append(f"{name} is {value!r}: a number is needed")
    raise_faults(faults, "args")
    return result
