"""Rules on a pretraining. Perplexities are exp of the mean cross-entropy of a masked word in nats."""

import math

from ..intervals import wilson
from ..report import Finding, RunReport
from .view import curve, known, number, setting

# Nats a word by which a model that reads must beat word frequencies; less is what word frequencies themselves differ by
# between training and validation text.
_USES_CONTEXT = 0.05
# What BERT itself reached on its own text (Devlin et al. 2019, section 3.1, footnote 5: 97% to 98%).
_BERT_ON_NSP = 0.98
# Below this number a random segment comes from any given document more than once in twenty times.
_DOCUMENTS = 20


def perplexity_above_uniform(report: RunReport) -> Finding | None:
    """The perplexity exceeds the size of the vocabulary: worse than giving every word the same probability."""
    perplexity, words = known(report, "perplexity"), _uniform(report)
    if perplexity is None or words is None or perplexity <= words:
        return None
    by_epoch = curve(report.scores, "perplexity")
    fall = ""
    if len(by_epoch) > 1 and by_epoch.min() > words:
        fall = f" All {len(by_epoch)} evaluations are above it, {by_epoch[0]:,.0f} to {by_epoch[-1]:,.0f}: "
        fall += "that it falls shows no learning." if by_epoch[-1] < by_epoch[0] else "it does not fall, either."
    return Finding(
        "PERPLEXITY_ABOVE_UNIFORM", "error",
        f"The perplexity is {perplexity:,.0f} ({math.log(perplexity):.2f} nats a word); giving each of the "
        f"{words:,.0f} word pieces the same probability scores {words:,.0f} ({math.log(words):.2f} nats).{fall}",
        {"perplexity": perplexity, "vocab_size": words, "by_epoch": by_epoch.tolist()},
        ["the loss is of all positions, of labels that are not masked words, or the sum of two losses",
         "the weights of the head or of the encoder were not loaded",
         "text and model have different vocabularies", "nothing has been trained yet"],
        ["Compute exp of the MLM loss alone, over masked positions alone, each weighing the same.",
         "Read which weights the loading reported as missing.",
         "Use the tokenizer of the checkpoint."],
    )  # fmt: skip


def stuck_at_unigram(report: RunReport) -> Finding | None:
    """The model does no better than word frequencies: it does not read the context."""
    perplexity, words = known(report, "perplexity"), _uniform(report)
    unigram = number(report.baselines.get("unigram", {}).get("perplexity")) or known(report, "unigram_perplexity")
    if perplexity is None or unigram is None or (words is not None and perplexity > words):
        return None
    if math.log(perplexity) < math.log(unigram) - _USES_CONTEXT:
        return None
    return Finding(
        "STUCK_AT_UNIGRAM", "warning",
        f"The perplexity is {perplexity:,.1f}; guessing by word frequency alone scores {unigram:,.1f}.",
        {"perplexity": perplexity, "unigram": unigram},
        ["too few steps: a fresh model learns word frequencies first", "the learning rate is too high or too low",
         "attention is broken: every position sees nothing but padding"],
        ["Train longer; a small fresh model needs hundreds of steps to begin to read.",
         "Use a learning rate of 1e-3 for small fresh models, 1e-4 for BERT-base.",
         "Start from a pretrained checkpoint."],
    )  # fmt: skip


def nsp_at_chance(report: RunReport) -> Finding | None:
    """The 95% interval of the pair accuracy (Wilson) does not lie above one half, which a coin scores."""
    accuracy, pairs = known(report, "pair_accuracy"), _pairs(report)
    if accuracy is None or pairs is None:
        return None
    low, high = wilson(round(accuracy * pairs), pairs)
    if low > 0.5:
        return None
    return Finding(
        "NSP_AT_CHANCE", "warning",
        f"{accuracy:.1%} of {pairs:,} pairs are told rightly, 95% interval {low:.1%} to {high:.1%}; a coin tells 50%.",
        {"pair_accuracy": accuracy, "pairs": pairs, "interval": [low, high]},
        ["too few steps: pairs are learnt after words", "the documents resemble each other",
         "the labels of the pairs are wrong", "too few pairs to tell"],
        ["Train longer.", "Check that documents are set apart rightly (documents='blank_lines', 'headings', …).",
         "Leave the pair objective out (objective='none'), as RoBERTa does, or take 'sop'."],
    )  # fmt: skip


def nsp_too_easy(report: RunReport) -> Finding | None:
    """The pairs are told better than BERT told its own (98%): something other than their meaning gives them away."""
    accuracy, pairs = known(report, "pair_accuracy"), _pairs(report)
    if accuracy is None or pairs is None or wilson(round(accuracy * pairs), pairs)[0] <= _BERT_ON_NSP:
        return None
    low, _ = wilson(round(accuracy * pairs), pairs)
    return Finding(
        "NSP_TOO_EASY", "warning",
        f"{accuracy:.1%} of {pairs:,} pairs are told rightly, at least {low:.1%} with 95% confidence; BERT reached "
        f"97% to 98% on its own text.",
        {"pair_accuracy": accuracy, "pairs": pairs, "low": low},
        ["the documents differ in topic, language or format, which single words give away",
         "random segments differ in length or form from true ones"],
        ["Take sentence order instead: objective='sop' (ALBERT).", "Use text of one kind in one run."],
    )  # fmt: skip


def masks_repeat(report: RunReport) -> Finding | None:
    """Examples have the same masked words in one epoch as in the next.

    By chance two draws of k out of n words are the same once in n over k times: of most examples never.
    """
    share = known(report, "masks_repeating")
    epochs = max((number(log.get("epoch")) or 0.0 for log in report.history), default=0.0)
    if share is None or share <= 0.5 or epochs <= 1:
        return None
    return Finding(
        "MASKS_REPEAT", "warning",
        f"{share:.0%} of the examples looked at have the same masks in epoch 1 as in epoch 2 of {epochs:.0f}.",
        {"share": share, "epochs": epochs},
        ["the masks were drawn once, when the data were prepared", "the collator draws from a seed without the epoch"],
        ["Draw masks when a batch is made, from (seed, epoch, example)."],
    )  # fmt: skip


def few_documents(report: RunReport) -> Finding | None:
    """There are so few documents that random segments come from the same ones again and again."""
    count = number(report.data.get("train", {}).get("documents"))
    if count is None or count >= _DOCUMENTS or setting(report, "objective", "recipe") != "nsp":
        return None
    tokens = number(report.data["train"].get("tokens")) or 0.0
    return Finding(
        "FEW_DOCUMENTS", "warning",
        f"The training split has {count:.0f} documents of {tokens / count:,.0f} tokens on average: a random segment "
        f"comes from any given other document once in {max(count - 1, 1):.0f} times.",
        {"documents": count, "tokens": tokens},
        ["whole files were read as one document", "there is little text"],
        ["Tell how documents are set apart: documents='blank_lines', 'headings' or 'records'.",
         "Take sentence order instead, which needs one document alone: objective='sop'.", "Add text."],
    )  # fmt: skip


def heads_new(report: RunReport) -> Finding | None:
    """The checkpoint had no weights for the heads: the first scores are about them, not about the encoder."""
    new = report.evidence.get("new_parts") or []
    heads = [part for part in new if part.startswith("cls") or part.endswith("pooler")]
    if not heads or not report.evidence.get("from_checkpoint"):
        return None
    return Finding(
        "HEADS_NEW", "warning",
        f"{len(heads)} parts started from random numbers: {', '.join(heads)}. The checkpoint does not hold them.",
        {"new_parts": heads},
        ["the checkpoint is of an encoder alone, or was fine-tuned for something else"],
        ["Compare perplexities of later epochs alone: the first ones show how the head learns.",
         "Start from a checkpoint of BertForPreTraining."],
    )  # fmt: skip


def _uniform(report: RunReport) -> float | None:
    return number(report.baselines.get("uniform", {}).get("perplexity")) or known(report, "vocab_size")


def _pairs(report: RunReport) -> int | None:
    """Return the number of pairs that were scored: every example of the validation split has one."""
    count = known(report, "pairs") or number(report.data.get("validation", {}).get("examples_per_epoch"))
    return int(count) if count else None


RULES = (
    perplexity_above_uniform, stuck_at_unigram, nsp_at_chance, nsp_too_easy, masks_repeat, few_documents, heads_new,
)  # fmt: skip
