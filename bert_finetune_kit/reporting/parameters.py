"""What became of the parameters, from `RunReport.change`."""

from typing import Any

CHANGE_HEADER = ("module", "before", "after", "moved", "learnt")
CHANGE_NOTE = (
    "How far weights moved is the norm of their difference, from the start of the run to what is saved, over their "
    "norm at the start."
)


def change_rows(change: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return a row a module, and one for the whole model: parameters before and after, relative change of the norm.

    Args:
        change: `RunReport.change`, not empty.
    """
    rows = [
        (one["name"], f"{one['before']:,}", f"{one['after']:,}", _percent(one["moved"]), _learnt(one))
        for one in change["modules"]
    ]
    return [*rows, ("all", f"{change['before']:,}", f"{change['after']:,}", "", "")]


def change_line(change: dict[str, Any]) -> str:
    """Return the change in one line: counts, and which of the layers that learnt moved most and least.

    Args:
        change: `RunReport.change`, not empty.
    """
    difference = change["after"] - change["before"]
    line = f"Parameters: {change['before']:,} → {change['after']:,} ({difference:+,})"
    layers = [one for one in change["modules"] if one["layer"] is not None and one["trainable"]]
    moved = [(one["moved"], one["layer"]) for one in layers if one["moved"] is not None]
    if not moved:
        return line
    (most, first), (least, last) = max(moved), min(moved)
    line += f"; layer {first} moved by {_percent(most)} of its norm"
    return line if first == last else f"{line}, the most, layer {last} by {_percent(least)}, the least"


def _percent(moved: float | None) -> str:
    """Return a relative change in percent; a small one is not shown as none."""
    if not moved:
        return "" if moved is None else "0%"
    return f"{moved:.2%}" if moved >= 1e-4 else f"{100 * moved:.1e}%"


def _learnt(module: dict[str, Any]) -> str:
    return "gone" if not module["after"] else "yes" if module["trainable"] else "frozen"
