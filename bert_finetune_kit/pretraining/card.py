"""What the model card of a pretrained BERT says that no other card does."""

from typing import Any

from ..reporting.card_facts import CardExample, CardFacts, CardScore, is_score
from ..reporting.report import RunReport

# Score of the report → metric of the Hub.
_METRICS = {
    "perplexity": "perplexity",
    "mlm_accuracy": "accuracy",
    "pair_accuracy": "accuracy",
    "mlm_loss": "loss",
    "pair_loss": "loss",
}
_STOCK = """\
from transformers import pipeline

model_id = MODEL_ID
unmask = pipeline("fill-mask", model=model_id)
print(unmask(f"The first word that is missing is {unmask.tokenizer.mask_token}.")[0])"""
_ENCODER = """\
from transformers import AutoModelForSequenceClassification

model_id = MODEL_ID
model = AutoModelForSequenceClassification.from_pretrained(model_id, num_labels=2)
print(model.classifier)"""


def card_facts(report: RunReport) -> CardFacts:
    """Tell purpose, scores, use and limits of a pretrained model from its report."""
    result, baseline, config = report.result, report.baselines.get("unigram", {}), report.settings["recipe"]
    labels = {score.key: score for score in report.glossary}
    pairs = {"nsp": " and whether one segment follows another", "sop": " and the order of two segments"}
    intervals: dict[str, Any] = getattr(report, "intervals", {})  # where a report holds them by key of the result
    split = next(iter(report.settings["source"].get("own_splits", ())), "validation")
    longest = max(config["max_length"], config["second_phase_length"] or 0)
    return CardFacts(
        task="fill-mask",
        purpose=f"It predicts masked words{pairs.get(config['objective'], '')}, and is meant to be fine-tuned.",
        scores=[
            CardScore(
                labels[key].label, metric, result[key], labels[key].form, split, intervals.get(key), baseline.get(key)
            )
            for key, metric in _METRICS.items()
            if is_score(result.get(key))
        ],
        scored_on=(
            "Of masked words in text that was held out, masked the same in every evaluation. Perplexity is of these "
            "alone: it is no perplexity of running text, and compares with no model of another vocabulary."
        )
        + ("" if intervals else " There are no intervals: words of one document are no independent draws."),
        baseline="by word frequency",
        examples=[
            CardExample("Masked words, with transformers alone:", _STOCK),
            CardExample("As the beginning of a classifier, whose head is new and has to be trained:", _ENCODER),
        ],
        limits=[
            f"It has been trained on up to {longest} tokens at once.",
            "It writes no text: it fills gaps, and is the beginning of another model.",
            "What is unfair, private or wrong in its text can come out of it.",
        ],
    )
