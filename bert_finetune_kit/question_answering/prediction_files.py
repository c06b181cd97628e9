"""What a model says of a split as files, in the formats of the official scripts."""

import json
from collections.abc import Sequence
from pathlib import Path

from .decoding import Told
from .judging import Judgement

FOLDER = "predictions"


def write_predictions(told: Told, judgement: Judgement, ids: Sequence[str], folder: str | Path) -> None:
    """Write four files into `folder`/predictions.

    - `predictions.json`: the answer to each question by id, empty for no answer: what `evaluate-v2.0.py` and
      `evaluate-v1.1.py` take.
    - `best_spans.json` and `na_prob.json`: the best span of each question whatever the threshold, and its probability
      of no answer. `evaluate-v2.0.py DATA best_spans.json --na-prob-file na_prob.json --na-prob-thresh THRESHOLD`
      prints the figures of the report, the oracle `best_*` among them.
    - `nbest_predictions.json`: by id a list of `text` and `probability`, no answer (empty) among them.
    """
    texts, abstains = told.texts, judgement.abstains.tolist()
    probabilities = told.spans.probabilities()
    lists = {}
    for number, one in enumerate(ids):
        spans = [(told.text(number, place), value) for place, value in enumerate(probabilities[number, :-1]) if value]
        spans.append(("", probabilities[number, -1]))
        spans.sort(key=lambda span: -span[1])
        lists[one] = [{"text": text, "probability": round(float(value), 6)} for text, value in spans]
    said = ["" if silent else text for text, silent in zip(texts, abstains, strict=True)]
    target = Path(folder) / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    files = {
        "predictions.json": dict(zip(ids, said, strict=True)),
        "best_spans.json": dict(zip(ids, texts, strict=True)),
        "na_prob.json": dict(zip(ids, judgement.no_answer.tolist(), strict=True)),
        "nbest_predictions.json": lists,
    }
    for name, content in files.items():
        (target / name).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
