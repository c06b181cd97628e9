"""From logits to answers: windows a second of the kit's search, against the classic double loop in Python.

    python benchmarks/answers.py

The double loop takes the `n_best` starts and ends of each window and tries every pair, as scripts for SQuAD do. Both
sides must find the same best span of every window.
"""

import argparse
import time

import numpy as np
import torch
from sides import compare

from bert_finetune_kit.question_answering.postprocess import best_spans


def double_loop(start, end, context, n_best, longest):
    """Return the best span of each window as (start, end), (-1, -1) where there is none."""
    best = []
    for starts, ends, inside in zip(start, end, context, strict=True):
        found = []
        start_indexes = np.argsort(starts)[-1 : -n_best - 1 : -1].tolist()
        end_indexes = np.argsort(ends)[-1 : -n_best - 1 : -1].tolist()
        for one in start_indexes:
            for other in end_indexes:
                if not inside[one] or not inside[other] or other < one or other - one + 1 > longest:
                    continue
                found.append((starts[one] + ends[other], one, other))
        found.sort(key=lambda span: span[0], reverse=True)
        best.append(found[0][1:] if found else (-1, -1))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=1000)
    parser.add_argument("--length", type=int, default=384)
    parser.add_argument("--n_best", type=int, default=20)
    parser.add_argument("--max_answer_length", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    for kind in ("random", "peaked"):
        rng = np.random.default_rng(0)
        start, end = rng.normal(size=(2, options.windows, options.length)).astype(np.float32)
        context = np.zeros(start.shape, bool)
        context[:, 16:-1] = True
        if kind == "peaked":
            place = rng.integers(20, options.length - 40, options.windows)
            for logits, shift in ((start, 0), (end, 3)):
                for near in range(5):
                    logits[np.arange(options.windows), place + shift + near] += 12 - 2 * near
        tensors = tuple(map(torch.from_numpy, (start, end, context)))
        settings = (options.n_best, options.max_answer_length)
        told: dict[str, list[tuple[int, int]]] = {}

        def loop(start=start, end=end, context=context, settings=settings, told=told) -> float:
            began = time.perf_counter()
            told["loop"] = double_loop(start, end, context, *settings)
            return options.windows / (time.perf_counter() - began)

        def kit(tensors=tensors, settings=settings, told=told) -> float:
            began = time.perf_counter()
            for _ in range(10):
                scores, starts, ends, _ = best_spans(*tensors, *settings)
            seconds = (time.perf_counter() - began) / 10
            found = torch.stack([starts[:, 0], ends[:, 0]], 1).masked_fill(~scores[:, :1].isfinite(), -1)
            told["kit"] = [tuple(span) for span in found.tolist()]
            return options.windows / seconds

        compare({"double loop": loop, "the kit": kit}, options.repeats, "windows/s", f"{kind} logits")
        same = sum(one == other for one, other in zip(told["loop"], told["kit"], strict=True))
        print(f"the same span in {same:,} of {options.windows:,} windows")


if __name__ == "__main__":
    main()
