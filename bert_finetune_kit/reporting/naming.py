"""What runs, recipes, models and data are called on a page."""

from datetime import datetime

from .formatting import format_duration
from .numbers import finite_or_none
from .origin import last_part, path_parts
from .schema import RunReport

_PLAIN_NAMES = ("model", "checkpoint", "best", "final", "output", "outputs")


def capitalized(text: str) -> str:
    """Return a text with a capital first letter, the rest as it is.

    >>> capitalized("NSP accuracy"), capitalized("question answering")
    ('NSP accuracy', 'Question answering')
    """
    return text[:1].upper() + text[1:]


def recipe_label(name: str) -> str:
    """Return the name of a recipe, or of a folder named like one.

    >>> recipe_label("question_answering")
    'Question answering'
    """
    return capitalized(name.replace("_", " "))


def page_title(report: RunReport, data_name: str = "") -> str:
    """Return what was done with which data: Classification on SST-2.

    Args:
        report: of a run.
        data_name: empty for that of the report.
    """
    is_regression = report.settings.get("task", {}).get("kind") == "regression"
    done = "Regression" if is_regression else recipe_label(report.recipe)
    data = data_name or str(report.origin.get("name") or "")
    return f"{done} on {last_part(data)}" if data else done


def model_folder(path: str) -> str:
    """Return the folder of a model, with the one around it where its own name says nothing.

    >>> model_folder("/home/ada/minilm/model"), model_folder("runs/a/checkpoint-40"), model_folder("/home/ada/minilm")
    ('minilm/model', 'a/checkpoint-40', 'minilm')
    """
    parts = path_parts(path)
    says_nothing = parts[1:] and (parts[-1] in _PLAIN_NAMES or parts[-1].startswith("checkpoint-"))
    return "/".join(parts[-2:]) if says_nothing else last_part(path)


def facts(report: RunReport) -> list[tuple[str, str]]:
    """Return run, model, data and date of a report, as far as they are known, by their names."""
    model, training = report.model, report.settings.get("training", {})
    start = str(model.get("hub_id") or model_folder(str(model.get("model_name_or_path") or "")))
    seconds = finite_or_none(report.timings.get("whole run"))
    start += " (new weights)" * bool(start and model.get("from_scratch"))
    values = {
        "run": last_part(str(training.get("output_dir") or "")),
        "model": start or model_folder(str(report.settings.get("evaluation", {}).get("model") or "")),
        "adapters": str(model.get("lora") or ""),
        "parameters": f"{report.parameters['total']:,}" if report.parameters.get("total") else "",
        "data": str(report.origin.get("name") or ""),
        "finished": format_date(report.finished),
        "took": format_duration(seconds) if seconds else "",
    }
    return [(name, value) for name, value in values.items() if value]


def format_date(moment: str) -> str:
    """Return a moment in ISO 8601 to the minute; empty where there is none.

    >>> format_date("2026-11-26T12:52:10+00:00"), format_date("")
    ('26 November 2026, 12:52 UTC', '')
    """
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return ""
    return f"{then.day} {then:%B %Y, %H:%M} {then.tzname() or ''}".strip()
