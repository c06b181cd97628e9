"""The parts of a model card that are specific to classifiers."""

from typing import Any

from ..reporting.card_context import CardContext, CardExample, CardScore
from ..reporting.details import ClassificationDetails, classification_details
from ..reporting.known_scores import known_score
from ..reporting.numbers import is_finite_number
from ..reporting.schema import RunReport

_MAX_LABELS = 20  # named in a sentence
_STOCK = """\
from transformers import pipeline

model_id = MODEL_ID
classify = pipeline("text-classification", model=model_id{settings}, truncation=True, max_length={max_length})
print(classify({inputs}))"""
_KIT = """\
from bert_finetune_kit import ClassificationRecipe

model_id = MODEL_ID
recipe = ClassificationRecipe.from_pretrained(model_id)
print(recipe.predict([{inputs}]))"""
_OUTPUT = {
    "single_label": "predicts one of {count} labels",
    "multi_label": "predicts any number of {count} labels",
    "regression": "predicts a number",
}


def card_context(report: RunReport) -> CardContext:
    """Return purpose, scores, usage and limitations of a classifier from its report."""
    task: dict[str, Any] = report.settings["task"]
    config: dict[str, Any] = report.settings["recipe"]
    pair, kind = task["text_pair"] is not None, task["kind"]
    names = [*map(str, task["labels"][:_MAX_LABELS]), *(["…"] if len(task["labels"]) > _MAX_LABELS else [])]
    output = _OUTPUT[kind].format(count=len(task["labels"])) + (f": {', '.join(names)}" if names else "")
    settings = ", top_k=None" if kind == "multi_label" else ""
    stock = '{"text": "The first text.", "text_pair": "The second text."}' if pair else '"The text to classify."'
    kit = '("The first text.", "The second text.")' if pair else '"The text to classify."'
    details = classification_details(report.details)
    return CardContext(
        task="text-classification",
        purpose=f"It reads {'a pair of texts' if pair else 'a text'} and {output}.",
        scores=[score for split, part in details.items() for score in _scores(split, part)],
        scored_on=_scored_on(details),
        baseline="mean baseline" if kind == "regression" else "majority baseline",
        examples=[
            CardExample(
                "With transformers alone:",
                _STOCK.format(settings=settings, max_length=config["max_length"], inputs=stock),
            ),
            CardExample(f"With the kit{_kit_reason(kind, config)}:", _KIT.format(inputs=kit)),
        ],
        limits=[
            _long_texts(config),
            "It was evaluated on text like its training data; the scores do not apply to other text, subjects or "
            "languages.",
            "Unfair or wrong labels, and biases of the pretraining text, are reflected in its predictions.",
        ],
    )


def _scores(split: str, part: ClassificationDetails) -> list[CardScore]:
    declared = {name: known_score("classification", name) for name in part["scores"]}
    return [
        CardScore(
            label=declared[name].label,
            metric=declared[name].hub_metric or name,
            value=value,
            format_spec=declared[name].format_spec,
            split=split,
            interval=part["intervals"].get(name),
            baseline=part["baseline"].get(name),
        )
        for name, value in part["scores"].items()
        if is_finite_number(value)
    ]


def _scored_on(details: dict[str, ClassificationDetails]) -> str:
    counts = ", ".join(f"{part['examples']:,} examples of {split}" for split, part in details.items())
    return (
        f"On {counts}. The baseline is the most frequent label of these examples, or the mean of the training targets. "
        "In the metadata, scores are shares from 0 to 1."
    )


def _kit_reason(kind: str, config: dict[str, Any]) -> str:
    if config["stride"] is not None:
        return ", which reads long texts in windows, as they were evaluated"
    if kind == "multi_label":
        return f", which predicts the labels with a probability of {config['threshold']:g} or more, as evaluated"
    return ""


def _long_texts(config: dict[str, Any]) -> str:
    if config["stride"] is not None:
        return (
            f"The kit reads texts of more than {config['max_length']} tokens in windows; the pipeline truncates them."
        )
    return f"Texts are truncated to {config['max_length']} tokens."
