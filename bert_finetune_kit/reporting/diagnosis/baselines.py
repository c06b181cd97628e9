"""The score that a run is judged by, beside its baseline: whether it shows that anything was learnt."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..details import ClassificationDetails, question_answering_details
from ..formatting import format_interval
from ..intervals import Interval, finite_interval, fisher, wilson
from ..known_scores import known_score
from ..naming import capitalized
from ..numbers import finite_or_none
from ..plain import Plain
from ..schema import RunReport, Score
from ..tables import baseline_label
from .view import is_table, measured, scored_answers, scored_splits, setting, too_few, validation_examples

USES_CONTEXT = 0.05
"""Nats a word by which a model that uses the context must beat word frequencies; word frequencies of training and
validation text differ by less."""
# Half of the 95% interval of the perplexity of one sequence of 128 tokens, in nats; of several it is divided by the
# root of their number. Where that is not known, thirty are assumed, with which 1,520 has the interval 1,180 to 1,960.
_WIDTH_OF_SEQUENCE, _FEW_SEQUENCES = 1.4, 30
_BERT_VOCABULARY = 30_522
# The most frequent word is 7% of the words of the Brown corpus (Kučera and Francis 1967). Of word pieces of any
# language, 3% is a convention.
_MOST_FREQUENT_WORD = 0.03
_RANDOM_SPAN_F1 = 4.3  # percent, on SQuAD (Rajpurkar et al. 2016, table 5)
# Scores of a classification that every constant prediction leaves at the same value, whatever the labels' frequencies.
_FREE_OF_FREQUENCIES = ("matthews", "recall_macro", "pearson", "spearman")


@dataclass(frozen=True)
class Comparison:
    """A score beside its baseline."""

    score: Score
    value: float
    baseline_name: str
    baseline: float
    interval: Interval | None = None
    """95% interval; None where it is not known."""
    split: str = "validation"
    examples: float | None = None
    counted: str = "examples"
    further: str = ""
    """Another score that is certainly better than its baseline, in words; empty where there is none."""
    is_assumed: bool = False
    """Whether the interval is that of a usual evaluation, since that of this one is not known."""

    @property
    def is_better(self) -> bool:
        """Whether the value is better than the baseline."""
        return self.value < self.baseline if self.score.lower_is_better else self.value > self.baseline

    @property
    def is_certainly_better(self) -> bool:
        """Whether the interval lies on the better side of the baseline; without one, whether the value does."""
        low, high = self.interval or (self.value, self.value)
        return high < self.baseline if self.score.lower_is_better else low > self.baseline

    @property
    def is_certainly_worse(self) -> bool:
        """Whether the interval lies on the worse side of the baseline; without one it is not known."""
        if self.interval is None:
            return False
        return self.interval[0] > self.baseline if self.score.lower_is_better else self.interval[1] < self.baseline

    def times_more_examples(self) -> float:
        """Return how many times as many examples would show the difference, were it the true one.

        The width of an interval falls with the square root of the examples.
        """
        difference = abs(self.value - self.baseline)
        low, high = self.interval or (self.value, self.value)
        towards = (high if self.score.lower_is_better else low) - self.value
        return (towards / difference) ** 2 if difference else math.inf

    @property
    def text(self) -> str:
        """Value, interval and baseline."""
        spec = self.score.format_spec
        kind = "assumed interval" if self.is_assumed else "95% interval"
        interval = f" ({kind} {format_interval(self.interval, spec)})" if self.interval else ""
        counted = f" on {self.examples:,.0f} {self.counted} of {self.split}" if self.examples else f" on {self.split}"
        return (
            f"{capitalized(self.score.label)} {self.value:{spec}}{interval}{counted}; "
            f"{baseline_label(self.baseline_name)}: {self.baseline:{spec}}"
        )

    @property
    def numbers(self) -> dict[str, Plain]:
        """The same as data."""
        return {
            "split": self.split, "score": self.score.key, "value": self.value, "baseline": self.baseline,
            "interval": list(self.interval) if self.interval else None, "examples": self.examples,
        }  # fmt: skip


def comparisons(report: RunReport) -> Iterator[Comparison]:
    """Yield what a run is judged by: of a classification the metric of the best checkpoint on each split, the
    perplexity, F1 of the answers; of another recipe its first score that has a baseline.
    """
    by_recipe = {
        "classification": _classification, "pretraining": _pretraining, "question_answering": _question_answering
    }  # fmt: skip
    yield from by_recipe.get(report.recipe, _first_score)(report)


def _classification(report: RunReport) -> Iterator[Comparison]:
    name = str(setting(report, "best_metric", "task") or "accuracy")
    for split, details in scored_splits(report):
        chosen = [key for key in (name, "accuracy", *_FREE_OF_FREQUENCIES) if key in details["scores"]]
        compared = [_classified(report, split, details, key) for key in dict.fromkeys(chosen)]
        known = [comparison for comparison in compared if comparison is not None]
        if not known:
            continue
        further = next((one.text for one in known[1:] if one.interval is not None and one.is_certainly_better), "")
        yield replace(known[0], further=further)


def _classified(report: RunReport, split: str, details: ClassificationDetails, key: str) -> Comparison | None:
    """Return a score of a split beside its baseline; None where the score, the baseline or the direction is unknown."""
    value, baseline = finite_or_none(details["scores"].get(key)), finite_or_none(details.get("baseline", {}).get(key))
    interval, count = finite_interval(details.get("intervals", {}).get(key)), details.get("examples")
    if baseline is None and key in _FREE_OF_FREQUENCIES and key != "recall_macro":
        baseline = 0.0
    if interval is None and value is not None and count:
        interval = _by_formula(key, value, count)
    if value is None or baseline is None or known_score("classification", key).lower_is_better is None:
        return None
    if (interval is None and too_few(count)) or (key.startswith("recall") and baseline == 1):
        return None  # a constant prediction has the greatest recall, with which nothing can be shown
    is_regression = setting(report, "kind", "task") == "regression" or key in ("pearson", "spearman")
    name = "mean" if is_regression else "majority"
    return Comparison(known_score("classification", key), value, name, baseline, interval, split, count)


def _by_formula(key: str, value: float, count: int) -> Interval | None:
    """Return the interval of a share or a correlation by its value alone; None for other scores."""
    if key == "accuracy":
        return wilson(round(value * count), count)
    return fisher(value, count) if key in ("matthews", "pearson", "spearman") and count > 3 else None


def _pretraining(report: RunReport) -> Iterator[Comparison]:
    """Yield the perplexity beside that of word frequencies; of a table, the accuracy beside the most frequent word."""
    yield from _perplexities(report)
    accuracy, count = measured(report, "mlm_accuracy"), validation_examples(report)
    if accuracy is not None and is_table(report) and not too_few(count):
        score = known_score("pretraining", "mlm_accuracy")
        yield Comparison(score, accuracy, "most_frequent_word", _MOST_FREQUENT_WORD, examples=count)


def _perplexities(report: RunReport) -> Iterator[Comparison]:
    value = measured(report, "perplexity")
    unigram = finite_or_none(report.baselines.get("unigram", {}).get("perplexity"))
    unigram = measured(report, "unigram_perplexity") if unigram is None else unigram
    uniform = measured(report, "vocab_size") if unigram is None else None
    name, baseline = ("unigram", unigram) if unigram is not None else ("uniform", uniform)
    interval, count = finite_interval(report.intervals.get("perplexity")), validation_examples(report)
    if value is None or (interval is None and too_few(count)):
        return
    score = known_score("pretraining", "perplexity")
    if baseline is not None:
        assumed = interval is None
        if interval is None:
            width = max(USES_CONTEXT, _WIDTH_OF_SEQUENCE / math.sqrt(count or _FEW_SEQUENCES))
            interval = value * math.exp(-width), value * math.exp(width)
        yield Comparison(score, value, name, baseline, interval, examples=count, is_assumed=assumed)
    if unigram is None and is_table(report):
        expected = zipf_perplexity(int(uniform or _BERT_VOCABULARY))
        yield Comparison(score, value, "Zipf_unigram", expected, examples=count)


def zipf_perplexity(vocabulary: int) -> float:
    """Return the perplexity of word frequencies where they follow Zipf's law: that of rank r is proportional to 1 / r.

    >>> round(zipf_perplexity(30_522))
    1440
    """
    shares = 1 / np.arange(1, max(vocabulary, 1) + 1)
    shares /= shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _question_answering(report: RunReport) -> Iterator[Comparison]:
    """Yield F1 beside always abstaining, unless the model never abstains, which is a finding of its own; and F1 of the
    best spans, before any threshold, beside that of random spans.
    """
    scores = scored_answers(report)
    value, total = finite_or_none(scores.get("f1")), finite_or_none(scores.get("total"))
    without = finite_or_none(scores.get("NoAns_total")) or 0.0
    no_answer = finite_or_none(scores.get("NoAns_f1"))
    f1 = known_score("question_answering", "f1")
    if value is not None and total and 0 < without < total and no_answer != 0 and not too_few(total):
        interval = finite_interval(report.intervals.get("f1"))
        if interval is None:
            interval = _in_percent(wilson(round(value / 100 * total), int(total)))
        baseline = finite_or_none(question_answering_details(report.details).get("no_answer_baseline"))
        baseline = 100 * without / total if baseline is None else baseline
        yield Comparison(f1, value, "always_abstain", baseline, interval, examples=total, counted="questions")
    answers, random = measured(report, "answers_f1"), measured(report, "random_span_f1")
    if answers is None and is_table(report):
        yield from _answers_of_table(scores)
    bounds, count = report.evidence.get("answers_f1_interval"), measured(report, "answers_scored")
    if answers is not None and random is not None and not too_few(count):
        interval = finite_interval(bounds)
        score = Score("answers_f1", "F1 of the best spans", ".2f", "of answerable questions, before any threshold")
        yield Comparison(
            score, answers, "random_span", random, interval, examples=count, counted="answerable questions"
        )


def _answers_of_table(scores: Mapping[str, object]) -> Iterator[Comparison]:
    """Yield F1 of the answerable questions of a table beside that of random spans on SQuAD."""
    no_questions = not finite_or_none(scores.get("NoAns_total")) and scores.get("NoAns_f1") is None
    key = "HasAns_f1" if "HasAns_f1" in scores else "f1" if no_questions else None
    value, total = (finite_or_none(scores.get(name or "")) for name in (key, (key or "").replace("f1", "total")))
    if key is None or value is None or too_few(total):
        return
    interval = _in_percent(wilson(round(value / 100 * total), int(total))) if total else None
    score = known_score("question_answering", key)
    yield Comparison(score, value, "random_span", _RANDOM_SPAN_F1, interval, examples=total, counted="questions")


def _in_percent(interval: Interval) -> Interval:
    return 100 * interval[0], 100 * interval[1]


def _first_score(report: RunReport) -> Iterator[Comparison]:
    for score in report.glossary:
        for name, scores in report.baselines.items():
            value, baseline = finite_or_none(report.result.get(score.key)), finite_or_none(scores.get(score.key))
            if value is None or baseline is None or score.lower_is_better is None:
                continue
            interval = finite_interval(report.intervals.get(score.key))
            yield Comparison(score, value, name, baseline, interval, examples=validation_examples(report))
            return
