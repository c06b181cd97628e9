"""What a model says of a split, beside what is true: with a threshold fitted on one half and scored on the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..reporting.intervals import Interval, mean_interval, wilson
from .abstaining import fit_threshold
from .decoding import Told
from .metrics import AnswerScores, score_answers, squad_scores, with_threshold

# Where nothing can be fitted: no answer beats the best span.
EVEN = 0.5


@dataclass(frozen=True)
class Judgement:
    """Scores of a split, and when its questions go unanswered."""

    answers: AnswerScores
    """Scores of the best spans of all questions, before any threshold."""
    no_answer: np.ndarray
    """(questions,) probability of no answer."""
    threshold: float
    """Above it a question goes unanswered."""
    scored: np.ndarray
    """(questions,) bool: those whose scores are reported; the threshold was fitted on the others."""
    fit_f1: float | None = None
    """F1 in percent on the questions that the threshold was fitted on; none where nothing was fitted."""
    by: str = ""
    """What lies whole on one side, of those that it was fitted on or of those scored: articles, contexts, questions."""

    @property
    def abstains(self) -> np.ndarray:
        """(questions,) bool: whether a question goes unanswered."""
        return ~self.answers.answered | (self.no_answer > self.threshold)

    @property
    def official(self) -> dict[str, float]:
        """Figures of the official script on all questions."""
        some = not self.answers.has_answer.all()
        return squad_scores(self.answers, self.no_answer if some else None, self.threshold)

    @property
    def scores(self) -> dict[str, float]:
        """Figures of the official script on the questions that are reported, without its `best_*`."""
        scored, no_answer = self.answers.take(self.scored), self.no_answer[self.scored]
        found = squad_scores(scored, no_answer, self.threshold)
        both = found["total"] > found.get("HasAns_total", 0) > 0  # of one kind alone: as the whole
        return {
            name: value
            for name, value in found.items()
            if not name.startswith("best") and (both or not name.startswith(("HasAns", "NoAns")))
        }

    def by_question(self) -> dict[str, np.ndarray]:
        """Exact match and F1 of each question at the threshold, (questions,) from 0 to 1."""
        return {
            name: with_threshold(getattr(self.answers, name), self.answers, self.no_answer, self.threshold)
            for name in ("exact", "f1")
        }

    def intervals(self) -> dict[str, Interval]:
        """95% intervals of `scores`, in percent: Wilson's of shares, a bootstrap over the questions else."""
        kinds = {"": self.scored}
        if "HasAns_exact" in self.scores:
            has_answer = self.answers.has_answer
            kinds |= {"HasAns_": self.scored & has_answer, "NoAns_": self.scored & ~has_answer}
        values = self.by_question()
        found: dict[str, Interval] = {}
        for prefix, chosen in kinds.items():
            exact, f1 = values["exact"][chosen], values["f1"][chosen]
            found[f"{prefix}exact"] = wilson(round(exact.sum()), len(exact))
            a_share = bool(np.isin(f1, (0, 1)).all())  # as of questions without an answer always
            found[f"{prefix}f1"] = wilson(round(f1.sum()), len(f1)) if a_share else mean_interval(f1)
        return {name: (100 * low, 100 * high) for name, (low, high) in found.items()}

    @property
    def always_abstaining(self) -> float:
        """What saying "no answer" to every question scores on those that are reported, in percent."""
        return 100.0 * float((~self.answers.has_answer[self.scored]).mean())


def judge(told: Told, references: Sequence[Sequence[str]], titles: Sequence[str]) -> Judgement:
    """Score what a model says of a split, and fit when it is to abstain.

    Where all questions have answers, or all have none, nothing can be fitted, and all questions are scored: with
    answers alone every question is answered, as in SQuAD v1.1.

    Args:
        told: what the model says.
        references: answers of each question; none where there is no answer.
        titles: article of each question.
    """
    answers, no_answer = score_answers(told.texts, references), told.spans.no_answer
    everything = np.ones(len(no_answer), bool)
    if answers.has_answer.all():
        return Judgement(answers, no_answer, 1.0, everything)
    if not answers.has_answer.any():
        return Judgement(answers, no_answer, EVEN, everything)
    fitted = fit_threshold(answers, no_answer, titles, told.contexts)
    return Judgement(answers, no_answer, fitted.threshold, ~fitted.fit, fitted.f1, fitted.by)


def epoch_scores(judgement: Judgement) -> dict[str, float]:
    """Return what is shown of each evaluation during training."""
    scores = judgement.scores
    shown: dict[str, Any] = {name: scores[name] for name in ("exact", "f1", "HasAns_f1", "NoAns_f1") if name in scores}
    if judgement.fit_f1 is not None:
        shown |= {"fit_f1": judgement.fit_f1, "threshold": judgement.threshold}
        shown["best_f1"] = judgement.official["best_f1"]
    return shown
