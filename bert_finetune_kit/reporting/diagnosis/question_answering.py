"""Rules on question answering. Scores are percentages under the names of SQuAD's official script."""

from ..details import question_answering_details
from ..intervals import wilson
from ..known_scores import known_score
from ..naming import capitalized
from ..numbers import finite_or_none, is_non_finite
from ..schema import Finding, RunReport
from .course import longer
from .view import all_answers, from_checkpoint, measured, scored_answers, setting, statistic, too_few

# All answers of official SQuAD are where answer_start says; one in a hundred is no accident.
_MISPLACED = 0.01
_MOSTLY_MISPLACED = 0.2
# Twice or half as many words: more than articles and punctuation of short answers can explain. A convention.
_LENGTH_FACTOR = 2.0
# Percent of the questions. A threshold fitted on few questions answers one or two of them by chance.
_ALWAYS = 98.0
# Gain of an oracle over always abstaining by chance, in percent of the questions: it chooses among all thresholds on
# the answers that it is scored on.
_ORACLE_CHANCE = 1.0


def never_abstains(report: RunReport) -> Finding | None:
    """The model abstains on no question without an answer."""
    scores = scored_answers(report)
    f1, count = finite_or_none(scores.get("NoAns_f1")), finite_or_none(scores.get("NoAns_total"))
    if f1 is None or f1 > 0 or not count or _is_non_finite(report):
        return None
    high = wilson(0, int(count))[1]
    if high >= 0.5:  # of three questions: it could abstain on half of all
        return None
    return Finding(
        "NEVER_ABSTAINS", "warning",
        f"Abstained on none of {count:,.0f} questions without an answer: {_label('NoAns_f1')}, is 0; with 95% "
        f"confidence it abstains on at most {high:.1%}.",
        {"NoAns_total": count, "NoAns_f1": f1},
        ["the evaluation assumed that every question has an answer (version 1)",
         "the training data had no questions without an answer",
         "the threshold is too high, or the script does not get the probability of no answer"],
        ["Evaluate as version 2, with the probability of no answer of each question.",
         "Train on data with unanswerable questions.", "Fit the threshold on held-out questions."],
    )  # fmt: skip


def always_abstains(report: RunReport) -> Finding | None:
    """The model abstains on nearly all questions; by the scores alone, on all of them."""
    scores = scored_answers(report)
    has_answer, no_answer = finite_or_none(scores.get("HasAns_f1")), finite_or_none(scores.get("NoAns_f1"))
    share = finite_or_none(question_answering_details(report.details).get("abstained"))
    nearly_all = share is not None and share >= _ALWAYS and bool(finite_or_none(scores.get("HasAns_total")))
    # Without a run it is not known which questions `total` counts.
    few = share is not None and too_few(finite_or_none(scores.get("total")))
    if few or (not nearly_all and not (has_answer == 0 and no_answer == 100)) or never_abstains(report) is not None:
        return None
    return Finding(
        "ALWAYS_ABSTAINS", "error",
        f"{_label('HasAns_f1')}, is {has_answer or 0:.1f} and {_label('NoAns_f1')}, {no_answer or 0:.1f}: the model "
        "abstains on "
        + (f"{share:.1f}% of the questions." if share is not None else "all questions."),
        {"HasAns_f1": has_answer, "NoAns_f1": no_answer, "abstained": share},
        ["too little training: a model first learns to predict no answer", "most windows have no answer",
         "the answers of the training data are not found in their contexts"],
        [*longer(report, "Train for more steps."), *from_checkpoint(report, "Start from a pretrained checkpoint."),
         "Lower doc_stride or raise max_length, so that fewer windows lack the answer."],
    )  # fmt: skip


def best_is_abstaining(report: RunReport) -> Finding | None:
    """The oracle is no better than the always-abstain baseline: no threshold makes the predictions useful."""
    scores = all_answers(report)
    total, without = finite_or_none(scores.get("total")), finite_or_none(scores.get("NoAns_total"))
    if not total or not without or without == total or too_few(total) or _is_non_finite(report):
        return None
    share = 100.0 * without / total
    best = {name: finite_or_none(scores.get(f"best_{name}")) for name in ("exact", "f1")}
    gains = {name: value - share for name, value in best.items() if value is not None}
    # A percent of the questions, or one question where there are few.
    if not gains or max(gains.values()) > max(_ORACLE_CHANCE, 100.0 / total):
        return None
    values = ", ".join(f"{_label(f'best_{name}')} is {best[name]:.3f}" for name in gains)
    return Finding(
        "BEST_IS_ABSTAINING", "error",
        f"{capitalized(values)}; always-abstain baseline: {share:.3f}, the share of the {total:,.0f} questions "
        f"without an answer ({without:,.0f}).",
        {"share_without_answer": share, **{f"gain_{name}": gain for name, gain in gains.items()}},
        ["the predictions are worse than abstaining",
         "the probability of no answer does not separate answerable from unanswerable questions"],
        ["Do not report the oracle's exact match and F1 as scores: they are upper bounds, at least that share by "
         "construction.",
         *longer(report, "Train longer."), *from_checkpoint(report, "Start from a pretrained checkpoint."),
         "Pass the predicted probability of no answer to the script."],
    )  # fmt: skip


_ON_ANSWERABLE = "Or evaluate on answerable questions alone, and report that."
# Causes and advice, by what is known.
_FIRST_QUESTIONS = (
    ["only the first questions were used (max_train_examples), and all of these have an answer"],
    ["Raise max_train_examples, or shuffle the articles of the file.", _ON_ANSWERABLE],
)
_NO_UNANSWERABLE = (
    ["unanswerable questions were filtered out of the training data", "the splits are of two data sets"],
    ["Train on questions without an answer, too, as in both splits of squad_v2.", _ON_ANSWERABLE],
)
_SCRIPT_OF_V1 = (
    ["a script for SQuAD v1.1 was run on v2 data (version_2_with_negative is off)",
     "unanswerable questions were filtered out of the training data"],
    ["Train and evaluate on questions without an answer.", "Pass the probability of no answer to the script.",
     _ON_ANSWERABLE],
)  # fmt: skip


def v2_data_as_v1(report: RunReport) -> Finding | None:
    """The data have questions without an answer, and training or evaluation treated them as if there were none.

    Seen in the data (none in training, some in validation), or in the scores: where answering some questions is best
    and the best threshold is 0, those questions have a probability of no answer of exactly 0, as scripts for version 1
    produce it.
    """
    train, validation = (statistic(report, split, "without_answer") for split in ("train", "validation"))
    scores = all_answers(report)
    thresholds = [finite_or_none(scores.get(f"best_{name}_thresh")) for name in ("exact", "f1")]
    names = ("NoAns_f1", "NoAns_total", "total")
    no_answer, without, total = (finite_or_none(scores.get(name)) for name in names)
    if train == 0 and validation:
        evidence = f"Every training question has an answer, and {validation:.1%} of the validation questions have none"
    elif not report.data and thresholds == [0, 0] and no_answer == 0 and without and total:
        best = max(finite_or_none(scores.get(f"best_{name}")) or 0.0 for name in ("exact", "f1"))
        always_abstain = 100 * without / total
        if best <= always_abstain:
            return None
        evidence = (
            f"The best thresholds are 0 although answering some questions is best ({best:.3f}; always-abstain "
            f"baseline: {always_abstain:.3f}): their probability of no answer is exactly 0, and {_label('NoAns_f1')}, "
            "is 0"
        )
    else:
        return None
    limited = bool(setting(report, "max_train_examples", "source"))
    return Finding(
        "V2_DATA_AS_V1", "error", f"{evidence}.",
        {"train_without_answer": train, "validation_without_answer": validation, "thresholds": thresholds},
        *(_FIRST_QUESTIONS if limited else _NO_UNANSWERABLE if report.data else _SCRIPT_OF_V1),
    )  # fmt: skip


def offsets_broken(report: RunReport) -> Finding | None:
    """Answers are not in their contexts where `answer_start` says."""
    shares, counts = {}, {}
    for split in report.data:
        invalid = statistic(report, split, "questions_without_valid_answer")
        if invalid is not None:
            questions, without = statistic(report, split, "questions") or 0, statistic(report, split, "without_answer")
            counts[split], shares[split] = invalid, invalid / max(questions * (1 - (without or 0)), 1)
    worst = max(shares, key=lambda split: shares[split], default=None)
    if worst is None or shares[worst] < _MISPLACED:
        return None
    return Finding(
        "OFFSETS_BROKEN", "error" if shares[worst] >= _MOSTLY_MISPLACED else "warning",
        f"{counts[worst]:,.0f} questions of the {worst} split, {shares[worst]:.1%} of those with an answer, have no "
        "answer at its answer_start.",
        {"shares": shares},
        ["answer_start counts bytes or words, not characters", "the contexts were cleaned after their annotation",
         "rows of contexts and answers are shifted against each other"],
        ["Count answer_start in characters of the context as it is in the file.",
         "Leave texts unchanged: no stripping, no lower-casing, no Unicode normalization.",
         "Inspect the questions that the notes list."],
    )  # fmt: skip


def overlap_metric_on_wrong_text(report: RunReport) -> Finding | None:
    """The texts compared by BLEU have another length than the predictions: they are not the answers.

    The length ratio of BLEU is compared with that of the answers where it is known, else with 1.
    """
    overlap = question_answering_details(report.details).get("overlap") or report.result
    ratio = finite_or_none(overlap.get("bleu_length_ratio"))
    expected = measured(report, "length_ratio") or 1.0
    if not ratio or 1 / _LENGTH_FACTOR <= ratio / expected <= _LENGTH_FACTOR:
        return None
    scores, bleu = all_answers(report), finite_or_none(overlap.get("bleu_1"))
    f1 = finite_or_none(scores.get("HasAns_f1"))
    f1 = finite_or_none(scores.get("f1")) if f1 is None else f1
    further = ""
    if bleu is not None and f1 and bleu < f1 / 10:
        further = f" Word overlap is {f1:.1f}% by F1 and {bleu:.2g}% by BLEU-1: these are not the same texts."
    return Finding(
        "OVERLAP_METRIC_ON_WRONG_TEXT", "error",
        f"The length ratio of BLEU is {ratio:.2f}; that of the answers is {expected:.2f}.{further}",
        {"bleu_length_ratio": ratio, "expected": expected, "bleu_1": bleu, "f1": f1},
        ["contexts, questions or token ids were compared instead of answers",
         "unanswerable questions were compared with empty references, or with a placeholder",
         "predictions and references are in different orders"],
        ["Compare predictions with answers, of answerable questions alone, each with all its references.",
         "Print three pairs of inputs of the metric.", "Rely on exact match and F1."],
    )  # fmt: skip


def spans_too_long(report: RunReport) -> Finding | None:
    """Predictions have on average twice as many words as true answers, by more than chance."""
    predicted, true = measured(report, "predicted_words"), measured(report, "answer_words")
    error, count = measured(report, "predicted_words_error") or 0.0, measured(report, "answers_compared")
    # The 95% interval of a mean is two standard errors wide on each side.
    if not predicted or not true or not count or too_few(count) or predicted - 2 * error <= _LENGTH_FACTOR * true:
        return None
    return Finding(
        "SPANS_TOO_LONG", "warning",
        f"Predictions have {predicted:.1f} words on average, true answers {true:.1f} ({count:,.0f} answerable "
        "questions with a prediction).",
        {"predicted_words": predicted, "answer_words": true, "answers": count},
        ["too little training: starts and ends are predicted independently",
         "the answers of the training data are longer", "max_answer_length is too large"],
        [*longer(report, "Train longer."), "Compare the lengths of the answers of both splits.",
         "Lower max_answer_length."],
    )  # fmt: skip


def _label(key: str) -> str:
    return known_score("question_answering", key).label


def _is_non_finite(report: RunReport) -> bool:
    """Return whether nothing was predicted because the logits are not finite, which LOSS_NOT_FINITE reports."""
    return any(is_non_finite(report.result.get(name)) for name in ("exact", "f1"))


RULES = (
    never_abstains, always_abstains, best_is_abstaining, v2_data_as_v1, offsets_broken, overlap_metric_on_wrong_text,
    spans_too_long,
)  # fmt: skip
