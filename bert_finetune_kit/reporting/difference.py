"""The main score of a run against that of the first run, in numbers and in a sentence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .compared_run import ComparedRun, other_data, other_examples
from .direction import lower_is_better
from .formatting import format_difference, format_p_value, format_score
from .intervals import Interval, finite_interval
from .naming import capitalized
from .numbers import finite_or_none, is_finite_number
from .paired_runs import PairedScores
from .prediction_scores import Row
from .schema import RunReport, Score
from .score_kinds import kind_conflict
from .statistics.paired import LEVEL, holm

_COUNTS = ("examples", "questions", "documents", "sentences")  # of a split, with any tokenizer


@dataclass(frozen=True)
class Difference:
    """The main score of a run against that of the first run."""

    name: str
    """Of the run."""
    score: str
    """Key of the score."""
    value: float
    """Score of the run minus score of the first run, on the examples that both have scored where they are known."""
    interval: Interval | None
    """95% interval of the difference; None where one of the scores has no interval."""
    comparable: bool
    """Whether both were scored on the same data, with the same vocabulary, and mean the same."""
    p_value: float | None = None
    """Two-sided, of no difference, adjusted for the number of runs; None without the predictions of both."""
    method: str = ""
    """Of the test; empty where the intervals of both reports decide."""
    smallest: float | None = None
    """The smallest difference that a test on these examples finds in four of five cases."""
    values: tuple[float, float] | None = None
    """Scores of the first run and of this one on the examples that both have scored; None where they are not known."""
    examples: int = 0
    """That both have scored."""
    scored: tuple[int, int] = (0, 0)
    """Number of all examples of the first run and of this one."""
    only_first: int = 0
    """Examples that the first run does better; 0 in pretraining, where no example is in both."""
    only_second: int = 0
    changed: Sequence[tuple[Row, Row]] = field(default_factory=tuple, repr=False)
    """Rows of `predictions.jsonl` of both runs that differ in how good they are, the largest difference first."""
    reason: str = ""
    """Why the scores cannot be compared."""

    @property
    def is_of_part(self) -> bool:
        """Whether one of the runs has scored further examples."""
        return any(count > self.examples for count in self.scored)

    @property
    def is_beyond(self) -> bool:
        """Whether the interval of the difference excludes 0, and the test finds a difference."""
        excludes = self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]
        return self.comparable and excludes and (self.p_value is None or self.p_value < LEVEL)


def score_difference(score: Score, first: ComparedRun, second: ComparedRun, paired: PairedScores | None) -> Difference:
    """Return the difference of a score that is finite in both runs.

    Args:
        score: that is compared.
        first: run.
        second: run.
        paired: their differences on the examples that both have scored; None where they are not known.
    """
    reason = kind_conflict((first.report, second.report), (first.name, second.name), score.key)
    found = None if paired is None or reason else paired.differences.get(score.key)
    if paired is not None and found is not None and is_finite_number(found.low):
        return Difference(
            second.name, score.key, found.value, (found.low, found.high), True, found.p_value, found.method,
            found.smallest or None, paired.values.get(score.key), paired.examples, paired.scored, paired.only_first,
            paired.only_second, paired.changed,
        )  # fmt: skip
    values = [finite_or_none(run.report.result.get(score.key)) or 0.0 for run in (first, second)]
    intervals = [finite_interval(run.report.intervals.get(score.key)) for run in (first, second)]
    interval = None
    if intervals[0] and intervals[1] and not reason:
        interval = difference_interval(values[0], intervals[0], values[1], intervals[1])
    is_other = evaluation_data(first.report, score) != evaluation_data(second.report, score)
    reason = reason or other_examples(first, second, score.key) or other_data(first.report.recipe) * is_other
    return Difference(second.name, score.key, values[1] - values[0], interval, not reason, reason=reason)


def adjusted(differences: Sequence[Difference]) -> list[Difference]:
    """Return differences with the p values of several comparisons adjusted."""
    p_values = iter(holm([found.p_value for found in differences if found.p_value is not None]))
    return [found if found.p_value is None else replace(found, p_value=next(p_values)) for found in differences]


def difference_interval(first: float, first_interval: Interval, second: float, second_interval: Interval) -> Interval:
    """Return the 95% interval of second - first (Newcombe 1998, method 10, for any two intervals).

    >>> low, high = difference_interval(48 / 80, (0.4904, 0.7004), 56 / 70, (0.6920, 0.8777))
    >>> round(low, 3), round(high, 3)
    (0.053, 0.334)
    """
    value = second - first
    low = value - math.hypot(second - second_interval[0], first_interval[1] - first)
    high = value + math.hypot(second_interval[1] - second, first - first_interval[0])
    return low, high


def evaluation_data(report: RunReport, score: Score) -> dict[str, object]:
    """Return what is equal for runs that were scored on the same data: numbers of examples, finite baselines."""
    splits = {split: values for split, values in report.data.items() if split != "train"}
    counts = {f"{split} {name}": values[name] for split, values in splits.items() for name in _COUNTS if name in values}
    baselines = {name: finite_or_none(values.get(score.key)) for name, values in report.baselines.items()}
    return {**counts, **{name: round(value, 6) for name, value in baselines.items() if value is not None}}


def difference_sentence(score: Score, first: ComparedRun, second: ComparedRun, difference: Difference) -> str:
    """Return a difference in a sentence: both scores, how they differ, and whether that can be chance."""
    scores = [finite_or_none(run.report.result[score.key]) for run in (first, second)]
    on = ""
    if difference.values is not None and difference.is_of_part:
        on = part_clause(difference.examples, difference.scored, (first.name, second.name))
        scores = [*difference.values]
    values = [format_score(value, score.format_spec) for value in scores]
    text = f"{capitalized(score.label)}{on}: {second.name} {values[1]}, {first.name} {values[0]}"
    if not difference.comparable:
        return f"{text}; not comparable, since {difference.reason}."
    return text + difference_clause(difference, score, lower_is_better(first.report, score.key), first.name)


def part_clause(examples: int, scored: tuple[int, int], names: tuple[str, str]) -> str:
    """Return the clause that a comparison is of a part of the examples.

    >>> part_clause(150, (200, 1000), ("a", "b"))
    ' on the 150 examples of both (a has scored 200, b 1,000)'
    """
    return f" on the {examples:,} examples of both ({names[0]} has scored {scored[0]:,}, {names[1]} {scored[1]:,})"


def difference_clause(difference: Difference, score: Score, lower: bool | None, first: str) -> str:
    """Return the clause on a difference, which follows both scores.

    Args:
        difference: of scores that can be compared.
        score: that is compared.
        lower: whether lower is better; None where it is not known.
        first: name of the first run.
    """
    if difference.value == 0 and (difference.p_value is None or difference.interval == (0, 0)):
        return "; no difference."
    if difference.interval is None:
        return "; without intervals, the difference cannot be distinguished from chance."
    better = difference.name if (difference.value < 0) == lower else first
    verdict = "whether greater or lower is better is not known" if lower is None else f"{better} is better"
    between = " to ".join(format_difference(end, score.format_spec) for end in difference.interval)
    test = ""
    if difference.p_value is not None:
        whole = difference.examples and not difference.is_of_part
        on = f" on {difference.examples:,} examples of both" if whole else ""
        test = f"; {difference.method}{on}, p {_relation(difference.p_value)}"
    text = f"; difference {format_difference(difference.value, score.format_spec)} (95% interval {between}{test})"
    if difference.is_beyond:
        return f"{text}: significant, {verdict}."
    text += ": not significant, it may be chance."
    if difference.smallest is None:
        return text
    least = format_difference(difference.smallest, score.format_spec).lstrip("+")
    return f"{text} A difference of {least} would be found in four of five such comparisons."


def _relation(p_value: float) -> str:
    text = format_p_value(p_value)
    return text if text.startswith("<") else f"= {text}"
