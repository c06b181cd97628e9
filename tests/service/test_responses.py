import json
import math

from bert_finetune_kit import Answer, Prediction
from bert_finetune_kit.service.responses import answer_fields, prediction_fields, to_json


def test_predictions():
    assert prediction_fields(Prediction("good", 0.75, {"bad": 0.25, "good": 0.75})) == {
        "label": "good", "score": 0.75, "scores": {"bad": 0.25, "good": 0.75},
    }  # fmt: skip
    assert prediction_fields(Prediction(("a", "b"), 0.5, {}))["label"] == ["a", "b"]


def test_answers():
    assert answer_fields(Answer("six", 0.7, 3, 6, 0.2, (("six", 0.7), ("at six", 0.1)))) == {
        "answer": "six", "score": 0.7, "start": 3, "end": 6, "no_answer": 0.2,
        "n_best": [{"text": "six", "score": 0.7}, {"text": "at six", "score": 0.1}],
    }  # fmt: skip


def test_json_has_no_numbers_that_it_cannot_have():
    content = {"score": math.nan, "values": (math.inf, 1.5), "text": "é😀"}
    assert json.loads(to_json(content)) == {"score": None, "values": [None, 1.5], "text": "é😀"}
