"""The numbers behind the tables of a report (`RunReport.details`), as typed dictionaries.

The slice of a recipe fills them in; keys that a run has no value for are absent.
"""

from collections.abc import Mapping
from typing import TypedDict, cast

from .intervals import Interval

# Details of predicted probabilities


class ReliabilityBin(TypedDict):
    """Predictions whose confidence lies in [low, high); of bins of equal mass in [low, high]."""

    low: float
    high: float
    count: int
    confidence: float
    """Mean confidence."""
    accuracy: float


class Reliability(TypedDict):
    """Confidence against accuracy."""

    bins: list[ReliabilityBin]
    calibration_error: float


class Judgement(TypedDict):
    """What confidences are worth."""

    calibration_error: float
    """Expected calibration error over bins of equal mass."""
    by_chance: float
    """95th percentile of the calibration error of a calibrated model with these confidences."""
    nll: float
    """Mean negative log-likelihood in nats."""
    brier: float
    """Mean squared error of the probabilities (Brier 1950)."""
    bins: list[ReliabilityBin]


class CalibrationDetails(TypedDict):
    """Probabilities before and after calibration, on examples that it was not fitted on."""

    temperatures: dict[str, float]
    """What logits are divided by: `labels`, each label by its name, `answers` or `no_answer`."""
    reasons: dict[str, str]
    """Why a temperature is 1 where none could be fitted, or that it is at a limit, by the same names."""
    fitted_on: int
    """Examples of the other half; 0 where the calibration was given with the model."""
    judged_on: int
    """Examples."""
    before: Judgement
    after: Judgement


class RiskCoverage(TypedDict):
    """How often the surest predictions are wrong, on examples that nothing was fitted on."""

    coverage: list[float]
    """Share of the predictions that are kept, rising to 1."""
    risk: list[float]
    """Share of these that is wrong."""
    area: float
    """Mean risk over all coverages."""
    predictions: int


class LabelSetDetails(TypedDict):
    """Sets of labels that are to hold the true one (split conformal prediction)."""

    level: float
    """Share of the sets that are to hold the true label."""
    lowest_probability: float
    """Probability from which on a label is in a set."""
    covered: float
    """Share of the sets that hold the true label, of examples that nothing was fitted on."""
    interval: Interval
    """95%, of this share."""
    sizes: list[int]
    """Number of sets of 0, 1, 2, … labels."""


# Details of a classification


class LabelScores(TypedDict):
    """Scores of one label; None where they are undefined."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: float
    """Examples that have the label."""
    predicted: float
    """Examples that it was predicted for."""


class ClassificationError(TypedDict, total=False):
    """A wrong prediction: label names (several joined by commas), or numbers of a regression."""

    row: int
    """Number of the example in its split."""
    texts: list[str]
    true: str | float
    predicted: str | float
    probability: float
    """Of the wrong prediction."""
    absolute_error: float
    """Of a regression."""


class PredictedAgainstTrue(TypedDict, total=False):
    """Values of a regression: `points` of few examples, or else the number of examples in each cell of a grid."""

    points: list[tuple[float, float]]
    """(true, predicted) of each example."""
    edges: list[float]
    """Of the cells, on both axes."""
    counts: list[list[int]]
    """(true, predicted) cell."""


class ClassificationDetails(TypedDict, total=False):
    """Results on one split (`details[split]`)."""

    examples: int
    scores: dict[str, float]
    intervals: dict[str, Interval]
    interval_note: str
    """What the intervals are over where that is not the examples; absent in older reports."""
    baseline: dict[str, float]
    """Scores of the best constant prediction: the most frequent label of the split, of F1, precision and recall always
    the second one; or the mean of the training targets."""
    by_label: dict[str, LabelScores]
    confusion: list[list[int]]
    """(true label, predicted label) of a task with one label an example."""
    reliability: Reliability
    calibration: CalibrationDetails
    risk_coverage: RiskCoverage
    label_sets: LabelSetDetails
    """Of a task with one label an example."""
    predicted_against_true: PredictedAgainstTrue
    """Of a regression."""
    worst_errors: list[ClassificationError]


# Details of question answering, all scores in percent


class GroupScores(TypedDict):
    """Scores of a group of questions."""

    questions: int
    exact: float
    f1: float
    answered: float


class NoAnswerHistogram(TypedDict):
    """Questions by the predicted probability of no answer."""

    edges: list[float]
    answerable: list[int]
    unanswerable: list[int]
    threshold: float


class AnswerError(TypedDict):
    """A wrong answer."""

    kind: str
    id: str
    question: str
    answers: list[str]
    prediction: str
    """Empty for no answer."""
    probability: float
    """Of the prediction."""
    context: str


class QuestionAnsweringDetails(TypedDict, total=False):
    """Results on the validation split (`details`)."""

    scores: dict[str, float]
    """Figures of the official script on the scored questions: the half that no threshold was fitted on, or all."""
    intervals: dict[str, Interval]
    interval_note: str
    """What the intervals are over; absent in older reports."""
    no_answer_baseline: float
    """Exact match and F1 of always abstaining, on the scored questions."""
    official: dict[str, float]
    """Figures of the official script on all questions, with its `best_*`."""
    threshold: float
    """Probability of no answer above which the model abstains."""
    fitted: bool
    """Whether the threshold was fitted on a part of these questions."""
    given: bool
    """Whether the threshold was given with the model, and all questions are scored; absent in older reports."""
    split_by: str
    """What was kept together in the split for the threshold: articles, contexts or questions."""
    abstained: float
    """Percentage of the scored questions without a prediction."""
    overlap: dict[str, float]
    """METEOR, BLEU and ROUGE."""
    overlap_notes: list[str]
    groups: dict[str, dict[str, GroupScores]]
    """Kind of group → group → scores."""
    worst_errors: list[AnswerError]
    no_answer_histogram: NoAnswerHistogram
    calibration: CalibrationDetails
    """Of the answers and abstentions: their probability of being exactly right."""
    no_answer_calibration: CalibrationDetails
    """Of the probability of no answer."""
    risk_coverage: RiskCoverage
    non_finite_windows: int
    answers_not_in_context: dict[str, list[str]]
    """Ids of questions by split."""


def classification_details(details: Mapping[str, object]) -> dict[str, ClassificationDetails]:
    """Return the details of a classification: the splits that have scores, by name."""
    splits = {split: part for split, part in details.items() if isinstance(part, dict) and "scores" in part}
    return cast("dict[str, ClassificationDetails]", splits)


def question_answering_details(details: Mapping[str, object]) -> QuestionAnsweringDetails:
    """Return the details of question answering."""
    return cast(QuestionAnsweringDetails, details)
