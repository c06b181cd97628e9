"""The model card of a model for question answering, as far as only this recipe can write it."""

from typing import Any

from ..reporting.card_context import CardContext, CardExample, CardScore
from ..reporting.details import QuestionAnsweringDetails, question_answering_details
from ..reporting.known_scores import KNOWN_SCORES
from ..reporting.numbers import is_finite_number
from ..reporting.schema import RunReport

_SCORES = KNOWN_SCORES["question_answering"]
_KIT = """\
from bert_finetune_kit import QARecipe

model_id = MODEL_ID
recipe = QARecipe.from_pretrained(model_id)
answer = recipe.predict(question="Who wrote it?", context="Ada wrote it in 1843.")
print(answer.text, answer.score)"""
_STOCK = """\
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

model_id = MODEL_ID
tokenizer = AutoTokenizer.from_pretrained(model_id)
model = AutoModelForQuestionAnswering.from_pretrained(model_id).eval()
question, context = "Who wrote it?", "Ada wrote it in 1843."
cut = {{"truncation": "only_second", "max_length": {max_length}}}
inputs = tokenizer(question, context, return_tensors="pt", **cut)
with torch.no_grad():
    logits = model(**inputs)
spans = logits.start_logits[0][:, None] + logits.end_logits[0]  # (start, end)
outside = torch.tensor([place != 1 for place in inputs.sequence_ids(0)])
spans = spans.masked_fill(outside[:, None] | outside, -torch.inf)
short = torch.ones_like(spans).triu().tril({longest}).bool()
best = spans.masked_fill(~short, -torch.inf).argmax().item()
start, end = divmod(best, len(spans))
first, last = inputs.token_to_chars(0, start), inputs.token_to_chars(0, end)
print(context[first.start : last.end])"""


def card_context(report: RunReport) -> CardContext:
    """Return purpose, scores, use and limits of a model for question answering from its report."""
    details = question_answering_details(report.details)
    config: dict[str, Any] = report.settings["recipe"]
    fitted = details["fitted"]
    abstains = ", or abstains where the text does not answer it" if fitted else ""
    stock = _STOCK.format(max_length=config["max_length"], longest=config["max_answer_length"] - 1)
    return CardContext(
        task="question-answering",
        purpose=f"It extracts the answer to a question from a text{abstains}.",
        scores=_scores(details),
        scored_on=_scored_on(details),
        baseline="always-abstain baseline",
        examples=[
            CardExample(
                "With the kit, which reads contexts of any length" + (" and abstains:" if fitted else ":"), _KIT
            ),
            CardExample(
                "With transformers alone"
                + (", for contexts that fit into the model, without abstaining:" if fitted else ":"),
                stock,
            ),
        ],
        limits=[
            f"It copies up to {config['max_answer_length']} tokens from the text: it does not count, reason, or use "
            "any knowledge beyond that text.",
            "It cannot verify whether the text is true.",
            "It was evaluated on questions like its training data; the scores do not apply to other subjects or "
            "languages.",
        ],
    )


def _scores(details: QuestionAnsweringDetails) -> list[CardScore]:
    baseline = details["no_answer_baseline"] if details["fitted"] else None
    scores = [
        CardScore(
            _SCORES[name].label, _SCORES[name].hub_metric or name, value, _SCORES[name].format_spec,
            interval=details["intervals"].get(name), baseline=baseline if name in ("exact", "f1") else None,
        )
        for name, value in details["scores"].items()
        if not name.endswith("total") and is_finite_number(value)
    ]  # fmt: skip
    overlap = {name: value for name, value in details["overlap"].items() if _SCORES[name].hub_metric}
    return scores + [
        CardScore(
            f"{_SCORES[name].label}, with answer", _SCORES[name].hub_metric or name, value, _SCORES[name].format_spec
        )
        for name, value in overlap.items()
        if is_finite_number(value)
    ]


def _scored_on(details: QuestionAnsweringDetails) -> str:
    sentence = (
        f"On {details['scores']['total']:,} questions, in percent, as the official script of SQuAD computes exact "
        "match and F1."
    )
    if not details["fitted"]:
        return sentence
    return (
        f"{sentence} The model abstains where the probability of no answer is above {details['threshold']:.4g}, which "
        f"was fitted on the other half of the {details['split_by']}; on all questions, that half included, F1 is "
        f"{details['official']['f1']:.2f} and exact match {details['official']['exact']:.2f}."
    )
