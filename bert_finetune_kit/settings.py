"""Settings as dataclass fields with a help text, and numbers in text."""

from dataclasses import field, fields
from typing import Any


def setting(default: Any, help: str, **more: Any) -> Any:
    """Return a dataclass field with a default and the help text that a command line shows for it.

    `HfArgumentParser` reads the text from the metadata of the field. A percent sign is doubled there, since argparse
    formats help texts with `%`; `help_of` returns the text as it was written.

    Args:
        default: default value, immutable.
        help: what the setting does.
        more: other arguments of `dataclasses.field`, such as `repr`.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Settings:
    ...     share: float = setting(0.1, "Share held out, such as 10%.")
    >>> Settings(), Settings.__dataclass_fields__["share"].metadata["help"]
    (Settings(share=0.1), 'Share held out, such as 10%%.')
    """
    return field(default=default, metadata={"help": help.replace("%", "%%")}, **more)


def help_of(settings: type, name: str) -> str:
    """Return the help text of a field that was declared with `setting`; an empty text for any other field."""
    metadata = settings.__dataclass_fields__[name].metadata  # type: ignore[attr-defined]
    return str(metadata.get("help", "")).replace("%%", "%")


def is_number(text: str) -> bool:
    """Whether a text reads as a number.

    >>> is_number("2e-5"), is_number("two")
    (True, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True


def field_names(settings: Any) -> list[str]:
    """Return the settings that a dataclass, or an object of one, is made with."""
    return [item.name for item in fields(settings) if item.init]
