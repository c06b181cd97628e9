"""Where the parameters of a model are: a tree by module, tied weights counted once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from transformers import BertConfig, BertModel


@dataclass
class ParameterReport:
    """Parameters of one module and of the modules in it."""

    name: str
    total: int
    trainable: int
    tied: int = 0
    """Parameters that belong to a module named earlier, and are counted there alone."""
    children: list["ParameterReport"] = field(default_factory=list)

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
        """Return the tree with runs of equal layers as one line, such as `0-11 (12 ×)`."""
        folded = ParameterReport(self.name, self.total, self.trainable, self.tied)
        for child in self.children:
            last = folded.children[-1] if folded.children else None
            first, _, newest = last.name.partition("-") if last is not None else ("", "", "")
            follows = _follows(newest or first, child.name)
            if last is not None and follows and _shape(self[first]) == _shape(child):
                last.name = f"{first}-{child.name}"
            else:
                folded.children.append(child.folded())
        return folded

    def lines(self, depth: int = 0) -> Iterator[tuple[int, "ParameterReport", int]]:
        """Yield (depth, module, how many equal modules the line stands for), top down."""
        first, _, last = self.name.partition("-")
        yield depth, self, int(last) - int(first) + 1 if last.isdigit() and first.isdigit() else 1
        for child in self.children:
            yield from child.lines(depth + 1)

    def __str__(self) -> str:
        return "\n".join(
            f"{'  ' * depth + module.name + (f' ({times} ×)' if times > 1 else ''):<44}{module.total:>14,}"
            f"{_remark(module)}"
            for depth, module, times in self.folded().lines()
        )


def parameter_report(model: nn.Module | BertConfig) -> ParameterReport:
    """Count the parameters of `model` by module.

    Args:
        model: any module, or a `BertConfig` for the encoder with its pooler (counted without making the weights).

    >>> from transformers import BertConfig
    >>> parameter_report(BertConfig()).total  # bert-base-uncased
    109482240
    """
    if isinstance(model, BertConfig):
        with torch.device("meta"):
            model = BertModel(model)
    owners: dict[int, str] = {}
    return _count(model, type(model).__name__, "", owners)


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


def _follows(name: str, other: str) -> bool:
    return name.isdigit() and other.isdigit() and int(name) + 1 == int(other)


def _shape(report: ParameterReport) -> tuple[Any, ...]:
    return (report.total, report.trainable, report.tied, tuple(_shape(child) for child in report.children))


def _remark(module: ParameterReport) -> str:
    remarks = []
    if module.trainable < module.total:
        remarks.append(f"{module.trainable:,} trainable")
    if module.tied and not module.children:
        remarks.append(f"{module.tied:,} tied to a module above")
    return f"  {', '.join(remarks)}" if remarks else ""
