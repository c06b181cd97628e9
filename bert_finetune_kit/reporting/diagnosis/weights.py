"""Rules on the weights: whether they were loaded, changed, and how many there are."""

from itertools import product

from ..numbers import finite_or_none
from ..plain import Plain
from ..schema import Finding, RunReport
from .course import higher_rate, longer
from .view import measured, setting

# The most that a whole module can change by rounding: float32 has a precision of 1.2e-7, a norm sums many roundings.
_ROUNDING = 1e-6
_MOST_MODULES = 10  # each can be added, subtracted or omitted: 3^10 sums


def weights_not_loaded(report: RunReport) -> Finding | None:
    """Encoder layers have initial weights as of a new model: LayerNorms of exactly 1, biases of exactly 0.

    Loading refuses a checkpoint that lacks weights of the encoder, so that such a checkpoint was never trained.
    """
    untrained, layers = measured(report, "randomly_initialized_layers"), measured(report, "encoder_layers")
    from_checkpoint = report.evidence.get("from_checkpoint", False)
    if not untrained or layers is None or (report.recipe == "pretraining" and not from_checkpoint):
        return None
    model = report.model.get("model_name_or_path")
    counted = f"{untrained:.0f} of {layers:.0f} encoder layers"
    advice = ["Use the Hub id or the folder of a pretrained model: fine-tuning from random weights learns little."]
    if from_checkpoint:
        evidence = f"{counted} of {model} have the initial weights of a new model: it was saved before any training."
        causes = ["the checkpoint was made from a config, not by training", "its training had a learning rate of 0"]
        advice.append("Train that checkpoint first, or start from another one.")
    else:
        evidence = f"{counted} were randomly initialized, as requested by model={model!r}."
        causes = ["the model was given as a config or a size, not as a checkpoint"]
    return Finding(
        "WEIGHTS_NOT_LOADED", "error" if from_checkpoint else "note", evidence,
        {"randomly_initialized_layers": untrained, "encoder_layers": layers}, causes, advice,
    )  # fmt: skip


def layers_unchanged(report: RunReport) -> Finding | None:
    """Trainable modules have not changed by more than rounding."""
    modules = [module for module in report.change.get("modules", []) if module.get("trainable") and module.get("after")]
    changes = {module["name"]: finite_or_none(module.get("relative_change")) for module in modules}
    unchanged = [name for name, change in changes.items() if change is not None and change <= _ROUNDING]
    if not unchanged:
        return None
    names = f"{', '.join(unchanged[:5])}{' …' if len(unchanged) > 5 else ''}"
    numbers: dict[str, Plain] = {"unchanged": list(unchanged), "trainable": len(changes)}
    if len(unchanged) == len(changes):
        return Finding(
            "LAYERS_UNCHANGED", "error",
            f"None of the {len(changes)} trainable modules changed ({names}): the saved weights are the initial ones.",
            numbers,
            ["the learning rate was 0 in all steps before these weights were saved", "there are no gradients"],
            [*longer(report, "Train for more steps."), *higher_rate(report, "Use a higher learning rate."),
             "Inspect the gradients after one step."],
        )  # fmt: skip
    decays = (finite_or_none(setting(report, "layer_decay", "recipe")) or 1.0) < 1
    return Finding(
        "LAYERS_UNCHANGED", "warning",
        f"{len(unchanged)} of {len(changes)} trainable modules did not change: {names}.",
        numbers,
        ["their learning rate is 0" + " (a layer_decay near 0)" * decays, "the loss does not depend on them",
         "they get no gradients (a detached tensor)"],
        [*["Raise layer_decay, or freeze these layers explicitly (freeze_layers)."] * decays,
         "Inspect their gradients after one step.", *longer(report, "Train for more steps.")],
    )  # fmt: skip


def parameters_disagree(report: RunReport) -> Finding | None:
    """The number of parameters is not the expected one; whole modules may explain the difference.

    A rounded number agrees with what rounds to it: 110,000,000 is 109,482,240 to two digits.
    """
    count, expected = measured(report, "parameters"), measured(report, "expected_parameters")
    if count is None or expected is None or _rounds_to(int(count), int(expected)):
        return None
    modules = {name: int(number) for name, number in (report.evidence.get("modules") or {}).items()}
    difference = int(count - expected)
    explained = _explain(difference, modules)
    reason = f"The difference is exactly {explained}." if explained else ""
    if modules and not explained:
        reason = "No sum of whole modules is that difference: the expected number is not a count of this model."
    return Finding(
        "PARAMETERS_DISAGREE", "note" if explained else "warning",
        f"{count:,.0f} parameters, expected {expected:,.0f}: {abs(difference):,} "
        f"{'more' if difference > 0 else 'fewer'}. {reason}".rstrip(),
        {"parameters": int(count), "expected": int(expected), "difference": difference, "explained": explained},
        [] if explained else ["the expected number is of another model (cased, another size), or is wrong",
                              "one of the counts leaves out biases, LayerNorms or heads"],
        ["Count both by module: print(parameter_report(model)).",
         "State what a count includes: with or without the pooler and the heads."],
    )  # fmt: skip


def _rounds_to(count: int, rounded: int) -> bool:
    digits = len(str(rounded)) - len(str(rounded).rstrip("0"))
    return rounded > 0 and round(count, -digits) == rounded


def _explain(difference: int, modules: dict[str, int]) -> str | None:
    """Return the fewest modules, added or subtracted, whose parameters sum to a difference; None if none do."""
    names = list(modules)[:_MOST_MODULES]
    sums = [
        signs for signs in product((1, 0, -1), repeat=len(names))
        if sum(sign * modules[name] for sign, name in zip(signs, names, strict=True)) == difference
    ]  # fmt: skip
    if not sums or not difference:
        return None
    fewest = min(sums, key=lambda signs: sum(map(abs, signs)))
    parts = [f"{name} {'more' if sign > 0 else 'less'}" for sign, name in zip(fewest, names, strict=True) if sign]
    return " and ".join(parts)


RULES = (weights_not_loaded, layers_unchanged, parameters_disagree)
