"""The change of the parameters (`RunReport.change`) as rows and as one line."""

from .formatting import format_relative_change
from .numbers import is_finite_number
from .records import ModuleChange, WeightChange

CHANGE_HEADER = ("module", "before", "after", "relative change", "trained")
CHANGE_NOTE = (
    "*before* and *after* are numbers of parameters. The relative change is ‖saved - initial‖ / ‖initial‖ of the "
    "weights of a module."
)


def change_rows(change: WeightChange) -> list[tuple[str, ...]]:
    """Return a row for each module and one for the model: parameters before and after, relative change.

    Args:
        change: `RunReport.change`, not empty.
    """
    rows = [
        (
            module["name"],
            f"{module['before']:,}",
            f"{module['after']:,}",
            format_relative_change(module["relative_change"]),
            _trained(module),
        )
        for module in change["modules"]
    ]
    return [*rows, ("all", f"{change['before']:,}", f"{change['after']:,}", "", "")]


def change_line(change: WeightChange) -> str:
    """Return the change in one line: numbers of parameters, and the trained layers that changed most and least.

    Args:
        change: `RunReport.change`, not empty.
    """
    difference = change["after"] - change["before"]
    line = f"Parameters: {change['before']:,} → {change['after']:,} ({difference:+,})"
    changes = [
        (module["relative_change"], module["layer"])
        for module in change["modules"]
        if module["layer"] is not None and module["trainable"] and is_finite_number(module["relative_change"])
    ]
    if not changes:
        return line
    (largest, first), (smallest, last) = max(changes), min(changes)
    line += f"; largest weight change: layer {first}, {format_relative_change(largest)} of its norm"
    return line if first == last else f"{line}; smallest: layer {last}, {format_relative_change(smallest)}"


def _trained(module: ModuleChange) -> str:
    return "removed" if not module["after"] else "yes" if module["trainable"] else "frozen"
