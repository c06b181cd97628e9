"""What changed in a model, in plain words: of every comparison the same sentences, each where it is true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .change import ModuleChange, ParameterChange

# Name of a module → what a reader calls it, and what it is for.
_ROLES = {
    "pooler": ("the pooler", "a layer over the first token, which only heads for whole texts read"),
    "classifier": ("the classifier", "which turns a text into one number a label"),
    "qa_outputs": ("the answer head", "which scores each token as the first and as the last of an answer"),
    "cls.predictions": ("the masked-language-model head", "which guesses hidden words"),
    "cls.seq_relationship": ("the next-sentence head", "which judges a pair of texts"),
    "embeddings.word_embeddings": ("the word embeddings", ""),
    "embeddings.position_embeddings": ("the position embeddings", ""),
    "embeddings.token_type_embeddings": ("the token-type embeddings", ""),
    "embeddings.LayerNorm": ("the layer norm of the embeddings", ""),
}
_EMBEDDINGS = tuple(name for name in _ROLES if name.startswith("embeddings."))
_MLM_HEAD, _DECODER = "cls.predictions", "cls.predictions.decoder.weight"


def explain(change: ParameterChange) -> list[str]:
    """Return sentences about counts, then about which weights could move, then about how far they did."""
    return [
        *_counts(change),
        *_new(change),
        *_gone(change),
        *_decoder(change),
        *_resized(change),
        *_lora(change),
        *_frozen(change),
        *_layers(change),
        *_others(change),
    ]


def _counts(change: ParameterChange) -> Iterable[str]:
    more = change.after - change.before
    if more:
        how = f"{abs(more):,} {'more' if more > 0 else 'fewer'} than the {change.before:,} before"
        yield f"The model has {change.after:,} parameters, {how}."
    else:
        yield f"The model has {change.after:,} parameters, as many as before."
    if change.fresh:
        yield "All of them began as random numbers."


def _new(change: ParameterChange) -> Iterable[str]:
    new = [module for module in change.modules if not module.before]
    if new:
        yield f"New: {'; '.join(_role(module.name, module.after) for module in new)}."


def _gone(change: ParameterChange) -> Iterable[str]:
    gone = [module for module in change.modules if not module.after]
    if gone:
        yield f"Gone: {'; '.join(_role(module.name, module.before) for module in gone)}."
    if change.left_out:
        told = "; ".join(_role(name, count) for name, count in change.left_out.items())
        yield f"Left out of all counts is what the checkpoint holds besides and this model has no place for: {told}."


def _decoder(change: ParameterChange) -> Iterable[str]:
    left = {*(module.name for module in change.modules if not module.after), *change.left_out}
    if _MLM_HEAD in left and _DECODER not in change.removed:
        yield (
            "The decoder of the masked-language-model head is the matrix of the word embeddings: it is counted there "
            "alone, and stays."
        )


def _resized(change: ParameterChange) -> Iterable[str]:
    known = {module.name: module for module in change.modules}
    for name, (before, after) in change.resized.items():
        module = known.get(name.rpartition(".")[0])
        called = name if module is None else _called(module.name)
        yield f"{called[0].upper()}{called[1:]} went from {before:,} to {after:,}" + (
            "; how far they moved is told of the rows that both have." if module and module.moved is not None else "."
        )


def _lora(change: ParameterChange) -> Iterable[str]:
    if not change.adapters:
        return
    share = f"{change.trained:,} numbers learnt, {percent(change.trained / change.after)} of the model"
    whole = change.trained - change.adapters
    rest = f" and {whole:,} in what is trained whole" if whole else ""
    yield f"With LoRA {share}: {change.adapters:,} in matrices beside weights that stay frozen{rest}."
    if any(".lora_" in name for name in change.added):
        yield "How far the weights moved is told with what the matrices add to them."
    else:
        yield (
            "For saving, the matrices were added into the weights that they stood beside: the saved model has as many "
            "parameters as without LoRA, and it is by the matrices alone that those weights moved."
        )


def _frozen(change: ParameterChange) -> Iterable[str]:
    frozen = [module for module in change.modules if module.after and not module.trainable]
    still = [module for module in frozen if module.moved == 0]
    changed = [module for module in frozen if module.moved]
    unknown = [module for module in frozen if module.moved is None]
    if still:
        yield f"Frozen, and exactly as before: {_and(_names(still))}."
    if changed:
        yield f"Frozen, and yet not as before: {_and(_names(changed))}."
    if unknown:
        yield f"Frozen: {_and(_names(unknown))}."


def _layers(change: ParameterChange) -> Iterable[str]:
    layers = [(one.moved, one.layer) for one in change.modules if one.layer is not None and one.moved and one.trainable]
    if not layers:
        return
    (most, first), (least, last) = max(layers), min(layers)
    if first == last:
        yield f"Layer {first} moved by {percent(most)} of the norm of its weights."
    else:
        yield (
            f"Of {len(layers)} layers that learnt, layer {first} moved most, by {percent(most)} of the norm of its "
            f"weights, and layer {last} least, by {percent(least)}."
        )


def _others(change: ParameterChange) -> Iterable[str]:
    trained = [module for module in change.modules if module.trainable and module.moved is not None]
    moved = [f"{_called(one.name)} by {percent(one.moved)}" for one in trained if one.moved and one.layer is None]
    if moved:
        yield f"Outside the layers moved {_and(moved)}."
    still = [module for module in trained if module.moved == 0]
    if still:
        yield f"Trainable, and yet exactly as before: {_and(_names(still))}."


def percent(share: float | None) -> str:
    """Return a share in percent, with more digits where it is small.

    >>> percent(0.0417), percent(0.00000234), percent(0.0)
    ('4.17%', '0.0002%', '0%')
    """
    if not share:
        return "0%"
    return f"{share:.2%}" if share >= 1e-4 else f"{100 * share:.{_digits(share)}f}%"


def _digits(share: float) -> int:
    """Return how many digits after the point show the first one that is not 0."""
    digits = 3
    while round(100 * share, digits) == 0 and digits < 12:
        digits += 1
    return digits


def _called(name: str) -> str:
    return _ROLES[name][0] if name in _ROLES else name


def _role(name: str, count: int) -> str:
    what = _ROLES.get(name, ("", ""))[1]
    return f"{_called(name)}{f', {what}' if what else ''} ({count:,})"


def _names(modules: Sequence[ModuleChange]) -> list[str]:
    """Return what modules are called, runs of layers as one."""
    runs: list[list[int]] = []
    for module in modules:
        if module.layer is None:
            continue
        if runs and runs[-1][-1] + 1 == module.layer:
            runs[-1].append(module.layer)
        else:
            runs.append([module.layer])
    layers = [f"layer {run[0]}" if len(run) == 1 else f"layers {run[0]} to {run[-1]}" for run in runs]
    others = [module.name for module in modules if module.layer is None]
    if set(_EMBEDDINGS) <= set(others):
        others = ["the embeddings", *(name for name in others if name not in _EMBEDDINGS)]
    return [*map(_called, others), *layers]


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
