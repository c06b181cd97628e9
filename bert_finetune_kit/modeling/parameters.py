"""Where the parameters of a model are: a tree by module, tied weights counted once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn
from transformers import MODEL_MAPPING, PretrainedConfig

from .architecture import architecture_name, empty_encoder
from .layers import group_runs
from .weights import stored_weights, weights_file

_SPOKEN_WITH_A_VOWEL = ("A", "E", "I", "O", "XLM", "MPNet", "Mra")  # beginnings of names


@dataclass
class ParameterReport:
    """Parameters of one module and of the modules in it."""

    name: str
    total: int
    trainable: int
    tied: int = 0
    """Parameters of a module that comes earlier and counts them."""
    children: list["ParameterReport"] = field(default_factory=list)
    count: int = 1
    """Equal modules that this entry stands for; `total` and the other numbers are those of one of them."""

    def __getitem__(self, path: str) -> "ParameterReport":
        """Return the module at a dotted path, such as `embeddings.word_embeddings`.

        Raises:
            KeyError: there is no such module, or it has no parameters.
        """
        name, _, rest = path.partition(".")
        for child in self.children:
            if child.name == name:
                return child[rest] if rest else child
        raise KeyError(path)

    def to_dict(self) -> dict[str, Any]:
        """Return the tree as plain data."""
        children = {"children": [child.to_dict() for child in self.children]} if self.children else {}
        return {"name": self.name, "total": self.total, "trainable": self.trainable, "tied": self.tied, **children}

    def folded(self) -> "ParameterReport":
        """Return the tree with each run of equal layers as one entry, such as `0-11`."""
        runs = group_runs(self.children, _is_next_layer)
        return ParameterReport(self.name, self.total, self.trainable, self.tied, [_fold(run) for run in runs])

    def lines(self, depth: int = 0) -> Iterator[tuple[int, "ParameterReport"]]:
        """Yield (depth, module), top down."""
        yield depth, self
        for child in self.children:
            yield from child.lines(depth + 1)

    def __str__(self) -> str:
        return "\n".join(_line(depth, module) for depth, module in self.folded().lines())


def parameter_report(model: nn.Module | PretrainedConfig | str | Path) -> ParameterReport:
    """Count the parameters of `model` by module.

    Args:
        model: any module, a config for the encoder with its pooler (counted without allocating the weights), or a
            folder that contains model.safetensors, in which tied weights are stored once.

    Raises:
        ConfigError: it is none of these.

    >>> from transformers import BertConfig
    >>> parameter_report(BertConfig()).total  # bert-base-uncased
    109482240
    """
    if isinstance(model, PretrainedConfig):
        model = empty_encoder(model)
    if not isinstance(model, nn.Module):
        return _count_stored(weights_file(model))
    owners: dict[int, str] = {}
    return _count(model, type(model).__name__, "", owners)


def count_parameters(model: nn.Module, trainable: bool = False) -> int:
    """Return the number of parameters of `model`, tied ones once, or of the trainable ones alone.

    Unlike `PreTrainedModel.num_parameters` it also counts models wrapped by peft.
    """
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad or not trainable)


def model_phrase(model: Any) -> str:
    """Return a model in words, such as "a BERT of 109,483,778 parameters".

    Args:
        model: any module; one with the config of an encoder of transformers is named by its architecture.
    """
    config: Any = getattr(model, "config", None)
    name = architecture_name(config) if type(config) in MODEL_MAPPING else "model"
    article = "an" if name.startswith(_SPOKEN_WITH_A_VOWEL) else "a"
    return f"{article} {name} of {count_parameters(model):,} parameters"


def _count(module: nn.Module, name: str, path: str, owners: dict[int, str]) -> ParameterReport:
    report = ParameterReport(name, 0, 0)
    for parameter_name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
        owner = owners.setdefault(id(parameter), f"{path}.{parameter_name}")
        if owner != f"{path}.{parameter_name}":
            report.tied += parameter.numel()
            continue
        report.total += parameter.numel()
        report.trainable += parameter.numel() if parameter.requires_grad else 0
    for child_name, child in module.named_children():
        counted = _count(child, child_name, f"{path}.{child_name}", owners)
        if counted.total or counted.tied:
            report.children.append(counted)
            report.total += counted.total
            report.trainable += counted.trainable
            report.tied += counted.tied
    return report


def _count_stored(file: Path) -> ParameterReport:
    """Count the parameters in a safetensors file, in the order of their names with numbers read as such."""
    report = ParameterReport(file.parent.name, 0, 0)
    for name, weight in sorted(stored_weights(file).items(), key=lambda item: _numbers_padded(item[0])):
        module = report
        module.total, module.trainable = module.total + weight.count, module.trainable + weight.count
        for part in name.split(".")[:-1]:
            if not module.children or module.children[-1].name != part:
                module.children.append(ParameterReport(part, 0, 0))
            module = module.children[-1]
            module.total, module.trainable = module.total + weight.count, module.trainable + weight.count
    return report


def _numbers_padded(name: str) -> list[str]:
    return re.sub(r"\d+", lambda number: number[0].zfill(9), name).split(".")


def _is_next_layer(previous: ParameterReport, module: ParameterReport) -> bool:
    numbered = previous.name.isdigit() and module.name.isdigit() and int(previous.name) + 1 == int(module.name)
    return numbered and _counts(previous) == _counts(module)


def _counts(report: ParameterReport) -> tuple[Any, ...]:
    return (report.total, report.trainable, report.tied, tuple(_counts(child) for child in report.children))


def _fold(run: list[ParameterReport]) -> ParameterReport:
    folded = run[0].folded()
    if len(run) > 1:
        folded.name, folded.count = f"{run[0].name}-{run[-1].name}", len(run)
    return folded


def _line(depth: int, module: ParameterReport) -> str:
    name = "  " * depth + module.name + (f" ({module.count} ×)" if module.count > 1 else "")
    remarks = []
    if module.trainable < module.total:
        remarks.append(f"{module.trainable:,} trainable")
    if module.tied and not module.children:
        remarks.append(f"{module.tied:,} tied to a module above")
    return f"{name:<44}{module.total:>14,}" + (f"  {', '.join(remarks)}" if remarks else "")
