"""A model that is served, made of rules: no torch, and what it answers is known."""

import threading

from bert_finetune_kit import Answer, Prediction
from bert_finetune_kit.inference.occlusion import occlude
from bert_finetune_kit.reporting.headline import Headline
from bert_finetune_kit.service.known import Known
from bert_finetune_kit.service.model import ServedModel
from bert_finetune_kit.service.requests import PAIR, QUESTION, TEXT

ODDS = 4.0  # of a label for each word that speaks for it
KNOWN = Known(
    "Classification of <b>soups</b>", (("data", "soups & more"),), (Headline("Accuracy", "75.0%"),),
    ({"key": "accuracy", "label": "accuracy", "value": 0.75, "interval": (0.7, 0.8)},),
)  # fmt: skip


def classify(texts):
    """Each word good or bad multiplies the odds of its label."""
    predictions = []
    for text in texts:
        words = (text if isinstance(text, str) else " ".join(text)).lower().split()
        odds = ODDS ** (words.count("good") - words.count("bad"))
        good = odds / (1 + odds)
        label = "good" if good >= 0.5 else "bad"
        predictions.append(Prediction(label, max(good, 1 - good), {"bad": 1 - good, "good": good}))
    return predictions


class Gated:
    """`classify` that begins at once, and goes on when its gate is opened."""

    def __init__(self):
        self.begun, self.gate, self.calls = threading.Event(), threading.Event(), []

    def __call__(self, texts):
        self.calls.append(texts)
        self.begun.set()
        self.gate.wait(5)
        return classify(texts)


def answer(pairs):
    """The answer is the last word of the context, if the question asks for anything."""
    answers = []
    for _, context in pairs:
        word = context.split()[-1]
        start = len(context) - len(word)
        answers.append(Answer(word, 0.75, start, len(context), 0.25, ((word, 0.75),)))
    return answers


def stub_model(predict=classify, form=TEXT, **changes):
    """Return a model that is served; `changes` replace its other fields."""

    def explain(item, label, stop):
        return occlude((item,) if isinstance(item, str) else item, predict, label, stop=stop)

    kind = "question_answering" if form is QUESTION else "classification"
    settings = {
        "name": "stub", "kind": kind, "form": form, "labels": ("bad", "good"), "predict": predict, "explain": explain,
        "is_calibrated": True, "known": KNOWN,
    }  # fmt: skip
    return ServedModel(**settings | changes)


def stub_pairs():
    """Return a model of pairs."""
    return stub_model(form=PAIR)


def stub_questions():
    """Return a model that answers questions."""
    return stub_model(answer, QUESTION, labels=(), explain=None)
