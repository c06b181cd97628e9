"""A parameter change in sentences: the same ones for every comparison, each only where it applies."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .change import ModuleChange, ParameterChange
from .layers import group_runs, is_in_embeddings

# Name of a module → its name in a sentence, and its purpose.
_MODULES = {
    "pooler": ("the pooler", "a dense layer on the first token, used by heads for whole sequences"),
    "classifier": ("the classifier", "which maps a sequence to one score per label"),
    "qa_outputs": ("the question-answering head", "which scores each token as start and as end of an answer"),
    "cls.predictions": ("the masked-language-model head", "which predicts masked tokens"),
    "lm_head": ("the masked-language-model head", "which predicts masked tokens"),
    "predictions": ("the masked-language-model head", "which predicts masked tokens"),
    "cls.seq_relationship": ("the next-sentence head", "which classifies pairs of texts"),
    "sop_classifier": ("the sentence-order head", "which classifies pairs of texts"),
    "discriminator_predictions": ("the discriminator head", "which tells replaced tokens from original ones"),
    "sequence_summary": ("the classifier", "which maps a sequence to one score per label"),
}
# How the parts of an encoder are called, by the end of their names.
_PARTS = {
    r"(?:word|tok)_embeddings$|^embeddings$|(?:^|\.)embed_tokens$": "the word embeddings",
    r"position_embeddings$": "the position embeddings",
    r"token_type_embeddings$": "the token-type embeddings",
    r"embeddings\.(?:LayerNorm|layer_norm|norm)$|^layer_norm_emb$": "the LayerNorm of the embeddings",
    r"embeddings?_(?:project|hidden_mapping_in)$": "the projection of the embeddings",
}
_MASKED_HEAD = "lm_head"


def explain_change(change: ParameterChange) -> list[str]:
    """Return sentences about counts, then about which weights were trainable, then about how much they changed.

    >>> from transformers import BertConfig
    >>> from bert_finetune_kit import compare_parameters
    >>> explain_change(compare_parameters(BertConfig(), BertConfig(type_vocab_size=1)))[0]
    '109,481,472 parameters, 768 fewer than before (109,482,240).'
    """
    return [
        *_counts(change),
        *_added(change),
        *_removed(change),
        *_decoder(change),
        *_resized(change),
        *_lora(change),
        *_frozen(change),
        *_layers(change),
        *_others(change),
    ]


def describe_change(change: ParameterChange) -> dict[str, Any]:
    """Return a change as plain data, with the sentences under `explanation`."""
    return {**asdict(change), "explanation": explain_change(change)}


def _counts(change: ParameterChange) -> Iterator[str]:
    difference = change.after - change.before
    if difference:
        comparison = f"{abs(difference):,} {'more' if difference > 0 else 'fewer'} than before ({change.before:,})"
        yield f"{change.after:,} parameters, {comparison}."
    else:
        yield f"{change.after:,} parameters, as many as before."
    if change.from_scratch:
        yield "All weights were randomly initialized."


def _added(change: ParameterChange) -> Iterator[str]:
    added = {module.name: module.after for module in change.modules if not module.before}
    if added:
        yield f"Newly initialized: {'; '.join(_purposes(added, change))}."


def _removed(change: ParameterChange) -> Iterator[str]:
    removed = {module.name: module.before for module in change.modules if not module.after}
    if removed:
        yield f"Removed: {'; '.join(_purposes(removed, change))}."
    if change.unused_heads:
        heads = "; ".join(_purposes(change.unused_heads, change))
        yield f"Unused heads of the checkpoint, in none of these counts: {heads}."


def _decoder(change: ParameterChange) -> Iterator[str]:
    removed = {*(module.name for module in change.modules if not module.after), *change.unused_heads}
    if change.tied_decoder and removed & set(change.masked_head):
        yield (
            "The decoder of the masked-language-model head is tied to the word embeddings: it is counted there, and is "
            "not removed."
        )


def _resized(change: ParameterChange) -> Iterator[str]:
    modules = {module.name: module for module in change.modules}
    for name, (before, after) in change.resized.items():
        module = modules.get(name.rpartition(".")[0])
        measured = module is not None and module.relative_change is not None
        yield f"Resized: {name if module is None else _title(module.name)}, from {before:,} to {after:,} parameters" + (
            "; its change is measured over the rows that both have." if measured else "."
        )


def _lora(change: ParameterChange) -> Iterator[str]:
    if not change.adapters:
        return
    whole = change.trained - change.adapters
    rest = f", {whole:,} in modules trained whole" if whole else ""
    share = format_share(change.trained / change.after)
    yield (
        f"LoRA trained {change.trained:,} parameters, {share} of the model: {change.adapters:,} in adapters of frozen "
        f"weights{rest}."
    )
    if any(".lora_" in name for name in change.added):
        yield "Changes of adapted weights include the product of their adapters."
    else:
        yield (
            "The adapters were merged into the weights on saving: the saved model has as many parameters as without "
            "LoRA, and adapted weights changed by the product of their adapters alone."
        )


def _frozen(change: ParameterChange) -> Iterator[str]:
    frozen = [module for module in change.modules if module.after and not module.trainable]
    unchanged = [module for module in frozen if module.relative_change == 0]
    changed = [module for module in frozen if module.relative_change]
    unmeasured = [module for module in frozen if module.relative_change is None]
    if unchanged:
        yield f"Frozen and unchanged: {_join(_titles(unchanged, change))}."
    if changed:
        yield f"Frozen, but changed: {_join(_titles(changed, change))}."
    if unmeasured:
        yield f"Frozen: {_join(_titles(unmeasured, change))}."


def _layers(change: ParameterChange) -> Iterator[str]:
    layers = [
        (module.relative_change, module.layer)
        for module in change.modules
        if module.layer is not None and module.relative_change and module.trainable
    ]
    if not layers:
        return
    (largest, first), (smallest, last) = max(layers), min(layers)
    if first == last:
        yield f"Weight change of layer {first}: {format_share(largest)} of its norm."
    else:
        yield (
            f"Largest weight change of {len(layers)} trained layers: layer {first}, {format_share(largest)} of its "
            f"norm; smallest: layer {last}, {format_share(smallest)}."
        )


def _others(change: ParameterChange) -> Iterator[str]:
    trained = [module for module in change.modules if module.trainable and module.relative_change is not None]
    changes = [
        f"{_title(module.name)} {format_share(module.relative_change)}"
        for module in trained
        if module.relative_change and module.layer is None
    ]
    if changes:
        yield f"Weight changes outside the layers: {_join(changes)}."
    unchanged = [module for module in trained if module.relative_change == 0]
    if unchanged:
        yield f"Trainable, but unchanged: {_join(_titles(unchanged, change))}."


def format_share(share: float | None) -> str:
    """Return a share in percent, with more digits if it is small.

    >>> format_share(0.0417), format_share(0.00000234), format_share(0.0)
    ('4.17%', '0.0002%', '0%')
    """
    if not share:
        return "0%"
    return f"{share:.2%}" if share >= 1e-4 else f"{100 * share:.{_digits(share)}f}%"


def _digits(share: float) -> int:
    """Return how many digits after the decimal point show the first one that is not 0."""
    digits = 3
    while round(100 * share, digits) == 0 and digits < 12:
        digits += 1
    return digits


def _title(module: str) -> str:
    parts = (title for pattern, title in _PARTS.items() if re.search(pattern, module))
    return _MODULES[module][0] if module in _MODULES else next(parts, module)


def _purposes(modules: Mapping[str, int], change: ParameterChange) -> list[str]:
    """Return modules by what they are for, the modules of a head as one.

    Args:
        modules: number of parameters by name.
        change: that they are part of.
    """
    groups: dict[str, list[str]] = {}
    known = [name for name in modules if name in change.heads and name in _MODULES and name not in change.masked_head]
    for name in modules:
        key = _MASKED_HEAD if name in change.masked_head else name
        if key == name and name in change.heads and len(known) == 1:
            key = known[0]
        groups.setdefault(key, []).append(name)
    return [_purpose(key, names, sum(modules[name] for name in names)) for key, names in groups.items()]


def _purpose(key: str, names: Sequence[str], count: int) -> str:
    purpose = _MODULES.get(key, ("", ""))[1]
    parts = f": {_join(names)}" if len(names) > 1 else ""
    return f"{_title(key)}{f', {purpose}' if purpose else ''} ({count:,}{parts})"


def _titles(modules: Sequence[ModuleChange], change: ParameterChange) -> list[str]:
    """Return the names of modules in a sentence, runs of layers as one, and all embeddings as one."""
    numbers = [module.layer for module in modules if module.layer is not None]
    runs = group_runs(numbers, lambda previous, number: number == previous + 1)
    layers = [f"layer {run[0]}" if len(run) == 1 else f"layers {run[0]} to {run[-1]}" for run in runs]
    others = [module.name for module in modules if module.layer is None]
    embeddings = {module.name for module in change.modules if module.after and is_in_embeddings(module.name)}
    if len(embeddings) > 1 and embeddings <= set(others):
        others = ["the embeddings", *(name for name in others if name not in embeddings)]
    return [*map(_title, others), *layers]


def _join(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
