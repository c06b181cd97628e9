"""A report as the model card of the Hub: a template of ours, filled from the report alone.

Whatever comes from data or from a user is escaped, and of local paths the last part is shown.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from ..errors import raise_faults
from .card_check import CARD_FILE, metadata_faults
from .card_facts import CardFacts, CardScore, is_score
from .escaping import escape_markdown, one_line
from .markdown import table
from .origin import last_part, path_hider
from .report import RunReport

TEMPLATE = Path(__file__).parent / "templates" / "model_card.md"
_MODEL_ID = re.compile(r'^model_id = ".*$', re.MULTILINE)
_TOLD = ("error", "warning")  # findings that whoever uses the model must know
# Data sets whose language everybody can look up.
_LANGUAGES = {"nyu-mll/glue": "en", "rajpurkar/squad": "en", "rajpurkar/squad_v2": "en", "Salesforce/wikitext": "en"}
_TRAINING_SHOWN = (
    "learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "optim", "max_grad_norm", "num_train_epochs",
    "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps", "label_smoothing_factor", "bf16", "fp16",
    "seed",
)  # fmt: skip
_MOST_ROWS = 40


def model_card(
    report: RunReport,
    facts: CardFacts,
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
        facts: what its recipe tells of the model.
        name: of the model, with or without an owner; the examples load it by this name.
        license: identifier of the Hub, such as apache-2.0; none means that the card says that none is known.
        license_name: of a license that is `other`.
        license_link: where that one is written.
        language: code or codes of the text; none means that of a data set whose language is known.
        tags: further ones.
        citation: how to cite the model, such as an entry of BibTeX.

    Raises:
        ConfigError: the Hub would refuse what was given; the message names each field.
    """
    hide = path_hider(report)

    def text(value: object) -> str:
        return escape_markdown(hide(str(value)))

    said = {"license": license, "license_name": license_name, "license_link": license_link}
    data = _metadata(report, facts, name, [*tags], language, said)
    raise_faults(metadata_faults(data.to_dict()), "The metadata of the model card")
    card = ModelCard.from_template(
        data,
        template_path=str(TEMPLATE),
        title=escape_markdown(last_part(name)),
        summary=" ".join(text(sentence) for sentence in report.summary),
        purpose=text(facts.purpose),
        findings=_bullets(
            f"**{text(one.code)}**: {text(one.evidence)}" for one in report.findings if one.severity in _TOLD
        ),
        examples=[
            {"title": text(one.title), "code": one.code.replace("MODEL_ID", _literal(name))} for one in facts.examples
        ],
        scores=_scores(facts, text),
        data=_data(report, text),
        training=_training(report, text),
        parameters=_parameters(report, text),
        limits=_bullets(text(one) for one in facts.limits),
        license_text=_license(report, license, license_name, license_link, text),
        citation=_citation(citation),
        version=text(report.versions.get("bert_finetune_kit", "")),
    )
    card.text = card.text.rstrip() + "\n"
    return card


def write_card(card: ModelCard, folder: str | Path) -> bool:
    """Write a card into the folder of a run, and return whether it was; a README.md that is there is left alone."""
    path = Path(folder) / CARD_FILE
    if path.exists():
        return False
    card.save(path)
    return True


def name_in_card(folder: str | Path, name: str) -> None:
    """Let the examples of a card load the model by its name on the Hub; all else of the card stays as it is."""
    path = Path(folder) / CARD_FILE
    if path.exists():
        content = path.read_bytes().decode("utf-8")
        renamed = _MODEL_ID.sub(lambda _: f"model_id = {_literal(name)}", content)
        if renamed != content:
            path.write_bytes(renamed.encode("utf-8"))


def _literal(text: str) -> str:
    """Return `text` as a string of Python that cannot end the code block that it stands in."""
    kept = one_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[<>&`]", lambda found: f"\\x{ord(found[0]):02x}", kept) + '"'


# Metadata


def _metadata(
    report: RunReport,
    facts: CardFacts,
    name: str,
    tags: list[str],
    language: str | Sequence[str] | None,
    license: dict[str, Any],
) -> ModelCardData:
    model = report.settings.get("model", {})
    base, data = model.get("hub_id"), report.settings.get("source", {}).get("hub_id")
    if language is None and data:
        language = _LANGUAGES.get(data)
    results = [_result(report, facts, one) for one in facts.scores if is_score(one.value)]
    further: dict[str, Any] = license | ({"base_model_relation": "finetune"} if base else {})
    return ModelCardData(
        language=language if language is None or isinstance(language, str) else list(language),
        library_name="transformers",
        pipeline_tag=facts.task,
        tags=["bert", "bert_finetune_kit", *(["lora"] if model.get("lora") else []), *tags],
        base_model=base,
        datasets=[data] if data else None,
        metrics=list(dict.fromkeys(one.metric_type for one in results)) or None,
        model_name=one_line(last_part(name)) or "model",
        eval_results=results or None,
        **further,
    )


def _result(report: RunReport, facts: CardFacts, score: CardScore) -> EvalResult:
    source = report.settings.get("source", {})
    data, several = source.get("hub_id"), len({one.split for one in facts.scores}) > 1
    label = f"{score.label} ({score.split})" if several else score.label
    return EvalResult(
        task_type=facts.task,
        task_name=facts.task.replace("-", " "),
        dataset_type=data or "local",
        dataset_name=one_line(_data_name(report)) or "unnamed",
        dataset_config=source.get("hub_config") if data else None,
        dataset_split=score.split if score.split in source.get("own_splits", ()) else None,
        metric_type=one_line(score.metric) or "score",
        metric_name=one_line(label) or "score",
        metric_value=score.value,
    )


def _data_name(report: RunReport) -> str:
    """Return the name of the data: an id with its configuration, or the last part of each path."""
    source = report.settings.get("source", {})
    if source.get("hub_id"):
        config = source.get("hub_config")
        return f"{source['hub_id']} ({config})" if config else str(source["hub_id"])
    return ", ".join(last_part(one) for one in str(source.get("name", "")).split(", ")) or "unnamed"


# Sections


def _bullets(lines: Any) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _scores(facts: CardFacts, text: Callable[[object], str]) -> str:
    shown = [one for one in facts.scores if is_score(one.value)]
    if not shown:
        return "There are none: nothing was evaluated, or no score is a finite number."
    columns: dict[str, list[str]] = {
        "score": [text(one.label) for one in shown],
        "value": [format(one.value, one.form) for one in shown],
        "95% interval": [
            f"{one.interval[0]:{one.form}} to {one.interval[1]:{one.form}}" if one.interval else "" for one in shown
        ],
        text(facts.baseline): [format(one.baseline, one.form) if is_score(one.baseline) else "" for one in shown],
    }
    if len({one.split for one in shown}) > 1:
        columns = {"split": [text(one.split) for one in shown], **columns}
    columns = {head: cells for head, cells in columns.items() if any(cells)}
    return f"{table(list(columns), list(zip(*columns.values(), strict=True)))}\n\n{text(facts.scored_on)}"


def _data(report: RunReport, text: Callable[[object], str]) -> str:
    data = report.settings.get("source", {}).get("hub_id")
    name = text(_data_name(report))
    parts = [f"[{name}](https://huggingface.co/datasets/{data})" if data else f"{name}; not on the Hub."]
    splits = list(report.data)
    keys = list(dict.fromkeys(key for values in report.data.values() for key in values))
    rows = [
        [text(key.replace("_", " ") if not key.startswith("label ") else key)]
        + [_quantity(report.data[split].get(key)) for split in splits]
        for key in keys
    ]
    parts.append(table(["", *(text(split) for split in splits)], rows[:_MOST_ROWS]))
    if len(rows) > _MOST_ROWS:
        parts.append(f"And {len(rows) - _MOST_ROWS:,} more in `report.json`.")
    if report.notes:
        parts.append(_bullets(text(note) for note in report.notes))
    return "\n\n".join(parts)


def _quantity(value: Any) -> str:
    if not is_score(value):
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.2%}" if 0 <= value <= 1 else f"{value:,.1f}"


def _training(report: RunReport, text: Callable[[object], str]) -> str:
    model, training = report.settings.get("model", {}), report.settings.get("training", {})
    base = model.get("hub_id")
    if base:
        start = f"It started from the weights of [{text(base)}](https://huggingface.co/{base})."
    elif model.get("fresh"):
        start = "It started from fresh weights: no other model is in it."
    else:
        start = f"It started from the weights of a local model, {text(last_part(str(model.get('given'))))}."
    if model.get("lora"):
        start += f" LoRA was trained ({text(model['lora'])}) and is merged into the weights; `adapter` holds it alone."
    unused = "max_steps" if training.get("max_steps", -1) <= 0 else "num_train_epochs"
    shown = {name: training.get(name) for name in _TRAINING_SHOWN if name != unused}
    shown |= report.settings.get("recipe", {}) | report.versions
    rows = [[text(name), text(value)] for name, value in shown.items() if value is not None and value is not False]
    seconds: Any = report.timings.get("training")
    took = ""
    if is_score(seconds):
        took = " Training took " + (f"{seconds:.0f} s." if seconds < 120 else f"{seconds / 60:,.1f} minutes.")
    return f"{start}{took}\n\n{table(('setting', 'value'), rows)}"


def _parameters(report: RunReport, text: Callable[[object], str]) -> str:
    whole = inner = report.parameters
    while len(inner.get("children", ())) == 1:  # what holds nothing but another module, as peft's do
        inner = inner["children"][0]
    modules = _modules(whole | {"children": inner.get("children", ())}, 0)
    rows = [
        [("&nbsp;" * 4 * depth) + text(module["name"]), f"{module['total']:,}", f"{module['trainable']:,}"]
        for depth, module in modules
    ]
    return table(("module", "parameters", "trained"), rows)


def _modules(module: dict[str, Any], depth: int, deepest: int = 2) -> list[tuple[int, dict[str, Any]]]:
    found = [(depth, module)]
    if depth < deepest:
        for child in module.get("children", ()):
            found += _modules(child, depth + 1, deepest)
    return found


def _license(
    report: RunReport, license: str | None, name: str | None, link: str | None, text: Callable[[object], str]
) -> str:
    if license is None:
        fresh = report.settings.get("model", {}).get("fresh")
        others = "The data have a license of their own" if fresh else "The data and the model that it started from have"
        others += ", which may bind it." if fresh else " licenses of their own, which may bind it."
        return f"None has been stated. Without one, nobody but its owner may use the model. {others}"
    told = text(name) if name and license == "other" else text(license)
    return f"{told} ({text(link)})" if link else told


def _citation(citation: str | None) -> str:
    if citation is None:
        return (
            "Nothing has been stated of how to cite this model. BERT is by Devlin, Chang, Lee and Toutanova (2019), "
            "[arXiv:1810.04805](https://arxiv.org/abs/1810.04805)."
        )
    longest = max((len(run) for run in re.findall("`+", citation)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}bibtex\n{citation.strip()}\n{fence}"
