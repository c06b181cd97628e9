"""A trained model in every form that predicts: samples a second, accuracy, size, and seconds to the first answer.

    python benchmarks/exported.py --run runs/sst2 --exports runs/exports --rows 872
    python benchmarks/exported.py --run runs/squad --exports runs/exports --rows 300 --threads 2

Each form is measured in a process of its own, one after another, `--rounds` times; shown is the median. The first call
exports the run into the folder of exports, which takes minutes; later ones use what is there. All are given the same
texts in the same order: those of the validation split of the run. "stock" is the pipeline of transformers, and for
questions a loop over padded windows with the stock model; "sorted" is the same with texts of similar length in a batch.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

FORMS = ("stock", "stock sorted", "kit fp32", "kit bf16", "onnx fp32", "onnx int8", "openvino fp32", "openvino int8")
BATCHES = (1, 32)
MODEL_SUFFIXES = (".onnx", ".data", ".xml", ".bin")


def rows_of(run: str, count: int) -> list:
    """Return texts or (question, context) of the validation split of a run, and their references."""
    from bert_finetune_kit.commands.run_folder import load_recipe
    from bert_finetune_kit.export.validation import validation_data

    recipe = load_recipe(run, {"use_cpu": True})
    data = validation_data(recipe, recipe.trained(), None)
    if recipe.name == "question_answering":
        part = data.validation_split
        rows = zip(zip(part.rows["question"], part.contexts, strict=True), part.references, strict=True)
        return [[list(pair), answers] for pair, answers in list(rows)[:count]]
    (name,) = list(data.validation)[:1]
    columns = [data.validation_rows[name][column][:count] for column in data.text_columns]
    texts = columns[0] if len(columns) == 1 else [list(pair) for pair in zip(*columns, strict=True)]
    targets = data.validation[name].labels[:count]
    named = targets.tolist() if data.labels.kind == "regression" else [data.labels.names[int(n)] for n in targets]
    return [[text, target] for text, target in zip(texts, named, strict=True)]


def predictor(options: argparse.Namespace, form: str):
    """Return a function of texts and batch size that predicts in a form, and the bytes of the form."""
    import torch

    torch.set_num_threads(options.threads)
    family, _, precision = form.partition(" ")
    if family in ("onnx", "openvino"):
        from bert_finetune_kit import load_exported

        folder = Path(options.exports, f"{Path(options.run).name}-{family}-{precision}")
        model = load_exported(folder, threads=options.threads)
        size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in MODEL_SUFFIXES)
        return lambda texts, batch: model.predict(texts, batch_size=batch), size
    size = Path(options.run, "model.safetensors").stat().st_size
    if family == "kit":
        return kit_predictor(options.run, precision), size
    return stock_predictor(options.run, precision == "sorted"), size


def kit_predictor(run: str, precision: str):
    import torch

    from bert_finetune_kit.commands.run_folder import load_recipe

    recipe = load_recipe(run, {"use_cpu": True})
    if precision == "bf16":
        recipe.trained().model.to(torch.bfloat16)

    def predict(texts, batch):
        recipe.args.per_device_eval_batch_size = batch
        return recipe.predict(texts)

    return predict


def stock_predictor(run: str, in_order: bool):
    """Return the pipeline of transformers; for questions, a loop over padded windows."""
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer, pipeline

    report = json.loads(Path(run, "report.json").read_text("utf-8"))
    if report["recipe"] != "question_answering":
        classify = pipeline("text-classification", model=run, device="cpu")

        def predict(texts, batch):
            given = [{"text": text[0], "text_pair": text[1]} if isinstance(text, list) else text for text in texts]
            order = sorted(range(len(given)), key=lambda n: len(str(given[n])) if in_order else n)
            found = classify([given[number] for number in order], batch_size=batch, truncation=True)
            return [row for _, row in sorted(zip(order, found, strict=True), key=lambda pair: pair[0])]

        return predict
    model, tokenizer = AutoModelForQuestionAnswering.from_pretrained(run).eval(), AutoTokenizer.from_pretrained(run)
    lengths = report["settings"]["recipe"]

    @torch.inference_mode()
    def answer(pairs, batch):
        padding = "longest" if in_order else "max_length"
        windows = tokenizer(
            [pair[0] for pair in pairs], [pair[1] for pair in pairs], truncation="only_second",
            max_length=lengths["max_length"], stride=lengths["doc_stride"], return_overflowing_tokens=True,
        )  # fmt: skip
        order = sorted(range(len(windows["input_ids"])), key=lambda n: len(windows["input_ids"][n]) if in_order else n)
        names = ("input_ids", "attention_mask", "token_type_ids")
        for start in range(0, len(order), batch):
            rows = {name: [windows[name][n] for n in order[start : start + batch]] for name in names if name in windows}
            padded = tokenizer.pad(rows, padding=padding, max_length=lengths["max_length"], return_tensors="pt")
            model(**padded)
        return []

    return answer


def accuracy(predictions, references) -> float | None:
    """Return the share of right predictions: labels, or answers that are exactly one of the references."""
    if not predictions or isinstance(references[0], float):
        return None
    right = []
    for predicted, reference in zip(predictions, references, strict=True):
        if isinstance(predicted, dict):
            right.append(predicted["label"] == reference)
        elif hasattr(predicted, "label"):
            right.append(predicted.label == reference)
        else:
            right.append(predicted.text in reference if reference else predicted.text is None)
    return sum(right) / len(right)


def measure(options: argparse.Namespace) -> None:
    """Measure one form, and print what was found as JSON."""
    rows = json.loads(Path(options.texts).read_text("utf-8"))
    texts = [tuple(row[0]) if isinstance(row[0], list) else row[0] for row in rows]
    predict, size = predictor(options, options.form)
    predict(texts[:40], 8)
    found = {"size": size}
    for batch in BATCHES:
        if batch == 1:
            given = texts[: max(len(texts) // 4, 1)]
            began = time.perf_counter()
            predictions = [predict([text], 1) for text in given]
        else:
            given = texts
            began = time.perf_counter()
            predictions = predict(given, batch)
        found[f"batch {batch}"] = len(given) / (time.perf_counter() - began)
    found["accuracy"] = accuracy(predictions, [row[1] for row in rows])
    sys.stdout.write(json.dumps(found) + "\n")


COLD = {
    "kit": """
from bert_finetune_kit.commands.run_folder import load_recipe
model = load_recipe({run!r}, {{"use_cpu": True}})
""",
    "exported": """
from bert_finetune_kit import load_exported
model = load_exported({folder!r})
""",
}


def cold_start(options: argparse.Namespace, example) -> dict[str, float]:
    """Return seconds from the start of a process to its first answer."""
    given = [tuple(example)] if isinstance(example, list) else [example]
    found = {}
    for name, form in (("kit", ""), *(("exported", form) for form in FORMS if form.startswith(("onnx", "openvino")))):
        folder = str(Path(options.exports, f"{Path(options.run).name}-{form.replace(' ', '-')}"))
        code = COLD[name].format(run=options.run, folder=folder) + f"model.predict({given!r})"
        seconds = []
        for _ in range(options.rounds):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
        found[form or name] = statistics.median(seconds)
    return found


def export_all(options: argparse.Namespace) -> None:
    """Export the run in all forms that are not there yet."""
    for form in FORMS:
        family, _, precision = form.partition(" ")
        folder = Path(options.exports, f"{Path(options.run).name}-{family}-{precision}")
        if family not in ("onnx", "openvino") or folder.exists():
            continue
        quantize = ["--quantize", "int8"] if precision == "int8" else []
        command = [sys.executable, "-m", "bert_finetune_kit", "export", options.run, "--format", family, *quantize]
        done = subprocess.run([*command, "--output", str(folder)], check=False)
        if done.returncode:
            sys.stdout.write(f"{form} is refused, and left out\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True, help="folder of a run of classification or question answering")
    parser.add_argument("--exports", required=True, help="folder of the exported forms")
    parser.add_argument("--rows", type=int, default=872, help="of the validation split")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--forms", nargs="+", default=FORMS, choices=FORMS)
    parser.add_argument("--form", help=argparse.SUPPRESS)
    parser.add_argument("--texts", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.form:
        measure(options)
        return
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    Path(options.exports).mkdir(parents=True, exist_ok=True)
    export_all(options)
    rows = rows_of(options.run, options.rows)
    texts = Path(options.exports, "texts.json")
    texts.write_text(json.dumps(rows), "utf-8")
    lines = ["| form | samples/s, batch 1 | batch 32 | accuracy | MB |", "| --- | ---: | ---: | ---: | ---: |"]
    for form in options.forms:
        family, _, precision = form.partition(" ")
        exported = Path(options.exports, f"{Path(options.run).name}-{family}-{precision}")
        if family in ("onnx", "openvino") and not exported.exists():
            continue
        again = [sys.executable, __file__, *sys.argv[1:], "--form", form, "--texts", str(texts)]
        found = [
            json.loads(subprocess.run(again, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
            for _ in range(options.rounds)
        ]
        speed = [statistics.median(one[f"batch {batch}"] for one in found) for batch in BATCHES]
        share = "" if found[0]["accuracy"] is None else f"{found[0]['accuracy']:.4f}"
        lines.append(f"| {form} | {speed[0]:.1f} | {speed[1]:.1f} | {share} | {found[0]['size'] / 1e6:.1f} |")
        sys.stdout.write(f"{lines[-1]}\n")
    lines += ["", "| process start to first answer | seconds |", "| --- | ---: |"]
    lines += [f"| {form} | {seconds:.2f} |" for form, seconds in cold_start(options, rows[0][0]).items()]
    sys.stdout.write("\n".join(["", *lines]) + "\n")


if __name__ == "__main__":
    main()
