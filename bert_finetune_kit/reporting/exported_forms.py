"""How the exported forms of a model score: kept beside the model, and shown as a section of its card."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from ..json_objects import read_mapping
from ..text_files import write_text
from .card_check import CARD_FILE
from .known_scores import KNOWN_SCORES
from .markdown import markdown_table

FORMS_FILE = "exported_forms.json"
FEW_EXAMPLES = 100
"""Below which scores of an exported form show nothing."""
_HEADING = "## Exported forms"
_SECTION = re.compile(rf"^{_HEADING}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BEFORE = "## Data\n"


class ExportedForm(TypedDict):
    """What an exported form scores beside the model that it was made from."""

    score: str
    """Key of the score that decided."""
    before: float
    after: float
    low: float | None
    """Of the 95% interval of the difference, paired; none where there are too few examples."""
    high: float | None
    equal: float
    """Share of equal predictions."""
    proven_on: str
    """The validation split, or the name of the data that were given."""
    examples: int
    size: int
    """Bytes."""
    size_before: int


def save_form(folder: str | Path, run: str, name: str, form: ExportedForm) -> None:
    """Keep what an exported form scores beside its model, and show it in the model card where there is one.

    Args:
        folder: of the run.
        run: when the run finished: forms of other weights are forgotten.
        name: of the form, such as `onnx int8`.
        form: what it scores.

    Raises:
        OSError: a file cannot be written.
    """
    forms = {**saved_forms(folder, run), name: form}
    write_text(Path(folder, FORMS_FILE), json.dumps({"run": run, "forms": forms}, indent=2) + "\n")
    card = Path(folder, CARD_FILE)
    if card.is_file():
        write_text(card, with_forms(card.read_bytes().decode("utf-8"), forms))


def saved_forms(folder: str | Path, run: str) -> dict[str, Any]:
    """Return what the exported forms of a model score, by name; nothing where they are of other weights.

    Args:
        folder: of the run.
        run: when it finished.
    """
    try:
        content = read_mapping(Path(folder, FORMS_FILE))
    except (OSError, ValueError):
        return {}
    forms = content.get("forms")
    if content.get("run") != run or not isinstance(forms, Mapping):
        return {}
    return {name: {"proven_on": "", **form} for name, form in forms.items()}


def with_forms(card: str, forms: Mapping[str, Any]) -> str:
    """Return the text of a card with a section of the exported forms, in place of an earlier one.

    Args:
        card: of the model.
        forms: as `saved_forms` returns them; without any there is no section.
    """
    card = _SECTION.sub("", card)
    if not forms:
        return card
    section = f"{_HEADING}\n\n{_table(forms)}\n\n"
    place = card.find(_BEFORE)
    return f"{card[:place]}{section}{card[place:]}" if place >= 0 else f"{card.rstrip()}\n\n{section.rstrip()}\n"


def _table(forms: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            _label(form["score"]),
            f"{form['before']:.4g}",
            f"{form['after']:.4g}",
            _interval(form),
            f"{form['equal']:.1%}",
            f"{form['size'] / 1e6:.1f} MB ({form['size'] / form['size_before']:.0%})",
            form["proven_on"],
            f"{form['examples']:,}",
        ]
        for name, form in forms.items()
    ]
    header = (
        "form",
        "score",
        "model",
        "exported",
        "95% interval of the difference",
        "equal predictions",
        "size",
        "proven on",
        "examples",
    )
    about = "The model is exported for other runtimes, and scored there on the same examples."
    if any(form["examples"] < FEW_EXAMPLES for form in forms.values()):
        about += f" Scores of fewer than {FEW_EXAMPLES} examples show nothing."
    return f"{about}\n\n{markdown_table(header, rows)}"


def _interval(form: Mapping[str, Any]) -> str:
    if form["equal"] == 1 and form["before"] == form["after"]:
        return "equal"
    return "" if form["low"] is None else f"{signed(form['low'], '.2g')} to {signed(form['high'], '.2g')}"


def signed(value: float, format: str) -> str:
    """Return a number with its sign; one that is shown as zero without.

    >>> signed(0.25, ".2g"), signed(-0.00001, ".4f")
    ('+0.25', '0.0000')
    """
    text = f"{value:+{format}}"
    return text if float(text) else text[1:]


def _label(key: str) -> str:
    labels = {name: score.label for scores in KNOWN_SCORES.values() for name, score in scores.items()}
    return labels.get(key, key)
