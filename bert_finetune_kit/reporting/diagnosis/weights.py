"""Rules on the weights: what was loaded, what moved, how many there are."""

from itertools import product
from typing import Any

from ..report import Finding, RunReport
from .view import known, number

# What a whole module can move by rounding alone: float32 has a precision of 1.2e-7, a norm sums up many roundings.
_ROUNDING = 1e-6
_PARTS_AT_MOST = 10  # each can be there, be lacking or not matter: 3^10 sums


def weights_not_loaded(report: RunReport) -> Finding | None:
    """The encoder has weights as they are drawn for a new model: LayerNorms of exactly 1, biases of exactly 0."""
    fresh, layers = known(report, "fresh_layers"), known(report, "encoder_layers")
    if not fresh or layers is None or (report.recipe == "pretraining" and not report.evidence.get("from_checkpoint")):
        return None
    model = report.settings.get("model", {}).get("given")
    asked = not report.evidence.get("from_checkpoint")
    return Finding(
        "WEIGHTS_NOT_LOADED", "note" if asked else "error",
        f"{fresh:.0f} of {layers:.0f} encoder layers started from random numbers"
        + (f", as {model} asks for." if asked else f", though {model} was to be loaded."),
        {"fresh_layers": fresh, "encoder_layers": layers},
        ["the model was given as a config or a size, not as a checkpoint"] if asked else
        ["the checkpoint was saved before it was trained", "its weights have other names than the model's"],
        ["Give the Hub id or the folder of a pretrained BERT: from random numbers a fine-tuning learns little."]
        + ["Load the folder with AutoModel.from_pretrained(..., output_loading_info=True) and read missing_keys."]
        * (not asked),
    )  # fmt: skip


def layers_unchanged(report: RunReport) -> Finding | None:
    """Modules that were to learn are what they were: their weights moved by no more than rounding does."""
    modules = report.change.get("modules", [])
    moved = {one["name"]: number(one.get("moved")) for one in modules if one.get("trainable") and one.get("after")}
    still = [name for name, change in moved.items() if change is not None and change <= _ROUNDING]
    if not still:
        return None
    return Finding(
        "LAYERS_UNCHANGED", "warning",
        f"{len(still)} of {len(moved)} trainable modules did not move: {', '.join(still[:5])}"
        f"{' …' if len(still) > 5 else ''}.",
        {"unchanged": still, "trainable": len(moved)},
        ["their learning rate is 0 (a layer_decay near 0, a warm-up as long as the run)",
         "the loss does not depend on them", "their gradients do not come through (a detached tensor)"],
        ["Raise layer_decay, or freeze those layers on purpose (freeze_layers).", "Train for more steps.",
         "Look at their gradients after one step."],
    )  # fmt: skip


def parameters_disagree(report: RunReport) -> Finding | None:
    """A number of parameters to compare with is another one, and whole modules explain the difference, or do not.

    A rounded number agrees with what rounds to it: 110,000,000 is 109,482,240 to two digits.
    """
    ours, theirs = known(report, "parameters"), known(report, "expected_parameters")
    if ours is None or theirs is None or _rounds_to(int(ours), int(theirs)):
        return None
    modules = {name: int(count) for name, count in (report.evidence.get("modules") or {}).items()}
    difference = int(ours - theirs)
    explained = _explain(difference, modules)
    if explained:
        why = f"That is exactly {explained}."
    else:
        why = "No sum of whole modules makes that up: the other number is no count of this model." if modules else ""
    return Finding(
        "PARAMETERS_DISAGREE", "note" if explained else "warning",
        f"{ours:,.0f} parameters against {theirs:,.0f}: {abs(difference):,} {'more' if difference > 0 else 'fewer'}. "
        f"{why}".rstrip(),
        {"parameters": int(ours), "expected": int(theirs), "difference": difference, "explained": explained},
        [] if explained else ["the other number is of another model (cased, another size), or is wrong",
                              "one of them leaves biases, LayerNorms or heads out"],
        ["Count both by module: print(parameter_report(model)).",
         "Say what a count holds: with or without the pooler and the heads."],
    )  # fmt: skip


def _rounds_to(count: int, given: int) -> bool:
    digits = len(str(given)) - len(str(given).rstrip("0"))
    return given > 0 and round(count, -digits) == given


def _explain(difference: int, modules: dict[str, int]) -> str | None:
    """Return the fewest modules that one count has more or less and that make up a difference; none if none do."""
    names = list(modules)[:_PARTS_AT_MOST]
    signs: list[tuple[Any, ...]] = [
        one for one in product((1, 0, -1), repeat=len(names))
        if sum(sign * modules[name] for sign, name in zip(one, names, strict=True)) == difference
    ]  # fmt: skip
    if not signs or not difference:
        return None
    best = min(signs, key=lambda one: sum(map(abs, one)))
    parts = [f"{name} {'more' if sign > 0 else 'less'}" for sign, name in zip(best, names, strict=True) if sign]
    return " and ".join(parts)


RULES = (weights_not_loaded, layers_unchanged, parameters_disagree)
