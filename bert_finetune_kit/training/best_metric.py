"""By which score, and in which direction, the best checkpoint is chosen."""

import copy

from transformers import TrainingArguments

from ..contract import PreparedData
from ..errors import ConfigError


def with_best_metric(args: TrainingArguments, data: PreparedData) -> TrainingArguments:
    """Return arguments that name the score to choose the best checkpoint by, where they ask for the best.

    `TrainingArguments` fills in `loss` where nothing is given; `eval_loss` asks for the loss.

    Args:
        args: the Trainer's arguments, which stay as they are.
        data: its scores, and the one to choose by where the arguments name none.

    Raises:
        ConfigError: there is no such score.
    """
    if not args.load_best_model_at_end or data.best_metric is None:
        return args
    given = args.metric_for_best_model
    is_default = given in (None, "loss")
    key = data.best_metric if is_default else str(given).removeprefix("eval_")
    lower = data.lower_is_better
    if key not in lower:
        key = data.prefix(next(iter(data.validation), "")) + key
    if key not in lower:
        raise ConfigError(
            f"Unknown metric_for_best_model {data.best_metric if is_default else given!r}. Available scores: "
            f"{', '.join(lower)}."
        )
    args = copy.copy(args)
    args.metric_for_best_model = key
    if lower[key] is not None:
        args.greater_is_better = not lower[key]
    elif is_default:
        args.greater_is_better = True
    return args
