"""Whether the head of a checkpoint is for the labels of a task: by kind, by name and by order."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..contract import BuiltModel
from ..errors import ModelError
from ..modeling.architecture import new_head_modules
from ..modeling.loading import checkpoint_config, shown_name, was_given_as_object
from ..tasks.task import Kind
from .labels import LabelSet

PROBLEM_TYPES: dict[Kind, str] = {
    "single_label": "single_label_classification",
    "multi_label": "multi_label_classification",
    "regression": "regression",
}
_NEW_HEAD = "or set new_head=True (--new_head true) to initialize a new head."


def saved_names(config: Any) -> tuple[str, ...]:
    """Return the names of a checkpoint's outputs in the order of its head."""
    return tuple(str(config.id2label[number]) for number in sorted(config.id2label))


def are_default_names(names: Sequence[str]) -> bool:
    """Return whether names are those that transformers invents, LABEL_0 and so on, which say nothing.

    >>> are_default_names(["LABEL_0", "LABEL_1"]), are_default_names(["negative", "positive"])
    (True, False)
    """
    return list(names) == [f"LABEL_{number}" for number in range(len(names))]


def same_names(first: Sequence[str], second: Sequence[str]) -> bool:
    """Return whether names are the same in the same order; upper and lower case may differ where it tells none apart.

    >>> same_names(["POSITIVE", "NEGATIVE"], ["positive", "negative"]), same_names(["A", "a"], ["a", "A"])
    (True, False)
    """
    if list(first) == list(second):
        return True
    lower = [name.lower() for name in first]
    return len(set(lower)) == len(lower) and lower == [name.lower() for name in second]


def check_label_order(labels: LabelSet, config: Any, checkpoint: str) -> None:
    """Check that the head of a checkpoint is for the labels of a task, by name and order.

    Args:
        labels: of the task.
        config: of the checkpoint.
        checkpoint: Hub id or folder, for the message.

    Raises:
        ModelError: kind, names or order differ, or the checkpoint does not name its labels and the task does not
            declare their order; the message shows both. A model object without names is one that the user has made for
            the task: it takes the labels in the order of the data.
    """
    is_object, checkpoint = was_given_as_object(checkpoint), shown_name(checkpoint)
    _check_kind(labels, config, checkpoint)
    saved = saved_names(config)
    if labels.kind == "regression" and len(saved) == 1:
        return
    if same_names(saved, labels.names) or _is_declared(labels, saved):
        return
    unnamed = are_default_names(saved)
    if unnamed and len(saved) == labels.outputs and is_object:
        return
    if unnamed and len(saved) == labels.outputs:
        raise ModelError(
            f"{checkpoint} does not name its labels ({', '.join(saved)}), so their order is unknown; those of the data "
            f"are ({', '.join(labels.names)}), in sorted order. Declare labels in the order of the checkpoint, such as "
            f"labels={labels.names!r} (--labels {' '.join(labels.names)}), to reuse its head, {_NEW_HEAD}"
        )
    lower_saved, lower_names = (sorted(name.lower() for name in names) for names in (saved, labels.names))
    shown = f"{len(saved)} without names" if unnamed else f"({', '.join(saved)})"
    trained = f"has a head of {len(saved)} outputs" if unnamed and is_object else f"was trained for the labels {shown}"
    raise ModelError(
        f"{checkpoint} {trained}; the task has ({', '.join(labels.names) or 'one number'}). "
        f"{'The names are the same in another order. ' if lower_saved == lower_names else ''}"
        f"Declare labels in the order of the checkpoint to reuse its head, {_NEW_HEAD}"
    )


def _check_kind(labels: LabelSet, config: Any, checkpoint: str) -> None:
    """A head that was trained with another loss has outputs of another meaning, whatever their names."""
    saved = config.problem_type
    if saved is not None and saved != PROBLEM_TYPES[labels.kind]:
        kind = next((kind for kind, problem_type in PROBLEM_TYPES.items() if problem_type == saved), saved)
        raise ModelError(
            f"{checkpoint} has a head for a {kind} task (problem_type {saved}); the task is {labels.kind}. Set "
            f"kind={kind!r} to reuse its head, {_NEW_HEAD}"
        )


def _is_declared(labels: LabelSet, saved: Sequence[str]) -> bool:
    """Only an order that was declared, or names that are the ids themselves, can be that of outputs without names."""
    are_ids = labels.names == tuple(str(number) for number in range(len(saved)))
    return are_default_names(saved) and len(saved) == labels.outputs and (labels.accepts_ids or are_ids)


def declared_order_note(labels: LabelSet, config: Any, checkpoint: str) -> str | None:
    """Return what a reader must know where the head of a checkpoint is reused that does not name its labels."""
    saved = saved_names(config)
    if labels.kind == "regression" or not are_default_names(saved) or same_names(saved, labels.names):
        return None
    order = ", ".join(f"{default} is {name}" for default, name in zip(saved, labels.names, strict=True))
    taken = "declared order" if labels.accepts_ids else "order of the data"
    return f"{shown_name(checkpoint)} does not name its labels; the {taken} was taken for that of its head: {order}"


def with_order_note(built: BuiltModel, labels: LabelSet, checkpoint: str | None) -> BuiltModel:
    """Return a classifier with a note where it reuses the head of a checkpoint that does not name its labels.

    Args:
        built: the classifier.
        labels: of the task.
        checkpoint: Hub id or folder that it was built from; none for new weights.
    """
    if checkpoint is None or new_head_modules(built.model, built.new_parts):
        return built
    note = declared_order_note(labels, checkpoint_config(checkpoint), checkpoint)
    return built if note is None else replace(built, notes=(note,))


def output_order(declared: Sequence[str], saved: Sequence[str]) -> list[int] | None:
    """Return for each declared label the output of a head that it belongs to; none where the names do not say.

    Args:
        declared: by a task, in the order of their ids.
        saved: names of the head. Default names, which say nothing, are in the declared order.

    >>> output_order(["entailment", "neutral", "contradiction"], ["CONTRADICTION", "ENTAILMENT", "NEUTRAL"])
    [1, 2, 0]
    >>> output_order(["no", "yes"], ["LABEL_0", "LABEL_1"])
    [0, 1]
    >>> output_order(["no", "yes"], ["negative", "positive"])
    """
    if len(declared) == len(saved) and are_default_names(saved):
        return list(range(len(saved)))
    for key in (str, str.lower):
        outputs = {key(name): number for number, name in enumerate(saved)}
        if len(outputs) == len(saved) and outputs.keys() == {key(name) for name in declared}:
            return [outputs[key(name)] for name in declared]
    return None
