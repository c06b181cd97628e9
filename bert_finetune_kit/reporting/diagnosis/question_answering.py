"""Rules on question answering. Scores are percentages under the names of SQuAD's official script."""

import math

from ..intervals import wilson
from ..report import Finding, RunReport
from .view import all_answers, known, number, reported_answers, setting

# Official SQuAD has no answer that is not where it is said to be; one in a hundred is no slip.
_MISPLACED = 0.01
_MOSTLY_MISPLACED = 0.2
# Twice or half as many words: what the articles and punctuation of short answers cannot explain. A convention.
_FAR = 2.0
# Percent of the questions. A threshold that was fitted on few questions lets one or two of them through by luck.
_SILENT = 98.0
# Gain over abstaining, in percent of the questions, that an oracle finds by luck: it chooses among all thresholds on
# the answers that it is scored on.
_LUCK = 1.0


def never_abstains(report: RunReport) -> Finding | None:
    """No question without an answer goes unanswered."""
    scores = reported_answers(report)
    silent, count = number(scores.get("NoAns_f1")), number(scores.get("NoAns_total"))
    if silent is None or silent > 0 or not count or _broken(report):
        return None
    high = wilson(0, int(count))[1]
    return Finding(
        "NEVER_ABSTAINS", "warning",
        f"None of {count:,.0f} questions without an answer went unanswered: NoAns is 0, and with 95% confidence at "
        f"most {high:.1%}.",
        {"NoAns_total": count, "NoAns_f1": silent},
        ["the evaluation was told that every question has an answer (version 1)",
         "the training data had no questions without an answer",
         "the threshold is too high, or the probability of no answer is not handed to the script"],
        ["Evaluate as version 2, with the probability of no answer of each question.",
         "Train on data that hold unanswerable questions.", "Fit the threshold on held-out questions."],
    )  # fmt: skip


def always_abstains(report: RunReport) -> Finding | None:
    """Hardly a question gets an answer; or by the scores, none with an answer and none without."""
    scores = reported_answers(report)
    answered, silent = number(scores.get("HasAns_f1")), number(scores.get("NoAns_f1"))
    share = number(report.details.get("abstained"))
    whole = share is not None and share >= _SILENT and bool(number(scores.get("HasAns_total")))
    if not whole and not (answered == 0 and silent == 100):
        return None
    return Finding(
        "ALWAYS_ABSTAINS", "error",
        f"HasAns F1 is {answered or 0:.1f} and NoAns F1 {silent or 0:.1f}"
        + (f": {share:.1f}% of the questions go unanswered." if share is not None else ": no question is answered."),
        {"HasAns_f1": answered, "NoAns_f1": silent, "abstained": share},
        ["too little training: that there is no answer is learnt first", "most windows hold no answer",
         "the answers of the training data are not found in their contexts"],
        ["Train for more steps.", "Start from a pretrained checkpoint.",
         "Lower doc_stride or raise max_length, so that fewer windows lack the answer."],
    )  # fmt: skip


def best_is_abstaining(report: RunReport) -> Finding | None:
    """The oracle's best score is that of answering nothing: no threshold makes the answers worth giving."""
    scores = all_answers(report)
    total, without = number(scores.get("total")), number(scores.get("NoAns_total"))
    if not total or not without or without == total or _broken(report):
        return None
    share = 100.0 * without / total
    gains = {name: best - share for name in ("exact", "f1") if (best := number(scores.get(f"best_{name}"))) is not None}
    # A percent of the questions, or one question where there are few.
    if not gains or max(gains.values()) > max(_LUCK, 100.0 / total):
        return None
    told = ", ".join(f"best_{name} is {scores[f'best_{name}']:.3f}" for name in gains)
    return Finding(
        "BEST_IS_ABSTAINING", "error",
        f"{told}, and {share:.3f}% of the {total:,.0f} questions have no answer ({without:,.0f}): abstaining from all "
        "of them scores that without a model.",
        {"share_without_answer": share, **{f"gain_{name}": gain for name, gain in gains.items()}},
        ["the answers are worse than none", "the probability of no answer does not tell which questions have one"],
        ["Do not report best_exact and best_f1 as scores: they are upper bounds, never below that share.",
         "Train longer, or from a pretrained checkpoint.",
         "Hand the real probability of no answer to the script."],
    )  # fmt: skip


def v2_data_as_v1(report: RunReport) -> Finding | None:
    """Questions without an answer are in the data, and training or evaluation went as if there were none.

    Seen in the data (none to learn from, some to score), or in the figures: where answering some questions is best and
    the threshold for that is 0, those questions have a probability of no answer of exactly 0, as scripts for version 1
    hand it over.
    """
    train, validation = (number(report.data.get(name, {}).get("without_answer")) for name in ("train", "validation"))
    scores = all_answers(report)
    places = [number(scores.get(f"best_{name}_thresh")) for name in ("exact", "f1")]
    silent, without, total = (number(scores.get(name)) for name in ("NoAns_f1", "NoAns_total", "total"))
    if train == 0 and validation:
        told = f"No training question is without an answer, and {validation:.1%} of the validation questions are"
    elif not report.data and places == [0, 0] and silent == 0 and without and total:
        best = max(number(scores.get(f"best_{name}")) or 0.0 for name in ("exact", "f1"))
        if best <= 100 * without / total:
            return None
        told = (
            f"The best thresholds are 0 though answering some questions is best ({best:.3f} against "
            f"{100 * without / total:.3f}): their probability of no answer is exactly 0, and NoAns is 0"
        )
    else:
        return None
    limited = bool(setting(report, "max_train_examples", "source"))
    return Finding(
        "V2_DATA_AS_V1", "error", f"{told}.",
        {"train_without_answer": train, "validation_without_answer": validation, "thresholds": places},
        [*(["only the first questions were taken (max_train_examples), and all of these have an answer"] * limited),
         "a script for SQuAD v1.1 was run on v2 data (version_2_with_negative is off)",
         "unanswerable questions were filtered out of the training data"],
        ["Learn and score with questions that have no answer: source='squad_v2' for both splits.",
         "Hand the probability of no answer to the script.",
         "Or score answerable questions alone, and say so."],
    )  # fmt: skip


def offsets_broken(report: RunReport) -> Finding | None:
    """Answers do not stand in their contexts where `answer_start` says they do."""
    shares = {}
    for split, one in report.data.items():
        if "questions_without_any_of_theirs" in one:
            answerable = max(one["questions"] * (1 - one["without_answer"]), 1)
            shares[split] = one["questions_without_any_of_theirs"] / answerable
    worst = max(shares, key=lambda split: shares[split], default=None)
    if worst is None or shares[worst] < _MISPLACED:
        return None
    return Finding(
        "OFFSETS_BROKEN", "error" if shares[worst] >= _MOSTLY_MISPLACED else "warning",
        f"{report.data[worst]['questions_without_any_of_theirs']:,} questions of the {worst} split, "
        f"{shares[worst]:.1%} of those with an answer, have none that stands where answer_start says.",
        {"shares": shares},
        ["answer_start counts bytes or words, not characters", "the contexts were cleaned after they were annotated",
         "rows of contexts and answers are shifted against each other"],
        ["Count answer_start in characters of the context as it is in the file.",
         "Leave texts as they are: no stripping, no lower-casing, no Unicode normalization.",
         "Look at the questions that the notes name."],
    )  # fmt: skip


def overlap_metric_on_wrong_text(report: RunReport) -> Finding | None:
    """What BLEU compared has another length than what was answered: the texts were not the answers.

    The length ratio of BLEU is held against that of the answers themselves where it is known, else against 1.
    """
    overlap = report.details.get("overlap", report.result)
    ratio = number(overlap.get("bleu_length_ratio"))
    expected = known(report, "length_ratio") or 1.0
    if not ratio or 1 / _FAR <= ratio / expected <= _FAR:
        return None
    words, f1 = number(overlap.get("bleu_1")), number(all_answers(report).get("HasAns_f1"))
    if f1 is None:
        f1 = number(all_answers(report).get("f1"))
    also = ""
    if words is not None and f1 and words < f1 / 10:
        also = f" By F1 the answers share {f1:.1f}% of their words, by BLEU {words:.2g}%: these are not the same texts."
    return Finding(
        "OVERLAP_METRIC_ON_WRONG_TEXT", "error",
        f"BLEU saw {ratio:.2f} words for each word of its references; of the answers it should be {expected:.2f}."
        + also,
        {"bleu_length_ratio": ratio, "expected": expected, "bleu_1": words, "f1": f1},
        ["contexts, questions or token ids were compared instead of answers",
         "unanswerable questions were compared with empty references, or with a filler word",
         "predictions and references are in another order"],
        ["Compare answers with answers, of answerable questions alone, each with all its references.",
         "Print three pairs of what the metric is given.", "Rely on exact match and F1."],
    )  # fmt: skip


def spans_too_long(report: RunReport) -> Finding | None:
    """Answers have on average twice as many words as the true ones, by more than chance."""
    said, true = known(report, "said_words"), known(report, "answer_words")
    error, count = known(report, "said_words_error") or 0.0, known(report, "answers_compared")
    if not said or not true or not count or said - 2 * error <= _FAR * true:  # 95% of a mean: two standard errors
        return None
    return Finding(
        "SPANS_TOO_LONG", "warning",
        f"Answers have {said:.1f} words on average where the true ones have {true:.1f} ({count:,.0f} questions that "
        "have an answer and got one).",
        {"said_words": said, "answer_words": true, "answers": count},
        ["too little training: starts and ends are guessed apart", "the answers of the training data are longer",
         "max_answer_length is too large"],
        ["Train longer.", "Compare the lengths of answers of both splits.", "Lower max_answer_length."],
    )  # fmt: skip


def _broken(report: RunReport) -> bool:
    """Return whether nothing was said because the model's numbers are no numbers: another rule tells that."""
    return any(math.isnan(float(report.result.get(name, 0.0))) for name in ("exact", "f1"))


RULES = (
    never_abstains, always_abstains, best_is_abstaining, v2_data_as_v1, offsets_broken, overlap_metric_on_wrong_text,
    spans_too_long,
)  # fmt: skip
