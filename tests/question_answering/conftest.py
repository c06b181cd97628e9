"""What the tests of evaluation, breakdown, report and prediction files share: a model whose predictions are known."""

from types import SimpleNamespace

import numpy as np
import pytest
from datasets import Dataset

from bert_finetune_kit.question_answering.answers import AnswerCheck
from bert_finetune_kit.question_answering.data import QASplit
from bert_finetune_kit.question_answering.evaluation import details_of, evaluate_predictions
from bert_finetune_kit.question_answering.predictions import SpanPredictions
from bert_finetune_kit.question_answering.question_spans import QuestionSpans

COUNT = 400
CONTEXT = "The mill of Ghent opens at six ."


class ToyQuestions:
    """Questions on one context, in articles of ten, of which some have the answer "six"."""

    context = CONTEXT

    def __init__(self, has_answer):
        self.has_answer = has_answer
        self.titles = [f"article {number // 10}" for number in range(COUNT)]
        answers = [
            {"text": ["six", "at six"], "answer_start": [27, 24]} if answerable else {"text": [], "answer_start": []}
            for answerable in self.has_answer
        ]
        self.rows = Dataset.from_dict(
            {
                "id": list(map(str, range(COUNT))), "title": self.titles, "context": [CONTEXT] * COUNT,
                "question": np.where(self.has_answer, "When does it open ?", "Who is the miller ?").tolist(),
                "answers": answers,
            }
        )  # fmt: skip
        self.references = [answer["text"] for answer in answers]

    def predict(self, null, start=27, end=30):
        """Return predictions of a span with score 0 and of "mill" with -1, beside scores `null` of no answer."""
        tokens = np.zeros((COUNT, 2), int)
        spans = QuestionSpans(np.tile([0.0, -1.0], (COUNT, 1)), tokens, tokens, np.broadcast_to(null, COUNT) * 1.0)
        return SpanPredictions([CONTEXT] * COUNT, spans, tokens + np.array([start, 4]), tokens + np.array([end, 8]))

    def evaluate(self, predictions):
        return evaluate_predictions(predictions, self.references, self.titles)

    def details(self, predictions):
        split = QASplit(self.rows, None, None, AnswerCheck())
        data = SimpleNamespace(train_split=split, validation_split=split)
        return details_of(data, predictions, self.evaluate(predictions))


@pytest.fixture(scope="session")
def toy():
    """400 questions, about 60% of them with an answer."""
    return ToyQuestions(np.random.default_rng(3).random(COUNT) < 0.6)


@pytest.fixture(scope="session")
def answerable_toy():
    """400 questions with an answer, as in SQuAD v1.1."""
    return ToyQuestions(np.ones(COUNT, bool))


@pytest.fixture(scope="session")
def unanswerable_toy():
    """400 questions without an answer."""
    return ToyQuestions(np.zeros(COUNT, bool))
