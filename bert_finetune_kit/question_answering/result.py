"""What a split scores, and when the model abstains."""

from dataclasses import dataclass

import numpy as np

from ..reporting.intervals import Interval
from ..reporting.statistics.clusters import Units, single_units
from .intervals import score_intervals
from .metrics import AnswerScores, squad_scores, with_threshold

_EPOCH_SCORES = ("exact", "f1", "HasAns_f1", "NoAns_f1")


@dataclass(frozen=True)
class EvalResult:
    """Scores of a split, and when the model abstains."""

    answers: AnswerScores
    """Scores of the best spans of all questions, before any threshold."""
    no_answer: np.ndarray
    """(questions,) probability of no answer."""
    threshold: float
    """Above it the model abstains."""
    scored: np.ndarray
    """(questions,) bool: those whose scores are reported; a threshold was fitted on the rest."""
    fit_f1: float | None = None
    """F1 in percent on the questions that the threshold was fitted on; none where nothing was fitted."""
    split_by: str = ""
    """What was kept together in the split for the threshold: articles, contexts, questions."""
    is_given: bool = False
    """Whether the threshold was given with the model, and not fitted on these questions."""
    units: Units | None = None
    """Of the questions that are independent of each other; None where all of them are."""

    @property
    def abstains(self) -> np.ndarray:
        """(questions,) bool: whether the model abstains from a question."""
        return ~self.answers.answered | (self.no_answer > self.threshold)

    @property
    def official(self) -> dict[str, float]:
        """Figures of the official script on all questions."""
        abstaining = self.is_given or not self.answers.has_answer.all()
        return squad_scores(self.answers, self.no_answer if abstaining else None, self.threshold)

    @property
    def scores(self) -> dict[str, float]:
        """Figures of the official script on the scored questions, without its `best_*`."""
        answers, no_answer = self.answers.take(self.scored), self.no_answer[self.scored]
        figures = squad_scores(answers, no_answer, self.threshold)
        both_kinds = figures["total"] > figures.get("HasAns_total", 0) > 0  # else they equal those of the total
        return {
            name: value
            for name, value in figures.items()
            if not name.startswith("best") and (both_kinds or not name.startswith(("HasAns", "NoAns")))
        }

    def by_question(self) -> dict[str, np.ndarray]:
        """Exact match and F1 of each question at the threshold, (questions,) from 0 to 1."""
        return {
            name: with_threshold(getattr(self.answers, name), self.answers, self.no_answer, self.threshold)
            for name in ("exact", "f1")
        }

    def intervals(self) -> dict[str, Interval]:
        """95% intervals of `scores` in percent; see `score_intervals`."""
        kinds = {"": self.scored}
        if "HasAns_exact" in self.scores:
            has_answer = self.answers.has_answer
            kinds |= {"HasAns_": self.scored & has_answer, "NoAns_": self.scored & ~has_answer}
        return score_intervals(self.by_question(), kinds, self.units or single_units(len(self.scored)))

    @property
    def is_mixed(self) -> bool:
        """Whether there are questions with an answer and questions without."""
        return bool(self.answers.has_answer.any() and not self.answers.has_answer.all())

    @property
    def no_answer_baseline(self) -> float:
        """Exact match and F1 in percent of abstaining from every scored question."""
        return 100.0 * float((~self.answers.has_answer[self.scored]).mean())

    def epoch_scores(self) -> dict[str, float]:
        """Return the scores to show of each evaluation during training."""
        scores = self.scores
        shown = {name: scores[name] for name in _EPOCH_SCORES if name in scores}
        shown |= {} if self.fit_f1 is None else {"fit_f1": self.fit_f1}
        if self.is_mixed:
            scored = squad_scores(self.answers.take(self.scored), self.no_answer[self.scored], self.threshold)
            shown |= {"threshold": self.threshold, "best_f1": scored["best_f1"]}  # of the same questions as F1
        return shown
