"""Rules on a pretraining. A perplexity is exp of the mean cross-entropy of a masked word in nats."""

import math

from ..intervals import Interval, finite_interval, wilson
from ..numbers import finite_or_none
from ..schema import Finding, RunReport
from .baselines import USES_CONTEXT
from .course import longer, usual_rate
from .view import curve, from_checkpoint, measured, setting, statistic, too_few, validation_examples

# What BERT reached on its own text (Devlin et al. 2019, section 3.1, footnote 5: 97% to 98%).
_BERT_ON_NSP = 0.98
# With fewer documents, a random segment comes from any given document more than once in twenty times.
_MIN_DOCUMENTS = 20


def perplexity_above_uniform(report: RunReport) -> Finding | None:
    """The perplexity exceeds the size of the vocabulary: worse than the uniform baseline."""
    perplexity, uniform = measured(report, "perplexity"), _uniform(report)
    if perplexity is None or uniform is None or perplexity <= uniform:
        return None
    values = curve(report.scores, "perplexity")
    trend = ""
    if len(values) > 1 and values.min() > uniform:
        trend = f" All {len(values)} evaluations are above it, {values[0]:,.0f} to {values[-1]:,.0f}: "
        trend += (
            "the decrease is no evidence of learning." if values[-1] < values[0] else "it does not decrease either."
        )
    return Finding(
        "PERPLEXITY_ABOVE_UNIFORM", "error",
        f"Perplexity {perplexity:,.0f} ({math.log(perplexity):.2f} nats a word); uniform baseline over the "
        f"{uniform:,.0f} word pieces: {uniform:,.0f} ({math.log(uniform):.2f} nats).{trend}",
        {"perplexity": perplexity, "vocab_size": uniform, "by_epoch": values.tolist()},
        ["the loss covers all positions, labels that are not masked words, or two losses added up",
         "the weights of the head or of the encoder were not loaded",
         "text and model have different vocabularies", "the model is not trained yet"],
        ["Compute exp of the MLM loss alone, over masked positions alone, each with equal weight.",
         "Read which weights are reported as missing when the model is loaded.",
         "Use the tokenizer of the checkpoint."],
    )  # fmt: skip


def stuck_at_unigram(report: RunReport) -> Finding | None:
    """The model is no better than word frequencies: it does not use the context."""
    perplexity, uniform = measured(report, "perplexity"), _uniform(report)
    unigram = _baseline(report, "unigram") or measured(report, "unigram_perplexity")
    beyond = uniform is not None and perplexity is not None and perplexity > uniform  # PERPLEXITY_ABOVE_UNIFORM
    if perplexity is None or unigram is None or beyond or too_few(validation_examples(report)):
        return None
    if math.log(perplexity) < math.log(unigram) - USES_CONTEXT:
        return None
    return Finding(
        "STUCK_AT_UNIGRAM", "warning",
        f"Perplexity {perplexity:,.1f}; unigram baseline: {unigram:,.1f}.",
        {"perplexity": perplexity, "unigram": unigram},
        ["too few steps: a model learns word frequencies first", "the learning rate is too high or too low",
         "attention does not work: every position attends to padding alone"],
        [*longer(report, "Train longer; a small model from scratch needs hundreds of steps to use the context."),
         *usual_rate(report, "Use a learning rate of 1e-3 for small models from scratch, 1e-4 for BERT-base."),
         *from_checkpoint(report, "Start from a pretrained checkpoint.")],
    )  # fmt: skip


def nsp_at_chance(report: RunReport) -> Finding | None:
    """The 95% interval of the pair accuracy does not lie above 50%, which is chance."""
    accuracy, pairs = measured(report, "pair_accuracy"), _pairs(report)
    if accuracy is None or pairs is None or too_few(pairs):
        return None
    low, high = _pair_interval(report, accuracy, pairs)
    if low > 0.5:
        return None
    return Finding(
        "NSP_AT_CHANCE", "warning",
        f"Pair accuracy {accuracy:.1%} on {pairs:,} pairs, 95% interval {low:.1%} to {high:.1%}; chance: 50%.",
        {"pair_accuracy": accuracy, "pairs": pairs, "interval": [low, high]},
        ["too few steps: pairs are learned after words", "the documents are too similar",
         "the labels of the pairs are wrong", "too few pairs for a narrow interval"],
        [*longer(report, "Train longer."),
         "Check how documents are separated (documents='blank_lines', 'headings', …).",
         "Use no pair objective (objective='none'), as RoBERTa does" + ("." if _is_sop(report) else ", or use 'sop'.")],
    )  # fmt: skip


def nsp_too_easy(report: RunReport) -> Finding | None:
    """The pair accuracy is certainly above the 98% of BERT: something other than meaning separates the pairs."""
    accuracy, pairs = measured(report, "pair_accuracy"), _pairs(report)
    if accuracy is None or pairs is None:
        return None
    low, _ = _pair_interval(report, accuracy, pairs)
    if low <= _BERT_ON_NSP:
        return None
    return Finding(
        "NSP_TOO_EASY", "warning",
        f"Pair accuracy {accuracy:.1%} on {pairs:,} pairs, at least {low:.1%} with 95% confidence; BERT reached 97% to "
        "98% on its own text.",
        {"pair_accuracy": accuracy, "pairs": pairs, "low": low},
        ["the documents differ in topic, language or format, which single words reveal",
         "random segments differ in length or format from true ones"],
        [*([] if _is_sop(report) else ["Use sentence order instead: objective='sop' (ALBERT)."]),
         "Use text of one kind in one run."],
    )  # fmt: skip


def _pair_interval(report: RunReport, accuracy: float, pairs: int) -> Interval:
    """Return the interval of the report, over documents; where there is none, Wilson's for independent pairs."""
    return finite_interval(report.intervals.get("pair_accuracy")) or wilson(round(accuracy * pairs), pairs)


def few_documents(report: RunReport) -> Finding | None:
    """There are so few documents that random segments repeatedly come from the same ones."""
    count, tokens = statistic(report, "train", "documents"), statistic(report, "train", "tokens") or 0.0
    if count is None or count >= _MIN_DOCUMENTS or setting(report, "objective", "recipe") != "nsp":
        return None
    return Finding(
        "FEW_DOCUMENTS", "warning",
        f"The training split has {count:.0f} document{'s' * (count != 1)} of {tokens / max(count, 1):,.0f} tokens on "
        f"average: {_source_of_random_segments(int(count))}.",
        {"documents": count, "tokens": tokens},
        ["whole files were read as one document", "there is little text"],
        ["Specify how documents are separated: documents='blank_lines', 'headings' or 'records'.",
         "Use sentence order instead, which needs only one document: objective='sop'.", "Add text."],
    )  # fmt: skip


def heads_new(report: RunReport) -> Finding | None:
    """The heads were newly initialized: the first scores depend on them, not on the encoder."""
    modules = report.evidence.get("newly_initialized") or []
    heads = [module for module in modules if module.startswith("cls") or module.endswith("pooler")]
    if not heads or not report.evidence.get("from_checkpoint"):
        return None
    return Finding(
        "HEADS_NEW", "warning",
        f"Newly initialized, since the checkpoint does not have them: {', '.join(heads)}.",
        {"newly_initialized": heads},
        ["the checkpoint is of an encoder alone, or was fine-tuned for another task"],
        ["Compare perplexities of later epochs alone: the first ones show how the head learns.",
         "Start from a checkpoint of BertForPreTraining."],
    )  # fmt: skip


def _source_of_random_segments(documents: int) -> str:
    """Return where the random segment of a pair comes from, in a clause."""
    if documents < 2:
        return "there is no other document that a random segment could come from"
    others = f"one of only {documents - 1} other documents" if documents > 2 else "the only other document"
    return f"a random segment comes from {others}"


def _is_sop(report: RunReport) -> bool:
    return setting(report, "objective", "recipe") == "sop"


def _baseline(report: RunReport, name: str) -> float | None:
    return finite_or_none(report.baselines.get(name, {}).get("perplexity"))


def _uniform(report: RunReport) -> float | None:
    return _baseline(report, "uniform") or measured(report, "vocab_size")


def _pairs(report: RunReport) -> int | None:
    """Return the number of scored pairs: every example of the evaluated split is one."""
    count = measured(report, "pairs") or validation_examples(report)
    return int(count) if count else None


RULES = (perplexity_above_uniform, stuck_at_unigram, nsp_at_chance, nsp_too_easy, few_documents, heads_new)
