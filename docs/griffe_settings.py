"""What docs/api.md shows: help texts of settings as docstrings of their fields, and doctests as blocks of code."""

import re
from importlib import import_module
from typing import Any

import griffe

from bert_finetune_kit.settings import help_of

_DOCTEST = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)  # up to the next empty line


class SettingDocstrings(griffe.Extension):
    """Reads the help texts of dataclasses whose fields are declared with `setting`."""

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Complete the attributes of a class."""
        for name, member in cls.members.items():
            call = getattr(member, "value", None)
            if isinstance(call, griffe.ExprCall) and str(call.function) == "setting":
                settings = getattr(import_module(cls.module.path), cls.name)
                member.docstring = griffe.Docstring(help_of(settings, name), parent=member)
                member.value = call.arguments[0]


class Doctests(griffe.Extension):
    """Fences doctests, which Markdown would read as quotations and links."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence those of a docstring."""
        if obj.docstring is not None:
            fenced = _DOCTEST.sub(lambda match: f"```pycon\n{match[0]}\n```", obj.docstring.value)
            obj.docstring.value = fenced
