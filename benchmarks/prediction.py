"""Predictions a second of trained models: the kit's `predict`, against transformers' pipeline and a stock loop.

    python benchmarks/prediction.py texts --model runs/sst2 --data glue/sst2/validation.parquet --text sentence
    python benchmarks/prediction.py questions --model runs/squad --data squad_v2/validation.json

Texts, `--batch_size` at a time: transformers' `pipeline`, which pads each batch in the order given; the same with the
texts sorted by length; `predict` as it is and in bfloat16. Then the first texts one at a time. All start from text and
end with labels. Questions: the loop of the example scripts, in which the stock model computes windows that are padded
to the longest, and answers are searched in its logits; and `predict`. Rounds alternate between the sides.
"""

import argparse
import time
from pathlib import Path

import torch
from qa_decoding import double_loop
from sides import compare
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, pipeline, set_seed

from bert_finetune_kit import ClassificationRecipe, QAConfig, QARecipe
from bert_finetune_kit.data.questions import load_to_evaluate
from bert_finetune_kit.data.sources import QuestionSource
from bert_finetune_kit.data.tables import open_tables


def rate(count, run):
    """Return a function that runs, and returns how many of `count` a second there were."""

    def measured() -> float:
        began = time.perf_counter()
        run()
        return count / (time.perf_counter() - began)

    return measured


def texts(options: argparse.Namespace) -> None:
    rows = open_tables(options.data).pick_first()
    given = [text.strip() for text in rows[options.text][: options.limit]]
    stock = pipeline(
        "text-classification", model=options.model, tokenizer=options.model, device="cpu",
        batch_size=options.batch_size,
    )  # fmt: skip
    settings = {"per_device_eval_batch_size": options.batch_size, "use_cpu": True}
    exact, rounded = (
        ClassificationRecipe.from_pretrained(options.model, args=settings | {"bf16_full_eval": bf16})
        for bf16 in (False, True)
    )
    ordered = sorted(given, key=len)
    labels = [[row["label"] for row in stock(given)]] + [[p.label for p in r.predict(given)] for r in (exact, rounded)]
    for name, others in zip(("predict", "predict in bfloat16"), labels[1:], strict=True):
        equal = sum(map(str.__eq__, labels[0], others))
        print(f"{name}: {equal} of {len(given)} labels are those of the pipeline")
    sides = {
        "pipeline": rate(len(given), lambda: stock(given)),
        "pipeline, texts sorted by length": rate(len(given), lambda: stock(ordered)),
        "predict": rate(len(given), lambda: exact.predict(given)),
        "predict in bfloat16": rate(len(given), lambda: rounded.predict(given)),
    }
    compare(sides, options.repeats, "texts/s", f"{len(given)} texts, {options.batch_size} at a time")
    few = given[:100]
    sides = {
        "pipeline": rate(len(few), lambda: [stock(text, batch_size=1) for text in few]),
        "predict": rate(len(few), lambda: [exact.predict(text) for text in few]),
        "predict in bfloat16": rate(len(few), lambda: [rounded.predict(text) for text in few]),
    }
    compare(sides, options.repeats, "texts/s", f"{len(few)} texts, one at a time")


def stock_answers(model, tokenizer, questions, contexts, config: QAConfig, batch_size: int):
    """Return the best span for each question, empty where the loop finds none, and the number of windows."""
    encoded = tokenizer(
        questions, contexts, max_length=config.max_length, truncation="only_second", stride=config.doc_stride,
        return_overflowing_tokens=True, return_offsets_mapping=True, padding="max_length", return_tensors="pt",
    )  # fmt: skip
    inputs = {name: encoded[name] for name in tokenizer.model_input_names if name in encoded}
    logits = []
    with torch.inference_mode():
        for first in range(0, len(encoded["input_ids"]), batch_size):
            output = model(**{name: values[first : first + batch_size] for name, values in inputs.items()})
            logits.append(torch.stack([output.start_logits, output.end_logits]))
    start, end = torch.cat(logits, 1).numpy()
    offsets = [
        [place if text == 1 else None for place, text in zip(places, encoded.sequence_ids(row), strict=True)]
        for row, places in enumerate(encoded["offset_mapping"].tolist())
    ]
    windows = type("Windows", (), {"question": encoded["overflow_to_sample_mapping"].numpy()})
    answers = double_loop(start, end, windows, offsets, contexts, config.n_best, config.max_answer_length)
    return [best[0][0] if best else "" for best, _ in answers], len(start)


def questions(options: argparse.Namespace) -> None:
    rows = load_to_evaluate(str(options.data), QuestionSource()).rows[: options.limit]
    asked, contexts = rows["question"], rows["context"]
    settings = {"per_device_eval_batch_size": options.batch_size, "use_cpu": True}
    exact, rounded = (
        QARecipe.from_pretrained(options.model, args=settings | {"bf16_full_eval": bf16}) for bf16 in (False, True)
    )
    model = AutoModelForQuestionAnswering.from_pretrained(options.model).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    stock = lambda: stock_answers(model, tokenizer, asked, contexts, exact.config, options.batch_size)  # noqa: E731
    best, count = stock()
    same = sum(a.n_best[0][0] == b for a, b in zip(exact.predict(asked, contexts), best, strict=True))
    print(f"{same} of {len(asked)} best spans are those of the stock loop")
    sides = {
        "stock loop over padded windows": rate(count, stock),
        "predict": rate(count, lambda: exact.predict(asked, contexts)),
        "predict in bfloat16": rate(count, lambda: rounded.predict(asked, contexts)),
    }
    compare(sides, options.repeats, "windows/s", f"{count} windows of {len(asked)} questions")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["texts", "questions"])
    parser.add_argument("--model", required=True, help="folder of a run")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--text", default="text", help="column of the text")
    parser.add_argument("--limit", type=int, default=872, help="texts or questions")
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    set_seed(1)
    {"texts": texts, "questions": questions}[options.kind](options)


if __name__ == "__main__":
    main()
