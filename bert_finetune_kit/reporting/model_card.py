"""A report as the model card of the Hub: a template filled from the report alone.

All text from data or from a user is escaped, and local paths are shortened to their last part.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from ..errors import raise_faults
from ..text_files import write_text
from .card_check import CARD_FILE, metadata_faults
from .card_context import CardContext, CardScore
from .escaping import escape_markdown, one_line
from .exported_forms import with_forms
from .formatting import format_duration, format_interval, format_statistic
from .markdown import markdown_table
from .numbers import is_finite_number
from .origin import last_part, path_hider
from .rows import TRAINING_ARGUMENTS, flat_statistics, modules
from .schema import RunReport

TEMPLATE = Path(__file__).parent / "templates" / "model_card.md"
_MODEL_ID = re.compile(r'^model_id = ".*$', re.MULTILINE)
_SHOWN = ("error", "warning")  # findings that users of the model must know
# Data sets of a known language.
_LANGUAGES = {"nyu-mll/glue": "en", "rajpurkar/squad": "en", "rajpurkar/squad_v2": "en", "Salesforce/wikitext": "en"}
_MOST_ROWS = 40
Escape = Callable[[object], str]


def model_card(
    report: RunReport,
    context: CardContext,
    name: str,
    *,
    license: str | None = None,
    license_name: str | None = None,
    license_link: str | None = None,
    language: str | Sequence[str] | None = None,
    tags: Sequence[str] = (),
    citation: str | None = None,
) -> ModelCard:
    """Return the model card of a run.

    Args:
        report: of the run.
        context: the part that depends on the recipe.
        name: of the model, with or without an owner; the examples load it by this name.
        license: identifier of the Hub, such as apache-2.0; None for an unknown one, which the card states.
        license_name: name of a license that is `other`.
        license_link: address of that license.
        language: code or codes of the text; None for that of a data set of a known language.
        tags: further tags.
        citation: how to cite the model, such as a BibTeX entry.

    Raises:
        ConfigError: the Hub would refuse the metadata; the message names each field.
    """
    hide = path_hider(report)

    def escape(value: object) -> str:
        return escape_markdown(hide(str(value)))

    licensing = {"license": license, "license_name": license_name, "license_link": license_link}
    data = _metadata(report, context, name, [*tags], language, licensing)
    raise_faults(metadata_faults(data.to_dict()), "The metadata of the model card")
    shown = [finding for finding in report.findings if finding.severity in _SHOWN]
    card = ModelCard.from_template(
        data,
        template_path=str(TEMPLATE),
        title=escape_markdown(last_part(name)),
        summary=" ".join(escape(sentence) for sentence in report.summary),
        purpose=escape(context.purpose),
        findings=_bullets(f"**{escape(finding.code)}**: {escape(finding.evidence)}" for finding in shown),
        examples=[
            {"title": escape(example.title), "code": example.code.replace("MODEL_ID", _literal(name))}
            for example in context.examples
        ],
        scores=_scores(context, escape),
        data=_data(report, escape),
        training=_training(report, escape),
        parameters=_parameters(report, escape),
        limits=_bullets(escape(limit) for limit in context.limits),
        license_text=_license(report, license, license_name, license_link, escape),
        citation=_citation(citation, report),
        version=escape(report.versions.get("bert_finetune_kit", "")),
    )
    card.text = card.text.rstrip() + "\n"
    return card


def write_card(card: ModelCard, folder: str | Path) -> bool:
    """Write a card into the folder of a run unless it has a README.md; return whether it was written."""
    path = Path(folder) / CARD_FILE
    if path.exists():
        return False
    write_text(path, str(card))
    return True


def is_unchanged(card: ModelCard, folder: str | Path) -> bool:
    """Return whether a card is the one in the folder of a run, but for the exported forms, and for the name that its
    examples load the model by.
    """
    path = Path(folder) / CARD_FILE
    if not path.exists():
        return False
    saved, new = (_MODEL_ID.sub("", with_forms(text, {})) for text in (path.read_bytes().decode("utf-8"), str(card)))
    return saved == new


def name_in_card(folder: str | Path, name: str) -> None:
    """Change the examples of a card to load the model by `name`; the rest of the card stays as it is."""
    path = Path(folder) / CARD_FILE
    if path.exists():
        content = path.read_bytes().decode("utf-8")
        renamed = _MODEL_ID.sub(lambda _: f"model_id = {_literal(name)}", content)
        if renamed != content:
            write_text(path, renamed)


def _literal(text: str) -> str:
    """Return `text` as a Python string that cannot end the code block around it."""
    escaped = one_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[<>&`]", lambda match: f"\\x{ord(match[0]):02x}", escaped) + '"'


# Metadata


def _metadata(
    report: RunReport,
    context: CardContext,
    name: str,
    tags: list[str],
    language: str | Sequence[str] | None,
    licensing: dict[str, str | None],
) -> ModelCardData:
    base_model, data = report.model.get("hub_id"), report.origin.get("hub_id")
    if language is None and data:
        language = _LANGUAGES.get(data)
    results = [_result(report, context, score) for score in context.scores if is_finite_number(score.value)]
    further: dict[str, Any] = {**licensing, **({"base_model_relation": "finetune"} if base_model else {})}
    return ModelCardData(
        language=language if language is None or isinstance(language, str) else list(language),
        library_name="transformers",
        pipeline_tag=context.task,
        tags=[*_model_type(report), "bert_finetune_kit", *(["lora"] if report.model.get("lora") else []), *tags],
        base_model=base_model,
        datasets=[data] if data else None,
        metrics=list(dict.fromkeys(result.metric_type for result in results)) or None,
        model_name=one_line(last_part(name)) or "model",
        eval_results=results or None,
        **further,
    )


def _result(report: RunReport, context: CardContext, score: CardScore) -> EvalResult:
    origin = report.origin
    data = origin.get("hub_id")
    label = f"{score.label} ({score.split})" if len({score.split for score in context.scores}) > 1 else score.label
    return EvalResult(
        task_type=context.task,
        task_name=context.task.replace("-", " "),
        dataset_type=data or "local",
        dataset_name=one_line(_data_name(report)) or "unnamed",
        dataset_config=origin.get("hub_config") if data else None,
        dataset_split=score.split if score.split in origin.get("own_splits", ()) else None,
        metric_type=one_line(score.metric) or "score",
        metric_name=one_line(label) or "score",
        metric_value=score.value,
    )


def _data_name(report: RunReport) -> str:
    """Return the name of the data: a Hub id with its configuration, or the last part of each path."""
    origin = report.origin
    hub_id, config = origin.get("hub_id"), origin.get("hub_config")
    if hub_id:
        return f"{hub_id} ({config})" if config else hub_id
    return ", ".join(last_part(path) for path in str(origin.get("name", "")).split(", ")) or "unnamed"


# Sections


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _scores(context: CardContext, escape: Escape) -> str:
    shown = [score for score in context.scores if is_finite_number(score.value)]
    if not shown:
        return "None: the model was not evaluated, or no score is a finite number."
    columns: dict[str, list[str]] = {
        "split": [escape(score.split) for score in shown] if len({score.split for score in shown}) > 1 else [],
        "score": [escape(score.label) for score in shown],
        "value": [format(score.value, score.format_spec) for score in shown],
        "95% interval": [format_interval(score.interval, score.format_spec) for score in shown],
        escape(context.baseline): [
            format(score.baseline, score.format_spec) if is_finite_number(score.baseline) else "" for score in shown
        ],
    }
    columns = {header: cells for header, cells in columns.items() if any(cells)}
    return f"{markdown_table(list(columns), zip(*columns.values(), strict=True))}\n\n{escape(context.scored_on)}"


def _data(report: RunReport, escape: Escape) -> str:
    hub_id = report.origin.get("hub_id")
    name = escape(_data_name(report))
    parts = [f"[{name}](https://huggingface.co/datasets/{hub_id})" if hub_id else f"{name}; not on the Hub."]
    columns = [dict(flat_statistics(statistics)) for statistics in report.data.values()]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [[escape(name), *(_statistic(column.get(name)) for column in columns)] for name in names]
    parts.append(markdown_table(["", *map(escape, report.data)], rows[:_MOST_ROWS]))
    if len(rows) > _MOST_ROWS:
        parts.append(f"{len(rows) - _MOST_ROWS:,} further rows are in `report.json`.")
    if report.notes:
        parts.append(_bullets(escape(note) for note in report.notes))
    return "\n\n".join(parts)


def _statistic(value: object) -> str:
    return format_statistic(value) if is_finite_number(value) else ""


def _training(report: RunReport, escape: Escape) -> str:
    model, training = report.model, report.settings.get("training", {})
    base_model, lora = model.get("hub_id"), model.get("lora")
    if base_model:
        start = f"Fine-tuned from [{escape(base_model)}](https://huggingface.co/{base_model})."
    elif model.get("from_scratch"):
        start = "Trained from scratch, from randomly initialized weights."
    else:
        start = f"Fine-tuned from a local model, {escape(last_part(str(model.get('model_name_or_path'))))}."
    if lora:
        start += f" LoRA ({escape(lora)}) was trained and is merged into the weights; `adapter` has it separately."
    seconds = report.timings.get("training")
    if is_finite_number(seconds):
        start += f" Training took {format_duration(seconds)}."
    max_steps = training.get("max_steps")
    unused = "num_train_epochs" if is_finite_number(max_steps) and max_steps > 0 else "max_steps"
    shown = {name: training.get(name) for name in TRAINING_ARGUMENTS if name != unused}
    shown |= report.settings.get("recipe", {}) | report.versions
    rows = [[escape(name), escape(value)] for name, value in shown.items() if value is not None and value is not False]
    return f"{start}\n\n{markdown_table(('setting', 'value'), rows)}"


def _parameters(report: RunReport, escape: Escape) -> str:
    tree = report.parameters
    inner = tree
    while len(inner.get("children", ())) == 1:  # wrappers around one module, such as peft's
        inner = inner["children"][0]
    shown = modules({**tree, "children": inner.get("children", [])}, deepest=2)
    rows = [
        [("&nbsp;" * 4 * depth) + escape(module["name"]), f"{module['total']:,}", f"{module['trainable']:,}"]
        for depth, module in shown
    ]
    return markdown_table(("module", "parameters", "trainable"), rows)


def _license(report: RunReport, license: str | None, name: str | None, link: str | None, escape: Escape) -> str:
    if license is None:
        sources = "the data" if report.model.get("from_scratch") else "the data and the initial model"
        return (
            "Not specified. Without a license, others may not use the model. The licenses of "
            f"{sources} may restrict the choice of one."
        )
    text = escape(name) if name and license == "other" else escape(license)
    return f"{text} ({escape(link)})" if link else text


def _model_type(report: RunReport) -> list[str]:
    kind = report.model.get("model_type")
    return [kind] if kind else []


def _citation(citation: str | None, report: RunReport) -> str:
    if citation is None:
        of_bert = (
            " BERT: Devlin, Chang, Lee and Toutanova (2019), [arXiv:1810.04805](https://arxiv.org/abs/1810.04805)."
        )
        is_bert = report.model.get("model_type") == "bert"
        return "Not specified for this model." + (of_bert if is_bert else "")
    longest = max((len(run) for run in re.findall("`+", citation)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}bibtex\n{citation.strip()}\n{fence}"
