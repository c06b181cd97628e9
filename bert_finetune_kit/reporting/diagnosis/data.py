"""Rules on the data: what a score cannot be believed for, and what a model could not see."""

from ..report import Finding, RunReport
from .view import number

# A share that can move a score by as much: below it a leak is a note, from it on it is a warning. One in a hundred is
# what scores of different seeds differ by anyway.
_MATTERS = 0.01
# WordPiece vocabularies that fit leave less than one token in a thousand unknown (bert-base-uncased: none of SST-2,
# 0.03% of SQuAD); ten times that is no rare letter.
_UNKNOWN = 0.01
_UNREADABLE = 0.2
# A convention: less than one example in ten that is cut can cost no more than a tenth of the score.
_CUT = 0.1
# Standard deviations of the number of runs of equal labels (Wald and Wolfowitz 1940): of sorted rows it is in the tens.
_SORTED = 5.0
# Share of neighbours in the data that follow each other in an epoch: of a random order 1 in as many as there are.
_IN_ORDER = 0.5


def train_validation_leak(report: RunReport) -> Finding | None:
    """Texts of the validation split stand in the training split."""
    leak = report.evidence.get("leak") or {}
    worst = max(leak, key=lambda split: leak[split]["share"], default=None)
    if worst is None or not leak[worst]["count"]:
        return None
    one = leak[worst]
    return Finding(
        "TRAIN_VALIDATION_LEAK", "warning" if one["share"] >= _MATTERS else "note",
        f"{one['count']:,} of {one['of']:,} {one['what']} of the {worst} split ({one['share']:.1%}) stand in the "
        "training split, token for token.",
        {"split": worst, "count": one["count"], "share": one["share"]},
        ["the splits were drawn from rows that repeat", "the same file was given for both"],
        ["Remove those rows from the training split, and train anew: the scores of this run are too good.",
         "Split by document or article, not by row."],
    )  # fmt: skip


def unshuffled(report: RunReport) -> Finding | None:
    """The rows are sorted by label and only the first were taken, or an epoch goes through the data in their order."""
    in_order = number(report.evidence.get("in_order"))
    runs = report.evidence.get("label_runs") or {}
    numbers = {"in_order": in_order, **runs}
    if in_order is not None and in_order > _IN_ORDER:
        return Finding(
            "UNSHUFFLED", "warning",
            f"{in_order:.0%} of the neighbours in the data follow each other in the first epoch.", numbers,
            ["the sampler was replaced by one that does not shuffle"],
            ["Leave the order to the kit's sampler: batches of one kind of text make the loss swing."],
        )  # fmt: skip
    z = number(runs.get("z"))
    if z is None or z > -_SORTED:
        return None
    limited = any(report.settings.get("source", {}).get(f"max_{split}_examples") for split in ("train", "validation"))
    return Finding(
        "UNSHUFFLED", "warning" if limited else "note",
        f"The labels of the training split stand in {runs['runs']:,} runs of equal ones; in random order there would "
        f"be {runs['expected']:,.0f}. "
        + ("Only the first rows were taken." if limited else "The kit shuffles them in each epoch."),
        numbers,
        ["the rows are sorted by label"],
        ["Shuffle the rows before some of them are taken: the first ones are not like the others."] if limited else
        ["Nothing, as long as no limit on the examples cuts the rows off."],
    )  # fmt: skip


def truncated_much(report: RunReport) -> Finding | None:
    """One example in ten or more does not fit: what is cut off is not learnt and not scored."""
    shares = {}
    for split, one in report.data.items():
        if "truncated_examples" in one:
            shares[split] = one["truncated_examples"] / max(one["examples"], 1)
        elif "questions_cut" in one:
            shares[split] = (one["questions_cut"] + one.get("answers_in_no_window", 0)) / max(one["questions"], 1)
    worst = max(shares, key=lambda split: shares[split], default=None)
    if worst is None or shares[worst] < _CUT:
        return None
    longest = report.data[worst].get("longest", report.data[worst].get("longest_question"))
    room = report.settings.get("recipe", {}).get("max_length")
    return Finding(
        "TRUNCATED_MUCH", "warning",
        f"{shares[worst]:.1%} of the {worst} split is cut off: the longest has {longest:,} tokens, and max_length is "
        f"{room}.",
        {"shares": shares, "longest": longest, "max_length": room},
        ["max_length is too short for these texts"],
        ["Raise max_length, up to the positions of the model.", "Read long texts in windows: stride=32.",
         "For questions, raise max_question_length."],
    )  # fmt: skip


def unknown_words(report: RunReport) -> Finding | None:
    """More than one token in a hundred is [UNK]: the vocabulary is of another language, script or casing."""
    shares = {split: number(one.get("unknown_tokens")) or 0.0 for split, one in report.data.items()}
    worst = max(shares, key=lambda split: shares[split], default=None)
    if worst is None or shares[worst] < _UNKNOWN:
        return None
    return Finding(
        "UNKNOWN_WORDS", "error" if shares[worst] >= _UNREADABLE else "warning",
        f"{shares[worst]:.1%} of the tokens of the {worst} split are [UNK]: all the model sees of those words is that "
        "there is one.",
        {"shares": shares},
        ["an uncased vocabulary with a tokenizer that does not lower-case", "a vocabulary of another language",
         "rare letters or signs"],
        ["Check do_lower_case of the tokenizer against its vocabulary.",
         "Choose a model of the language of the text, or train a vocabulary on it."],
    )  # fmt: skip


RULES = (train_validation_leak, unshuffled, truncated_much, unknown_words)
