"""The model card of a pretrained BERT, as far as only this recipe can write it."""

from typing import Any

from ..reporting.card_context import CardContext, CardExample, CardScore
from ..reporting.known_scores import KNOWN_SCORES
from ..reporting.numbers import is_finite_number
from ..reporting.schema import RunReport

_SCORES = ("perplexity", "mlm_accuracy", "pair_accuracy", "mlm_loss", "pair_loss")
_PAIRS = {"nsp": " and whether one segment follows another", "sop": " and the order of two segments"}
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


def card_context(report: RunReport) -> CardContext:
    """Return purpose, scores, use and limits of a pretrained model from its report."""
    config: dict[str, Any] = report.settings["recipe"]
    longest = max(config["max_length"], config["second_phase_length"] or 0)
    return CardContext(
        task="fill-mask",
        purpose=f"It predicts masked words{_PAIRS.get(config['objective'], '')}, and is meant to be fine-tuned.",
        scores=_scores(report),
        scored_on=(
            "On masked words of held-out text, with the same masks in every evaluation. Perplexity is over these words "
            "alone: it is not comparable with the perplexity of running text, nor with that of a model with another "
            "vocabulary."
        ),
        baseline="unigram baseline",
        examples=[
            CardExample("Masked words, with transformers alone:", _STOCK),
            CardExample("As a starting point for a classifier, whose head is new and has to be trained:", _ENCODER),
        ],
        limits=[
            f"It was trained on sequences of up to {longest} tokens.",
            "It does not generate text: it predicts masked words, and is a starting point for other models.",
            "Biases, private information and errors in its training text can show in its predictions.",
        ],
    )


def _scores(report: RunReport) -> list[CardScore]:
    baseline = report.baselines.get("unigram", {})
    split = next(iter(report.origin.get("own_splits", ())), "validation")
    scores = (KNOWN_SCORES["pretraining"][key] for key in _SCORES)
    return [
        CardScore(
            label=score.label,
            metric=score.hub_metric or score.key,
            value=value,
            format_spec=score.format_spec,
            split=split,
            interval=report.intervals.get(score.key),
            baseline=baseline.get(score.key),
        )
        for score in scores
        if is_finite_number(value := report.result.get(score.key))
    ]
