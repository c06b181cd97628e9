"""Published results beside the scores of a run, each with a verdict."""

from collections.abc import Mapping, Sequence

from ..tasks.task import Published
from .formatting import format_interval, format_score
from .intervals import Interval
from .numbers import finite_or_none
from .schema import ReportTable, Score

# A convention: models of the same kind with another vocabulary or head differ by less than a quarter.
_SAME_SIZE = 1.25
# An interval that is wider than half of what lies between baseline and published value holds half-learnt models, too.
_WIDE = 0.5


def verdict(
    value: float,
    interval: Interval | None,
    result: Published,
    split: str,
    examples: int,
    parameters: int,
    baseline: float = 0.0,
) -> str:
    """Return what a score says of a published value: reproduced, below, above, too few examples to tell, or not
    comparable and why.

    Args:
        value: that is published.
        interval: 95%, of the score here; none where there is none.
        result: that has the value.
        split: that was scored here.
        examples: their number.
        parameters: of the model here.
        baseline: what the score is without a model.

    >>> result = Published("BERT-base", {"accuracy": 0.923}, 108_310_272, {"validation": 872})
    >>> verdict(0.923, (0.91, 0.94), result, "validation", 872, 109_482_240)
    'reproduced'
    >>> verdict(0.923, (0.87, 0.91), result, "validation", 872, 22_713_216)
    'not comparable: 108 M parameters, here 23 M'
    >>> result = Published("BERT-base", {"accuracy": 0.923}, 108_310_272)
    >>> verdict(0.923, (0.71, 0.94), result, "validation", 40, 109_482_240, baseline=0.509)
    'too few examples to tell'
    """
    why = _why_not(interval, result, split, examples, parameters)
    if why or interval is None:
        return f"not comparable: {why}"
    low, high = interval
    if low <= value <= high and high - low > _WIDE * abs(value - baseline):
        return "too few examples to tell"
    found = "reproduced" if low <= value <= high else "below" if high < value else "above"
    return found if result.parameters else f"{found}; how large that model is is not given"


def _why_not(interval: Interval | None, result: Published, split: str, examples: int, parameters: int) -> str:
    """Return why a result is not comparable; an empty text where it is."""
    if result.caveat:
        return result.caveat
    if result.examples and split not in result.examples:
        return f"of the {' and '.join(result.examples)} split, here {split}"
    if result.examples and result.examples[split] != examples:
        return f"of {result.examples[split]:,} examples, here {examples:,}"
    if result.parameters and not 1 / _SAME_SIZE <= parameters / result.parameters <= _SAME_SIZE:
        return f"{_millions(result.parameters)} M parameters, here {_millions(parameters)} M"
    return "the score here has no interval" if interval is None else ""


def published_table(
    results: Sequence[Published],
    scores: Sequence[Score],
    values: Mapping[str, float],
    intervals: Mapping[str, Interval],
    *,
    split: str,
    examples: int,
    parameters: int,
    baselines: Mapping[str, float],
    title: str,
    prefix: str = "",
) -> ReportTable | None:
    """Return published results with their verdicts, a row a score; none where there are none of these scores.

    Args:
        results: of the task.
        scores: in the order to show them.
        values: of the run, by key.
        intervals: of these, by key.
        split: that was scored.
        examples: their number.
        parameters: of the model.
        baselines: of the scores, by key.
        title: of the table.
        prefix: of published keys, where there are several splits.
    """
    rows = [
        [
            result.source, "" if result.parameters is None else f"{_millions(result.parameters)} M", score.label,
            format_score(result.scores[prefix + score.key], score.format_spec),
            f"{format_score(values[score.key], score.format_spec)} ({interval})" if interval else
            format_score(values[score.key], score.format_spec),
            verdict(
                result.scores[prefix + score.key], intervals.get(score.key), result, split, examples, parameters,
                finite_or_none(baselines.get(score.key)) or 0.0,
            ),
        ]
        for result in results
        for score in scores
        if prefix + score.key in result.scores and score.key in values
        for interval in [format_interval(intervals.get(score.key), score.format_spec)]
    ]  # fmt: skip
    note = (
        f"*Reproduced*: the published value lies within the 95% interval of this model of {_millions(parameters)} M "
        "parameters; *below* and *above*: this model is worse or better. *Too few examples to tell*: the interval is "
        "wider than half of what lies between the baseline and the published value. *Not comparable*: another split, "
        "number of examples, size or way of scoring."
    )
    header = ["published result", "parameters", "score", "published", "here", "verdict"]
    return ReportTable(title, header, rows, note) if rows else None


def _millions(count: int) -> str:
    return f"{count / 1e6:.0f}" if count >= 1e7 else f"{count / 1e6:.1f}"
