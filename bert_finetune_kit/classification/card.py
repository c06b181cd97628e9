"""What the model card of a classifier says that no other card does."""

from typing import Any

from ..reporting.card_facts import CardExample, CardFacts, CardScore, is_score
from ..reporting.report import RunReport
from .metrics import METRICS, label_of

# Names of metrics on the Hub, where they are others than ours.
_HUB_NAMES = {"matthews": "matthews_correlation", "pearson": "pearsonr", "spearman": "spearmanr"}
_MOST_LABELS = 20  # named in a sentence
_STOCK = """\
from transformers import pipeline

model_id = MODEL_ID
classify = pipeline("text-classification", model=model_id{settings}, truncation=True, max_length={max_length})
print(classify({given}))"""
_KIT = """\
from bert_finetune_kit import ClassificationRecipe

model_id = MODEL_ID
recipe = ClassificationRecipe.from_pretrained(model_id)
print(recipe.predict([{given}]))"""
_GIVES = {
    "single_label": "gives one of {count} labels",
    "multi_label": "gives any number of {count} labels",
    "regression": "gives a number",
}


def card_facts(report: RunReport) -> CardFacts:
    """Tell purpose, scores, use and limits of a classifier from its report."""
    task, config = report.settings["task"], report.settings["recipe"]
    pair, kind = task["text_pair"] is not None, task["kind"]
    what = "a pair of texts" if pair else "a text"
    gives = _GIVES[kind].format(count=len(task["labels"]))
    some = [*map(str, task["labels"][:_MOST_LABELS]), *(["…"] if len(task["labels"]) > _MOST_LABELS else [])]
    names = f": {', '.join(some)}" if some else ""
    settings = ", top_k=None" if kind == "multi_label" else ""
    stock = '{"text": "The first text.", "text_pair": "The second text."}' if pair else '"The text to classify."'
    kit = '("The first text.", "The second text.")' if pair else '"The text to classify."'
    return CardFacts(
        task="text-classification",
        purpose=f"It reads {what} and {gives}{names}.",
        scores=[score for split, one in report.details.items() for score in _scores(split, one)],
        scored_on=_scored_on(report.details),
        baseline="without looking",
        examples=[
            CardExample(
                "With transformers alone:",
                _STOCK.format(settings=settings, max_length=config["max_length"], given=stock),
            ),
            CardExample(f"With the kit{_kit_reason(kind, config)}:", _KIT.format(given=kit)),
        ],
        limits=[
            _long_texts(config),
            "It was scored on text like that which it learnt from; of other text, subjects or languages the scores "
            "say nothing.",
            "What is unfair or wrong in the labels, or in the text of the pretraining, is in its answers too.",
        ],
    )


def _scores(split: str, one: dict[str, Any]) -> list[CardScore]:
    return [
        CardScore(
            label=label_of(name),
            metric=_HUB_NAMES.get(name, name.split("_")[0] if name in METRICS and name in _AVERAGED else name),
            value=value,
            form=METRICS[name].form if name in METRICS else ".4f",
            split=split,
            interval=one["intervals"].get(name),
            baseline=one["baseline"].get(name),
        )
        for name, value in one["scores"].items()
        if is_score(value)
    ]


_AVERAGED = tuple(name for name in METRICS if name.endswith(("_macro", "_micro", "_weighted")))


def _scored_on(details: dict[str, dict[str, Any]]) -> str:
    counts = ", ".join(f"{one['examples']:,} examples of {split}" for split, one in details.items())
    return (
        f"Of {counts}. Without looking means the most frequent label, or the mean, of the training data. The metadata "
        "of this card have the values as shares of 1."
    )


def _kit_reason(kind: str, config: dict[str, Any]) -> str:
    if config["stride"] is not None:
        return ", which reads long texts in windows, as they were scored"
    if kind == "multi_label":
        return f", which says the labels of a probability of {config['threshold']:g} or more, as they were scored"
    return ""


def _long_texts(config: dict[str, Any]) -> str:
    if config["stride"] is not None:
        return (
            f"Texts of more than {config['max_length']} tokens are read in windows by the kit; the pipeline cuts them."
        )
    return f"Of a text of more than {config['max_length']} tokens, the rest is not read."
