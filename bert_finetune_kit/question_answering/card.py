"""What the model card of a model for question answering says that no other card does."""

from typing import Any

from ..reporting.card_facts import CardExample, CardFacts, CardScore, is_score
from ..reporting.report import RunReport
from .overlap import OVERLAP
from .summary import LABELS

_METRICS = {"bleu_1": "bleu", "rouge1": "rouge", "rouge2": "rouge", "rougeL": "rouge"}
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


def card_facts(report: RunReport) -> CardFacts:
    """Tell purpose, scores, use and limits of a model for question answering from its report."""
    details, config = report.details, report.settings["recipe"]
    fitted = bool(details["fitted"])
    silent = ", or says that the text does not answer it" if fitted else ""
    stock = _STOCK.format(max_length=config["max_length"], longest=config["max_answer_length"] - 1)
    title = "With transformers alone, for contexts that fit and never silent:" if fitted else "With transformers alone:"
    return CardFacts(
        task="question-answering",
        purpose=f"It finds the answer to a question in a text{silent}.",
        scores=_scores(details, fitted),
        scored_on=_scored_on(details, fitted),
        baseline="never answering",
        examples=[
            CardExample(
                "With the kit, which reads contexts of any length"
                + (" and knows when to stay silent:" if fitted else ":"),
                _KIT,
            ),
            CardExample(title, stock),
        ],
        limits=[
            f"It copies up to {config['max_answer_length']} tokens from the text: it counts and concludes nothing, "
            "and knows nothing but that text.",
            "It cannot tell whether the text is true.",
            "It was scored on questions like those that it learnt from; of other subjects or languages the scores say "
            "nothing.",
        ],
    )


def _scores(details: dict[str, Any], fitted: bool) -> list[CardScore]:
    silent = {"exact": details["always_abstaining"], "f1": details["always_abstaining"]} if fitted else {}
    scores = [
        CardScore(
            LABELS[name], "exact_match" if name.endswith("exact") else "f1", value, ".2f",
            interval=details["intervals"].get(name), baseline=silent.get(name),
        )
        for name, value in details["scores"].items()
        if name in LABELS and is_score(value)
    ]  # fmt: skip
    overlap = {name: value for name, value in details["overlap"].items() if not name.endswith("ratio")}
    return scores + [
        CardScore(f"{OVERLAP[name][0]}, with answer", _METRICS.get(name, name), value, ".2f")
        for name, value in overlap.items()
        if is_score(value)
    ]


def _scored_on(details: dict[str, Any], fitted: bool) -> str:
    told = (
        f"Of {details['scores']['total']:,} questions, in percent, as the official script of SQuAD counts exact match "
        "and F1."
    )
    if not fitted:
        return told
    return (
        f"{told} A question goes unanswered where the probability of no answer is above {details['threshold']:.4g}, "
        f"which was fitted on the other half of the {details['dealt_out']}; on all questions, that half included, F1 "
        f"is {details['official']['f1']:.2f} and exact match {details['official']['exact']:.2f}."
    )
