"""From logits to answers: windows a second of the kit, against the classic double loop in Python.

    python benchmarks/qa_decoding.py

Both sides start from the logits of all windows, and end with the answer to each question, the n best spans of
characters with their probabilities, and the probability of no answer. The double loop is that of the example scripts:
for each window it takes the `n_best` starts and ends, tries every pair, keeps a dict of each valid one, sorts, reads
the texts and normalises; the kit keeps spans in arrays and reads the texts that are asked for. Both sides must give the
same n best texts and probabilities.
"""

import argparse
import time

import numpy as np
import torch
from datasets import Dataset
from sides import compare

from bert_finetune_kit import QAConfig
from bert_finetune_kit.data.sequences import SequenceFormat
from bert_finetune_kit.question_answering.predictions import decode
from bert_finetune_kit.question_answering.question_spans import WindowSpans
from bert_finetune_kit.question_answering.spans import best_spans
from bert_finetune_kit.question_answering.tokens import TokenizedQuestions
from bert_finetune_kit.question_answering.windows import build_windows

QUESTION_LENGTH = 12  # tokens of a question


def double_loop(start, end, windows, offsets, contexts, n_best, longest):
    """Return of each question the n best answers as (text, probability), and the probability of no answer."""
    rows_of = {}
    for row, question in enumerate(windows.question.tolist()):
        rows_of.setdefault(question, []).append(row)
    answers = []
    for question, context in enumerate(contexts):
        candidates, null = [], None
        for row in rows_of[question]:
            starts, ends, places = start[row], end[row], offsets[row]
            score = starts[0] + ends[0]
            if null is None or score < null:
                null = score
            start_indexes = np.argsort(starts)[-1 : -n_best - 1 : -1].tolist()
            end_indexes = np.argsort(ends)[-1 : -n_best - 1 : -1].tolist()
            for first in start_indexes:
                for last in end_indexes:
                    if first >= len(places) or last >= len(places) or places[first] is None or places[last] is None:
                        continue
                    if last < first or last - first + 1 > longest:
                        continue
                    candidates.append(
                        {
                            "offsets": (places[first][0], places[last][1]),
                            "score": starts[first] + ends[last],
                            "start_logit": starts[first],
                            "end_logit": ends[last],
                        }
                    )
        kept = []
        for span in sorted(candidates, key=lambda candidate: candidate["score"], reverse=True):
            if span["offsets"] not in {better["offsets"] for better in kept}:  # two windows may share it
                kept.append(span)
            if len(kept) == n_best:
                break
        for span in kept:
            span["text"] = context[span["offsets"][0] : span["offsets"][1]]
        scores = np.array([*(span["score"] for span in kept), null])
        shares = np.exp(scores - scores.max())
        shares = shares / shares.sum()
        for span, share in zip(kept, shares, strict=False):
            span["probability"] = share
        answers.append(([(span["text"], float(span["probability"])) for span in kept], float(shares[-1])))
    return answers


def kit(start, end, windows, tokens, contexts, n_best, longest, batch=64):
    """Return the same by the kit, in batches as in an evaluation."""
    inside = torch.arange(start.shape[1]) >= QUESTION_LENGTH + 2
    last = torch.from_numpy(windows.question_length + windows.length + 2)
    parts = []
    for rows in (slice(first, first + batch) for first in range(0, len(start), batch)):
        mask = inside & (torch.arange(start.shape[1]) < last[rows, None])
        parts.append(best_spans(start[rows], end[rows], mask, n_best, longest))
    spans = WindowSpans(*(torch.cat(values).numpy() for values in zip(*parts, strict=True)))
    predictions = decode(spans, windows, tokens, contexts)
    return predictions, predictions.texts, predictions.spans.probabilities()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--context", type=int, default=500, help="tokens of a context; more than 369 give two windows")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    config = QAConfig()
    rng = np.random.default_rng(0)
    count, length = options.questions, options.context
    contexts = [" ".join(rng.choice(["mill", "town", "six", "river"], length)) for _ in range(count)]
    places = [[(0, 0)] * 0 for _ in range(count)]
    for number, context in enumerate(contexts):
        begin = 0
        for word in context.split():
            places[number].append((begin, begin + len(word)))
            begin += len(word) + 1
    ids = Dataset.from_dict({"input_ids": [[1] * QUESTION_LENGTH] * count})
    columns = {"input_ids": [[1] * length] * count}
    columns |= {
        name: [[pair[side] for pair in spans] for spans in places] for side, name in enumerate(("starts", "ends"))
    }
    tokens = TokenizedQuestions(ids, Dataset.from_dict(columns), np.arange(count))
    windows = build_windows(tokens, config, SequenceFormat((2,), (3,), (3,), (0, 0, 1)))
    offsets = [
        [None] * (QUESTION_LENGTH + 2) + places[question][first : first + size] + [None]
        for question, first, size in zip(windows.question, windows.first_token, windows.length, strict=True)
    ]
    for kind in ("random", "peaked"):
        start, end = rng.normal(size=(2, len(windows), config.max_length)).astype(np.float32)
        if kind == "peaked":
            place = rng.integers(20, windows.lengths.min() - 20, len(windows))
            for logits, shift in ((start, 0), (end, 3)):
                for near in range(5):
                    logits[np.arange(len(windows)), place + shift + near] += 12 - 2 * near
        for row, size in enumerate(windows.lengths):
            start[row, size:] = end[row, size:] = -1e4  # padding
        tensors = torch.from_numpy(start), torch.from_numpy(end)
        settings = (config.n_best, config.max_answer_length)
        results = {}

        def classic(start=start, end=end, settings=settings, results=results) -> float:
            began = time.perf_counter()
            results["classic"] = double_loop(start, end, windows, offsets, contexts, *settings)
            return len(windows) / (time.perf_counter() - began)

        def by_kit(tensors=tensors, settings=settings, results=results) -> float:
            began = time.perf_counter()
            results["kit"] = kit(*tensors, windows, tokens, contexts, *settings)
            return len(windows) / (time.perf_counter() - began)

        compare({"double loop": classic, "the kit": by_kit}, options.repeats, "windows/s", f"{kind} logits")
        spans, texts, shares = results["kit"]
        same = sum(
            best[0][0] == texts[number]
            and [text for text, _ in best] == [spans.text(number, place) for place in range(config.n_best)]
            and np.allclose([*(share for _, share in best), none], shares[number], atol=1e-5)
            for number, (best, none) in enumerate(results["classic"])
        )
        print(f"the same n best answers and probabilities to {same:,} of {count:,} questions")


if __name__ == "__main__":
    main()
