"""The plot of what training changed in the weights."""

from collections.abc import Sequence

from .numbers import is_finite_number
from .records import ModuleChange
from .schema import RunReport
from .svg import FIRST, MUTED, Plot, printable, sketch


def weight_change(report: RunReport, name: str = "change") -> Plot | None:
    """Draw the relative change of the weights by layer."""
    layers = _changes_by_layer(report.change.get("modules", []))
    if not layers:
        return None
    with sketch(name, "relative change of the weights by layer", height=0.8 + 0.24 * len(layers)) as figure:
        means = [_mean_change(group) for group in layers.values()]
        frozen = [not any(module.get("trainable") for module in group) for group in layers.values()]
        bars = figure.axes.barh(range(len(layers)), means, 0.75, color=[MUTED if fixed else FIRST for fixed in frozen])
        labels = [
            f"{mean:.2%}" if mean else "frozen" if fixed else "0" for mean, fixed in zip(means, frozen, strict=True)
        ]
        figure.axes.bar_label(bars, labels, padding=3, fontsize=8.5)
        figure.axes.set_yticks(range(len(layers)), [printable(layer, 28) for layer in layers])
        figure.axes.invert_yaxis()
        figure.axes.margins(x=0.15)
        figure.axes.grid(False, axis="y")
        figure.axes.set_xlabel("relative change")
        figure.axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    caption = "‖saved - initial‖ / ‖initial‖; of several modules the mean, weighted by their parameters."
    return Plot("Change of the weights", figure.svg, caption)


def _changes_by_layer(changes: Sequence[ModuleChange]) -> dict[str, list[ModuleChange]]:
    """Return the modules with a finite change by their layer, and those outside of the layers by their name."""
    layers: dict[str, list[ModuleChange]] = {}
    for module in changes:
        if is_finite_number(module.get("relative_change")):
            layer = module.get("layer")
            name = module["name"] if layer is None else f"layer {layer}"
            layers.setdefault(name, []).append(module)
    return layers


def _mean_change(group: Sequence[ModuleChange]) -> float:
    """Return the mean of the relative changes, weighted by the parameters."""
    changes = [module["relative_change"] or 0.0 for module in group]
    weights = [module.get("after") or 0 for module in group]
    if not sum(weights):
        return sum(changes) / len(changes)
    return sum(change * weight for change, weight in zip(changes, weights, strict=True)) / sum(weights)
