"""Rules on the data: what makes a score too good, and what a model could not see."""

from ..numbers import finite_or_none
from ..schema import Finding, RunReport
from .view import setting, statistic, statistics, too_few

# A leak can change a score by as much as its share. One in a hundred is what scores of different seeds differ by, so a
# smaller leak is a note, and a larger one a warning.
_RELEVANT_LEAK = 0.01
# WordPiece vocabularies that fit leave less than one token in a thousand unknown (bert-base-uncased: none of SST-2,
# 0.03% of SQuAD); ten times that is more than rare characters.
_UNKNOWN = 0.01
_UNREADABLE = 0.2
# A convention: truncating fewer than one example in ten can cost at most a tenth of the score.
_TRUNCATED = 0.1
# Standard deviations of the number of runs of equal labels (Wald and Wolfowitz 1940): of sorted rows it is in the tens.
_SORTED = 5.0


def train_validation_leak(report: RunReport) -> Finding | None:
    """Texts of the validation split are in the training split."""
    leaks = report.evidence.get("leak") or {}
    worst = max(leaks, key=lambda split: leaks[split]["share"], default=None)
    if worst is None or not leaks[worst]["count"]:
        return None
    leak = leaks[worst]
    return Finding(
        "TRAIN_VALIDATION_LEAK", "warning" if leak["share"] >= _RELEVANT_LEAK else "note",
        f"{leak['count']:,} of {leak['of']:,} {leak['what']} of the {worst} split ({leak['share']:.1%}) are in the "
        "training split, token for token.",
        {"split": worst, "count": leak["count"], "share": leak["share"]},
        ["the splits were drawn from rows that repeat", "the same file was given for both splits"],
        ["Remove these rows from the training split, and repeat the training: the scores of this run are too high.",
         "Split by document or article, not by row."],
    )  # fmt: skip


def unshuffled(report: RunReport) -> Finding | None:
    """The training rows are sorted by label; a warning where only the first ones were used."""
    runs = report.evidence.get("label_runs")
    z = finite_or_none(runs["z"]) if runs else None
    if not runs or z is None or z > -_SORTED or too_few(statistic(report, "train", "examples")):
        return None
    limited = any(setting(report, f"max_{split}_examples", "source") for split in ("train", "validation"))
    return Finding(
        "UNSHUFFLED", "warning" if limited else "note",
        f"The labels of the training split form {runs['runs']:,} runs of equal labels; a random order would have "
        f"{runs['expected']:,.0f}. "
        + ("Only the first rows were used." if limited else "The rows are shuffled in each epoch."),
        {"runs": runs["runs"], "expected": runs["expected"], "z": z},
        ["the rows are sorted by label"],
        ["Shuffle the rows before limiting them: the first ones are not representative."] if limited else
        ["Nothing, as long as no limit on the examples cuts rows off."],
    )  # fmt: skip


def truncated_much(report: RunReport) -> Finding | None:
    """One example in ten or more is truncated: what is cut off is neither trained on nor scored."""
    shares = {}
    for split in report.data:
        truncated, examples = statistic(report, split, "truncated_examples"), statistic(report, split, "examples")
        if truncated is None:
            truncated, examples = statistic(report, split, "questions_cut"), statistic(report, split, "questions")
            truncated = (
                None if truncated is None else truncated + (statistic(report, split, "answers_in_no_window") or 0)
            )
        if truncated is not None and examples is not None:
            shares[split] = truncated / max(examples, 1)
    worst = max(shares, key=lambda split: shares[split], default=None)
    if worst is None or shares[worst] < _TRUNCATED:
        return None
    cut = (statistic(report, worst, "questions_cut") or 0) > (statistic(report, worst, "answers_in_no_window") or 0)
    name, what = ("max_question_length", "longest_question") if cut else ("max_length", "longest")
    longest = statistic(report, worst, what) or statistic(report, worst, "longest_context") or 0.0
    limit = setting(report, name, "recipe")
    raise_it = f"Raise {name}" + (", within max_length." if cut else ", up to the positions of the model.")
    return Finding(
        "TRUNCATED_MUCH", "warning",
        f"{shares[worst]:.1%} of the {worst} split are truncated: the longest {'question ' * bool(cut)}has "
        f"{longest:,.0f} tokens, and {name} is {limit}.",
        {"shares": shares, "longest": longest, name: finite_or_none(limit)},
        [f"{name} is too short for these {'questions' if cut else 'texts'}"],
        [raise_it, *([] if cut else ["Read long texts in windows: stride=32."])],
    )  # fmt: skip


def unknown_words(report: RunReport) -> Finding | None:
    """More than one token in a hundred is [UNK]: the vocabulary is of another language, script or casing."""
    shares = statistics(report, "unknown_tokens")
    worst = max(shares, key=lambda split: shares[split], default=None)
    if worst is None or shares[worst] < _UNKNOWN:
        return None
    return Finding(
        "UNKNOWN_WORDS", "error" if shares[worst] >= _UNREADABLE else "warning",
        f"{shares[worst]:.1%} of the tokens of the {worst} split are [UNK], which carries no information on the word.",
        {"shares": shares},
        ["an uncased vocabulary with a tokenizer that does not lower-case", "a vocabulary of another language",
         "rare characters"],
        ["Check do_lower_case of the tokenizer against its vocabulary.",
         "Use a model of the language of the text, or train a vocabulary on it."],
    )  # fmt: skip


RULES = (train_validation_leak, unshuffled, truncated_much, unknown_words)
