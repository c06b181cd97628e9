"""Question answering in statistics, sentences and tables; scores are percentages throughout, as SQuAD's are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

import numpy as np
from torch import nn

from ..contract import Description
from ..data.checks import shared_texts
from ..data.padding import padding_shares
from ..data.sources import QuestionSource
from ..modeling.parameters import model_phrase, parameter_report
from ..reporting.calibration_tables import calibration_table, risk_table
from ..reporting.details import QuestionAnsweringDetails, question_answering_details
from ..reporting.known_scores import KNOWN_SCORES
from ..reporting.origin import data_origin, hub_id
from ..reporting.plain import describe_settings
from ..reporting.published import published_table
from ..reporting.records import QuestionStatistics, SharedTexts
from ..reporting.schema import ReportTable
from ..reporting.summary import baseline_sentence, opening_sentence, score_sentence
from ..reporting.tables import errors_table, group_table, result_table
from ..tasks.squad import QA_TASKS
from ..tasks.task import Published
from .config import QAConfig
from .data import QAData, QASplit
from .evaluation import QAEvaluation
from .overlap import OVERLAP
from .published import published_results
from .tokens import TokenizedQuestions

_SCORES = KNOWN_SCORES["question_answering"]
_RESULTS = ("exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1", "total")
_GIVEN = "Of the answer or abstention that is given, which is right where it is exactly one of the answers."
_GROUP = {
    "questions": ("questions", ",d"),
    "exact": ("exact match", ".1f"),
    "f1": ("F1", ".1f"),
    "answered": ("answered", ".1f"),
}
_ERROR = {
    "kind": "error",
    "question": "question",
    "answers": "answers",
    "prediction": "prediction",
    "probability": "probability",
    "context": "context",
}


def source_settings(
    data: QAData, source: QuestionSource, model: Mapping[str, Any], is_limited: bool
) -> tuple[dict[str, dict[str, Any]], tuple[Published, ...]]:
    """Return settings of source and model for the report, and published scores of the data set.

    Args:
        data: of the run.
        source: as the recipe was given it.
        model: settings of the model.
        is_limited: whether the validation split is not the whole published one.
    """
    hub = hub_id(source.train, {name: task.dataset for name, task in QA_TASKS.items()})
    origin = data_origin(data.name, hub, source.hub_config, data.own_splits)
    settings = {"source": {**describe_settings(source), **origin}, "model": dict(model)}
    if data.threshold is not None:  # of an evaluation: other questions than published
        return settings, ()
    return settings, published_results(source.train, hub, data.validation_split.references, is_limited)


def describe(
    data: QAData,
    model: nn.Module,
    evaluation: QAEvaluation,
    steps: int | None,
    config: QAConfig,
    batch_size: int,
    published: Sequence[Published],
    settings: Mapping[str, Mapping[str, Any]],
) -> Description:
    """Return the parts of the report that are about question answering.

    Args:
        data: of the run.
        model: as it was trained.
        evaluation: of the saved weights.
        steps: of the optimizer; none for an evaluation without a training.
        config: settings of the recipe.
        batch_size: windows in a batch on a device.
        published: scores of other work on this validation split.
        settings: of source and model.
    """
    splits = {next(iter(data.validation)): data.validation_split}
    if steps is not None and data.train_split is not None:
        splits = {"train": data.train_split, **splits}
    unk_token_id = data.tokenizer.unk_token_id
    statistics = {name: split_statistics(split, unk_token_id, config, batch_size) for name, split in splits.items()}
    details = question_answering_details(evaluation.details)
    return Description(
        summary=summarize(data.name, statistics.get("train"), model, steps, details),
        data=cast("Mapping[str, Mapping[str, Any]]", statistics),
        settings={**settings, "recipe": asdict(config)},
        tables=tables_of(details, published, parameter_report(model).total),
        evidence=leak_of(data),
    )


def summarize(
    data: str, train: QuestionStatistics | None, model: nn.Module, steps: int | None, details: QuestionAnsweringDetails
) -> list[str]:
    """Return what was trained on what, how well it answers, and the always-abstain baseline."""
    size = "" if train is None else f"{train['questions']:,} questions, {train['windows']:,} windows"
    scores, intervals = details["scores"], details["intervals"]
    sentences = [
        opening_sentence("fine-tuned", model_phrase(model), data, steps, size),
        score_sentence(_SCORES["f1"], scores["f1"], intervals.get("f1"), scored_on=f"{scores['total']:,} questions"),
        score_sentence(_SCORES["exact"], scores["exact"], intervals.get("exact")),
    ]
    if _is_mixed(details):
        sentences.append(baseline_sentence(_SCORES["f1"], {"always_abstain": details["no_answer_baseline"]}))
    if details["fitted"] or details["given"]:
        sentences.append(
            f"The model abstains from {details['abstained']:.1f}% of the questions, those whose probability of no "
            f"answer is above {details['threshold']:.2g}, "
            f"{_origin_of_threshold(details)}."
        )
    return sentences


def tables_of(
    details: QuestionAnsweringDetails, published: Sequence[Published] = (), parameters: int = 0
) -> list[ReportTable]:
    """Return the tables of a report, the result first.

    Args:
        details: of the evaluation.
        published: results of the same questions.
        parameters: of the model.
    """
    tables = [_result(details, next((result for result in published if not result.caveat), None))]
    results = published_table(
        published, [_SCORES["exact"], _SCORES["f1"]], details["scores"], details["intervals"], split="validation",
        examples=int(details["official"]["total"]), parameters=parameters, title="Published results",
        baselines=dict.fromkeys(("exact", "f1"), details["no_answer_baseline"] if _is_mixed(details) else 0.0),
    )  # fmt: skip
    tables += [] if results is None else [results]
    if _is_mixed(details):
        tables.append(_oracle(details["official"]))
    tables.append(_overlap(details))
    tables += _probabilities(details)
    for kind, group in details["groups"].items():
        columns = cast("Mapping[str, Mapping[str, float]]", group)
        note = "Of all questions, at the threshold."
        tables.append(group_table(columns, _GROUP, group_label=kind, title=f"By {kind}", note=note))
    if details["worst_errors"]:
        errors = cast("list[dict[str, object]]", details["worst_errors"])
        note = "Those with the highest probability of each kind."
        around = ("prediction", "answers")
        tables.append(errors_table(errors, _ERROR, title="Worst errors", note=note, around=around))
    return tables


def _probabilities(details: QuestionAnsweringDetails) -> list[ReportTable]:
    """Return what probabilities are worth, and how often the surest predictions are wrong."""
    if "calibration" not in details:
        return []
    tables = [calibration_table(details["calibration"], "Calibration, answers", _GIVEN)]
    if "no_answer_calibration" in details:
        tables.append(calibration_table(details["no_answer_calibration"], "Calibration, no answer", "Of no answer."))
    return [*tables, risk_table(details["risk_coverage"], "Refused answers")]


def _is_mixed(details: QuestionAnsweringDetails) -> bool:
    """Whether there are questions with an answer and questions without."""
    return {"HasAns_total", "NoAns_total"} <= details["official"].keys()


def _origin_of_threshold(details: QuestionAnsweringDetails) -> str:
    if details["given"]:
        return "the threshold of the model, which was not fitted on these questions"
    return f"a threshold fitted on the other half of the {details['split_by']}"


def _result(details: QuestionAnsweringDetails, published: Published | None) -> ReportTable:
    scores, official = details["scores"], details["official"]
    note = "Exact match and F1 in percent, as the official script of SQuAD computes them."
    baselines, further = {}, {}
    if _is_mixed(details):
        baseline = details["no_answer_baseline"]
        without = {name: 0.0 if name.startswith("HasAns") else 100.0 for name in _RESULTS if "Ans" in name}
        baselines = {"always_abstain": {"exact": baseline, "f1": baseline} | without}
    if details["fitted"] or details["given"]:
        note += (
            f" The model abstains where the probability of no answer exceeds {details['threshold']:.4g}, "
            f"{_origin_of_threshold(details)}."
        )
    if details["fitted"]:
        further = {"all questions": official}
        note += (
            " *value* is the score on that other half; *all questions* is what the official script prints at that "
            "threshold, the half that it was fitted on included."
        )
    note += f" {details['interval_note']}" if details.get("interval_note") else ""
    if published is not None:
        note += f" Published, to be compared with all questions: {published.source}."
    shown = [_SCORES[name] for name in _RESULTS]
    values = None if published is None else dict(published.scores)
    return result_table(shown, scores, details["intervals"], baselines, values, note=note, further=further)


def _oracle(official: Mapping[str, float]) -> ReportTable:
    rows = [
        [f"best {_SCORES[name].label}", f"{official[f'best_{name}']:.2f}", f"{official[f'best_{name}_thresh']:.4g}"]
        for name in ("exact", "f1")
    ]
    note = (
        "Of all questions, to be compared with scores of all questions alone. Upper bounds, not scores: the official "
        "script searches for the threshold that is best on the same answers that it evaluates. They are never below "
        "the share of questions without an answer, however bad a model is, since abstaining from all of them is one of "
        "these thresholds."
    )
    return ReportTable("Oracle", ["upper bound", "value", "at threshold"], rows, note)


def _overlap(details: QuestionAnsweringDetails) -> ReportTable:
    scores = details["overlap"]
    rows = [[OVERLAP[name][0], format(value, _SCORES[name].format_spec)] for name, value in scores.items()]
    note = (
        "Of the scored questions with an answer, each against all of its answers, in percent except the length ratio; "
        "abstaining scores 0. These metrics were designed for sentences: exact match and F1 are more meaningful for "
        "short answers.\n\n"
    )
    note += "\n".join(f"- **{OVERLAP[name][0]}**: {OVERLAP[name][1]}" for name in scores)
    return ReportTable(
        "Overlap with the answers", ["score", "value"], rows, "\n\n".join([note, *details["overlap_notes"]])
    )


def split_statistics(split: QASplit, unk_token_id: int | None, config: QAConfig, batch_size: int) -> QuestionStatistics:
    """Return counts, lengths, padding, and what was repaired, truncated or skipped of a split.

    Args:
        split: its questions and windows.
        unk_token_id: of the tokenizer; none where it has none.
        config: lengths.
        batch_size: windows in a batch.
    """
    rows, examples, windows, check = split.rows, split.examples, split.windows, split.check
    tokens = examples.tokens
    contained = np.bincount(windows.question, weights=windows.start > 0) > 0
    cut = np.bincount(windows.question, weights=windows.cuts) > 0
    total = int(tokens.question_lengths.sum()) + sum(len(values) for values in tokens.contexts["input_ids"])
    padding = padding_shares(examples.windows.lengths, config.max_length, batch_size)
    return {
        "questions": len(rows),
        "articles": len(set(split.titles) - {""}),
        "contexts": tokens.contexts.num_rows,
        "windows": len(examples),
        "without_answer": 1 - float(np.mean([bool(answers) for answers in split.references])),
        "unknown_tokens": tokens.count(unk_token_id) / max(total, 1),
        "mean_window": float(examples.windows.lengths.mean()),
        "longest_context": int(tokens.context_lengths.max()),
        "longest_question": int(tokens.question_lengths.max()),
        "questions_cut": int((tokens.question_lengths > config.max_question_length).sum()),
        "empty_contexts": int((tokens.context_lengths == 0).sum()),
        "answers_repaired": check.repaired,
        "answers_not_in_context": check.elsewhere,
        "questions_without_valid_answer": len(check.missing),
        "windows_that_cut_an_answer": int(windows.cuts.sum()),
        "answers_in_no_window": int((cut & ~contained).sum()),
        **padding,
    }


def leak_of(data: QAData) -> dict[str, dict[str, SharedTexts]]:
    """Return how many questions of the evaluated split are on a context of the train split, where that is known."""
    if data.train_split is None:
        return {}
    tokens = (split.examples.tokens for split in (data.train_split, data.validation_split))
    return {"leak": {next(iter(data.validation)): shared_contexts(*tokens)}}


def shared_contexts(train: TokenizedQuestions, validation: TokenizedQuestions) -> SharedTexts:
    """Return how many questions of the validation split are on a context of the train split; see `shared_texts`."""
    return shared_texts(_contexts(train), _contexts(validation), "questions (by their context)")


def _contexts(tokens: TokenizedQuestions) -> Iterator[bytes]:
    return (tokens.context(number).tobytes() for number in range(len(tokens)))
