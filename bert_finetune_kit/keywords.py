"""Keyword arguments of what a user calls: one that does not exist is an error in words, before anything is computed."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import MappingProxyType
from typing import Any, TypeVar

from .errors import raise_faults, unknown_setting
from .settings import field_names

ClassT = TypeVar("ClassT", bound=type)
Homes = Callable[[Any], Mapping[str, type]]
"""Object or class → for each argument that takes a mapping of settings, the dataclass whose fields these are."""
_CALLED = (
    "__init__", "from_pretrained", "train", "train_seeds", "cross_validate", "evaluate", "predict", "predict_file",
    "selection", "explain", "export", "push_to_hub",
)  # fmt: skip
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def checks_settings(
    homes: Homes = lambda _: {}, further: Sequence[str] = (), reasons: Mapping[str, str] = MappingProxyType({})
) -> Callable[[ClassT], ClassT]:
    """Return a decorator of a class, what a user calls of which then refuses settings that it does not have, in words.

    Args:
        homes: where settings belong that are not arguments themselves.
        further: names that a `**` argument takes.
        reasons: why the class has no such setting, by its name.
    """

    def decorate(kind: ClassT) -> ClassT:
        for name in _CALLED:
            member = vars(kind).get(name)
            if isinstance(member, classmethod):
                setattr(kind, name, classmethod(_checked(member.__func__, homes, further, reasons)))
            elif inspect.isfunction(member):
                setattr(kind, name, _checked(member, homes, further, reasons))
        return kind

    return decorate


def _checked(
    method: Callable[..., Any], homes: Homes, further: Sequence[str], reasons: Mapping[str, str]
) -> Callable[..., Any]:
    _, *parameters = inspect.signature(method).parameters.values()
    names = [parameter.name for parameter in parameters if parameter.kind in _NAMED]
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        if not further:
            return method  # which knows its settings itself
        names += further

    @wraps(method)
    def checked(owner: Any, /, *args: Any, **settings: Any) -> Any:
        unknown = [name for name in settings if name not in names]
        if unknown:
            kind = owner.__name__ if isinstance(owner, type) else type(owner).__name__
            subject = kind if method.__name__ == "__init__" else f"{kind}.{method.__name__}()"
            raise_faults([_fault(name, names, homes(owner), reasons) for name in unknown], subject)
        return method(owner, *args, **settings)

    return checked


def _fault(name: str, names: Sequence[str], homes: Mapping[str, type], reasons: Mapping[str, str]) -> str:
    home = next((home for home, kind in homes.items() if name in field_names(kind)), None)
    if home is not None:
        return f"{name} belongs into {home}={{{name!r}: …}}" + ("" if home in names else " of the recipe")
    return f"there is no setting {name!r}: {reasons[name]}" if name in reasons else unknown_setting(name, names)
