"""What came out of question answering, in sentences and tables; scores are percentages throughout, as SQuAD's are."""

from collections.abc import Mapping
from typing import Any

from ..reporting.report import ReportTable, Score
from ..tasks.task import Published
from .abstaining import score_histogram
from .breakdown import excerpt, groups, scores_by_group, worst_errors
from .decoding import Told
from .judging import Judgement
from .overlap import OVERLAP, overlap_scores

LABELS = {
    "exact": "exact match",
    "f1": "F1",
    "HasAns_exact": "exact match, with answer",
    "HasAns_f1": "F1, with answer",
    "NoAns_exact": "exact match, without answer",
    "NoAns_f1": "F1, without answer",
}
_COUNTS = ("total", "HasAns_total", "NoAns_total")


def glossary_of(abstaining: bool) -> list[Score]:
    """Return the scores of an evaluation in the order to show them.

    Args:
        abstaining: whether some questions have no answer, so that a threshold is fitted.
    """
    where = ", on the half that the threshold was not fitted on" if abstaining else ""
    scores = [
        Score("exact", "exact match", ".2f", f"share of answers that are one of the given ones{where}"),
        Score("f1", "F1", ".2f", f"words shared with the closest given answer{where}"),
    ]
    if abstaining:
        scores += [
            Score("HasAns_f1", "HasAns F1", ".2f", "F1 on questions with an answer"),
            Score("NoAns_f1", "NoAns F1", ".2f", "share of questions without an answer that go unanswered"),
            Score("threshold", "threshold", ".2g", "probability of no answer above which a question goes unanswered"),
            Score(
                "fit_f1", "fitted F1", ".2f",
                "F1 on the half that the threshold was fitted on: no score, but what the best epoch is chosen by",
            ),
            Score("best_f1", "oracle F1", ".2f", "F1 at the threshold best for all: an upper bound, no score"),
        ]  # fmt: skip
    return [
        *scores,
        Score("loss", "loss", ".4f", "mean cross-entropy of start and end of a window, in nats", True),
        Score("non_finite_windows", "broken windows", ",.0f", "windows whose logits are not numbers", True),
    ]


def details_of(told: Told, judgement: Judgement, rows: Any) -> dict[str, Any]:
    """Return what is known of the answers to a split, as numbers.

    Args:
        told: what the model says.
        judgement: how good it is.
        rows: the questions.

    Returns:
        `scores` with `intervals` of the questions that count, and what `always_abstaining` scores there; `official`
        on all questions; `overlap` and its `overlap_notes`; `threshold`; `no_answer_histogram` where one was fitted;
        `groups` by kind; `worst_errors`.
    """
    references = [answers["text"] for answers in rows["answers"]]
    said = ["" if silent else text for text, silent in zip(told.texts, judgement.abstains, strict=True)]
    chosen = (judgement.scored & judgement.answers.has_answer).nonzero()[0].tolist()
    overlap, notes = overlap_scores([said[one] for one in chosen], [references[one] for one in chosen])
    kinds = groups(rows["question"][:], rows["context"][:], references)
    histogram = {}
    if judgement.fit_f1 is not None:
        counts = score_histogram(judgement.no_answer, judgement.answers.has_answer, judgement.threshold)
        histogram = {"no_answer_histogram": counts}
    return {
        "scores": judgement.scores,
        "intervals": judgement.intervals(),
        "always_abstaining": judgement.always_abstaining,
        "official": judgement.official,
        "threshold": judgement.threshold,
        "fitted": judgement.fit_f1 is not None,
        "dealt_out": judgement.by,
        "abstained": 100.0 * float(judgement.abstains[judgement.scored].mean()),
        "overlap": overlap,
        "overlap_notes": notes,
        "groups": {kind: scores_by_group(judgement, named) for kind, named in kinds.items()},
        "worst_errors": worst_errors(judgement, told, rows),
        "broken_windows": told.broken,
    } | histogram


def silent_scores(details: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return what answering nothing scores, where some questions have no answer, as baseline of a report."""
    if not details["fitted"]:
        return {}
    silent = details["always_abstaining"]
    return {"no-answer": {"exact": silent, "f1": silent, "HasAns_f1": 0.0, "NoAns_f1": 100.0}}


def summarize(data: str, train: Mapping[str, Any], parameters: int, steps: int, details: dict[str, Any]) -> list[str]:
    """Say what was trained on what, how well it answers, and what abstaining from everything would have scored.

    Args:
        data: name of the data set.
        train: statistics of the training split.
        parameters: of the model.
        steps: of the optimizer.
        details: of `details_of`.
    """
    scores, (low, high) = details["scores"], details["intervals"]["f1"]
    sentences = [
        f"A BERT of {parameters:,} parameters learnt to answer from {data} ({train['questions']:,} questions, "
        f"{train['windows']:,} windows) in {steps:,} steps.",
        f"On {scores['total']:,} questions its F1 is {scores['f1']:.1f} (95% interval {low:.1f} to {high:.1f}) and "
        f"{scores['exact']:.1f}% of the answers match exactly.",
    ]
    if details["fitted"]:
        sentences.append(
            f"It leaves {details['abstained']:.1f}% of them unanswered, those whose probability of no answer is above "
            f"{details['threshold']:.2g}, a threshold fitted on the other questions; never answering would score "
            f"{details['always_abstaining']:.1f}."
        )
    return sentences


def tables_of(details: dict[str, Any], published: Published | None = None) -> list[ReportTable]:
    """Return the tables of `details_of`, the result first.

    Args:
        details: the numbers.
        published: what others have reported on this data set.
    """
    tables = [_result(details, published)]
    if details["fitted"]:
        tables.append(_oracle(details["official"]))
    tables.append(_overlap(details))
    for kind, found in details["groups"].items():
        header = [kind, "questions", "exact match", "F1", "answered"]
        rows = [
            [name, f"{one['questions']:,}", *(f"{one[key]:.1f}" for key in ("exact", "f1", "answered"))]
            for name, one in found.items()
        ]
        tables.append(ReportTable(f"By {kind}", header, rows, "Of all questions, at the threshold."))
    if details["worst_errors"]:
        tables.append(_errors(details["worst_errors"]))
    return tables


def _result(details: dict[str, Any], published: Published | None) -> ReportTable:
    scores, official, intervals = details["scores"], details["official"], details["intervals"]
    shown = [name for name in LABELS if name in scores]
    columns: dict[str, dict[str, str]] = {
        "score": {name: LABELS[name] for name in shown} | {"total": "questions"},
        "value": {name: f"{scores[name]:.2f}" for name in shown} | {"total": f"{scores['total']:,}"},
        "95% interval": {name: f"{low:.1f} to {high:.1f}" for name, (low, high) in intervals.items()},
    }
    note = "Exact match and F1 in percent, as the official script of SQuAD counts them."
    if details["fitted"]:
        silent = details["always_abstaining"]
        columns["never answering"] = dict.fromkeys(("exact", "f1"), f"{silent:.2f}")
        columns["never answering"] |= {name: "0.00" if "Has" in name else "100.00" for name in shown if "Ans" in name}
        columns["all questions"] = {name: f"{official[name]:.2f}" for name in shown}
        columns["all questions"]["total"] = f"{official['total']:,}"
        note += (
            f" A question goes unanswered where the probability of no answer exceeds {details['threshold']:.4g}. That "
            f"was fitted on half of the {details['dealt_out']}; *value* is the score on the other half, and *all "
            "questions* what the official script prints at that threshold, the half that it was fitted on included."
        )
    if published is not None:
        columns["published"] = {name: f"{value:.2f}" for name, value in published.scores.items() if name in scores}
        note += f" Published, to be held against all questions: {published.source}."
    return ReportTable("Result", list(columns), _rows(columns), note)


def _rows(columns: dict[str, dict[str, str]]) -> list[list[str]]:
    first = next(iter(columns.values()))
    return [[column.get(name, "") for column in columns.values()] for name in first]


def _oracle(official: dict[str, float]) -> ReportTable:
    rows = [
        [f"best_{name}", f"{official[f'best_{name}']:.2f}", f"{official[f'best_{name}_thresh']:.4g}"]
        for name in ("exact", "f1")
    ]
    note = (
        "Upper bounds, not scores: the official script looks for the threshold that is best on the very answers that "
        "it is scored on. They are never below the share of questions without an answer, however bad a model is: "
        "abstaining from all of them is one of the thresholds that it tries."
    )
    return ReportTable("Oracle", ["upper bound", "value", "at threshold"], rows, note)


def _overlap(details: dict[str, Any]) -> ReportTable:
    scores = details["overlap"]
    rows = [[OVERLAP[name][0], f"{value:.3f}" if "ratio" in name else f"{value:.2f}"] for name, value in scores.items()]
    note = (
        "Of the answerable questions that count, each against all of its answers, in percent but for the length ratio; "
        "an unanswered one scores 0. They were made for sentences: exact match and F1 say more of short answers.\n\n"
    )
    note += "\n".join(f"- **{OVERLAP[name][0]}**: {OVERLAP[name][1]}" for name in scores)
    return ReportTable(
        "Overlap with the answers", ["score", "value"], rows, "\n\n".join([note, *details["overlap_notes"]])
    )


def _errors(errors: list[dict[str, Any]]) -> ReportTable:
    rows = [
        [
            one["kind"],
            one["question"],
            " / ".join(one["answers"]) or "(none)",
            one["prediction"] or "(none)",
            f"{one['probability']:.2f}",
            excerpt(one["context"], [one["prediction"], *one["answers"]]),
        ]
        for one in errors
    ]
    header = ["error", "question", "answers", "prediction", "probability", "context"]
    return ReportTable("Worst errors", header, rows, "Those that the model is surest of, some of each kind.")
