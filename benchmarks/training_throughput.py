"""Training samples a second: the kit against the stock Trainer, same weights, same examples, same batch size.

    python benchmarks/training_throughput.py --recipe classification --train GLUE/sst2/train.parquet --model FOLDER
    python benchmarks/training_throughput.py --recipe question_answering --train train-v2.0.json --model FOLDER
    python benchmarks/training_throughput.py --recipe pretraining --train text.txt --model FOLDER
    python benchmarks/training_throughput.py --train GLUE/sst2/train.parquet --model BERT ROBERTA DISTILBERT

The stock sides are the plain `Trainer` with the stock head and the usual collators, as in the example scripts of
transformers: padded to the longest length, padded to the longest of a random batch, and of a batch of similar lengths.
Each side of each model trains once over the same examples in turn, `--repeats` times, from the first step to the last.
"Of peak" is the arithmetic that is really needed (multiply-adds of real tokens and masked positions, thrice those of
the forward) over time, as a share of what a plain matrix product reaches in the same run.
"""

import argparse
import copy
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate.state import AcceleratorState
from rich.console import Console
from rich.table import Table
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorWithPadding,
    PretrainedConfig,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationRecipe,
    ClassificationTask,
    PretrainConfig,
    PretrainRecipe,
    QAConfig,
    QARecipe,
)
from bert_finetune_kit.modeling.architecture import takes_token_types
from bert_finetune_kit.training.session import Phase


@dataclass(frozen=True)
class Work:
    """What is trained, and how the stock side trains it."""

    length: int
    batch: int
    steps: int
    recipe: Callable[..., Any]
    stock: Callable[[dict[str, Any]], dict[str, Any]]
    """An example of the kit → one of the stock collators."""


def recipe_of_texts(options: argparse.Namespace, **settings: Any) -> ClassificationRecipe:
    task = ClassificationTask("benchmark", text=options.text, label=options.label)
    return ClassificationRecipe(task, options.train, config=ClassificationConfig(max_length=options.length), **settings)


def recipe_of_questions(options: argparse.Namespace, **settings: Any) -> QARecipe:
    return QARecipe(options.train, config=QAConfig(max_length=options.length), **settings)


def recipe_of_documents(options: argparse.Namespace, **settings: Any) -> PretrainRecipe:
    config = PretrainConfig(max_length=options.length, objective="none")
    return PretrainRecipe(options.train, config=config, tokenizer=options.tokenizer, **settings)


def text_example(example: dict[str, Any]) -> dict[str, Any]:
    return {"input_ids": example["windows"][0][0].tolist(), "labels": int(example["label"])}


def question_example(example: dict[str, Any]) -> dict[str, Any]:
    tokens, first = len(example["input_ids"]), example["context_start"]
    return {
        "input_ids": example["input_ids"].tolist(),
        "token_type_ids": [0] * first + [1] * (tokens - first),
        "start_positions": example["start_position"],
        "end_positions": example["end_position"],
    }


def document_example(example: dict[str, Any]) -> dict[str, Any]:
    return {name: list(map(int, example[name])) for name in ("input_ids", "token_type_ids") if name in example}


WORKS = {
    "classification": Work(128, 32, 60, recipe_of_texts, text_example),
    "question_answering": Work(384, 8, 30, recipe_of_questions, question_example),
    "pretraining": Work(128, 8, 40, recipe_of_documents, document_example),
}


class Stopwatch(TrainerCallback):
    """Times a training."""

    def on_train_begin(self, args, state, control, **_):
        synchronize()
        self.started = time.perf_counter()

    def on_train_end(self, args, state, control, **_):
        synchronize()
        self.seconds = time.perf_counter() - self.started


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def peak_memory() -> float:
    """Largest memory that this process, or the GPU, has held so far, in MB."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def products_per_second(dtype: torch.dtype) -> float:
    """Multiply-adds a second of a plain matrix product."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = 8192 if device == "cuda" else 2048
    left, right = torch.randn(2, size, size, device=device).to(dtype)
    best = 0.0
    for _ in range(5):
        synchronize()
        began = time.perf_counter()
        left @ right
        synchronize()
        best = max(best, size**3 / (time.perf_counter() - began))
    return best


def needed_products(config: PretrainedConfig, lengths: list[int], predictions: float) -> float:
    """Multiply-adds of a training step's three passes over sequences, and over the positions of the MLM head."""
    hidden, layers = config.hidden_size, config.num_hidden_layers
    intermediate = getattr(config, "intermediate_size", None) or config.hidden_dim  # DistilBERT's name
    dense = layers * (4 * hidden**2 + 2 * hidden * intermediate)
    encoder = sum(length * dense + layers * 2 * length**2 * hidden for length in lengths)
    return 3 * (encoder + predictions * (hidden**2 + hidden * config.vocab_size))


@dataclass(frozen=True)
class Model:
    """A model to train, and the examples that all sides train it on."""

    name: str
    config: PretrainedConfig
    lengths: list[int]
    sides: dict[str, Callable[[], float]]
    """Side → samples a second of a training."""


def prepare(options: argparse.Namespace, work: Work, model: str) -> Model:
    """Load a model and the examples of a training."""
    shared = {
        "output_dir": tempfile.mkdtemp(), "per_device_train_batch_size": options.batch, "num_train_epochs": 1,
        "eval_strategy": "no", "save_strategy": "no", "logging_steps": 999, "disable_tqdm": True, "report_to": "none",
        "learning_rate": 5e-5, "use_cpu": not torch.cuda.is_available(),
    }  # fmt: skip
    recipe = work.recipe(options, model=model, args=TrainingArguments(**shared))
    prepared = recipe.prepare()
    tokenizer, stock_model = prepared.data.tokenizer, prepared.model
    keys = list(recipe.build_trainer(prepared).train_sampler())[: options.steps * options.batch]
    stock_examples = [work.stock(prepared.data.train[key]) for key in keys]
    if not takes_token_types(stock_model.config):
        stock_examples = [{k: v for k, v in example.items() if k != "token_type_ids"} for example in stock_examples]
    pad = DataCollatorWithPadding(tokenizer)
    full = DataCollatorWithPadding(tokenizer, padding="max_length", max_length=options.length)
    masks = DataCollatorForLanguageModeling(tokenizer)
    config = copy.deepcopy(stock_model.config)
    config._attn_implementation = "sdpa"

    def stock(collator: Any, grouped: bool = False) -> float:
        AcceleratorState._reset_state(True)
        model = type(stock_model)(config)  # the kit's encoder is inside of a stock head
        model.load_state_dict(stock_model.state_dict())
        watch = Stopwatch()
        args = TrainingArguments(**shared, train_sampling_strategy="group_by_length" if grouped else "random")
        Trainer(
            model=model, args=args, data_collator=collator, train_dataset=stock_examples,
            processing_class=tokenizer, callbacks=[watch],
        ).train()  # fmt: skip
        return len(keys) / watch.seconds

    def kit(bf16: bool) -> float:
        AcceleratorState._reset_state(True)
        watch = Stopwatch()
        recipe.callbacks = [watch]
        args = TrainingArguments(**shared, bf16=bf16)
        args.max_steps = options.steps
        copied = replace(prepared, built=copy.deepcopy(prepared.built))  # the model and the forward that selects in it
        recipe.build_trainer(copied, Phase(prepared.data, args)).train()
        return len(keys) / watch.seconds

    if options.recipe == "pretraining":
        sides = {"stock, as run_mlm": partial(stock, masks)}
    else:
        sides = {
            f"stock, padded to {options.length}": partial(stock, full),
            "stock, dynamic padding": partial(stock, pad),
            "stock, grouped by length": partial(stock, pad, grouped=True),
        }
    sides["the kit, fp32"] = partial(kit, bf16=False)
    if options.bf16:
        sides["the kit, bf16"] = partial(kit, bf16=True)
    lengths = [len(example["input_ids"]) for example in stock_examples]
    return Model(Path(model).name, config, lengths, sides)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=WORKS, default="classification")
    parser.add_argument("--train", required=True)
    parser.add_argument("--model", required=True, nargs="+", help="checkpoints, or sizes by name")
    parser.add_argument("--tokenizer", help="where the checkpoint has none")
    parser.add_argument("--text", default="sentence", help="column of the text (classification)")
    parser.add_argument("--label", default="label", help="column of the label (classification)")
    for name in ("length", "batch", "steps"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bf16", action="store_true", help="a side of the kit in bf16, too")
    parser.add_argument("--side", help="run this side alone (part of its name), once, and print its peak memory")
    options = parser.parse_args()
    for name in ("length", "batch", "steps"):
        setattr(options, name, getattr(options, name) or getattr(WORKS[options.recipe], name))
    return options


def print_table(options: argparse.Namespace, model: Model, results: dict[str, list[float]], peaks: dict) -> None:
    """Print the medians of a model's sides, their ratios, and the share of a plain matrix product."""
    predictions = 0.15 * sum(model.lengths) if options.recipe == "pretraining" else 0.0
    products = needed_products(model.config, model.lengths, predictions) / len(model.lengths)
    title = f"{model.name}, {options.recipe}: {options.length} tokens, batch {options.batch}"
    table = Table(title=f"{title}, {len(model.lengths):,} samples")
    for column in ("", "samples/s", "least to most", *(f"× {name}" for name in list(model.sides)[:-1]), "of peak"):
        table.add_column(column, justify="right" if column else "left")
    medians = {name: statistics.median(values) for name, values in results.items()}
    for name, values in results.items():
        peak = max(peaks["bf16" if "bf16" in name else "fp32"])
        ratios = [f"{medians[name] / medians[other]:.2f}" for other in list(model.sides)[:-1]]
        spread = f"{min(values):,.1f} to {max(values):,.1f}"
        table.add_row(name, f"{medians[name]:,.1f}", spread, *ratios, f"{medians[name] * products / peak:.0%}")
    Console(width=150).print(table)
    real = sum(model.lengths) / (len(model.lengths) * options.length)
    print(f"{real:.1%} of the places of a padded batch are real tokens")


def main() -> None:
    options = parse_options()
    models = [prepare(options, WORKS[options.recipe], model) for model in options.model]
    if options.side:
        name = next(name for name in models[0].sides if options.side in name)
        before, speed = peak_memory(), models[0].sides[name]()
        print(f"{name}: {speed:,.1f} samples/s, {before:,.0f} MB before and {peak_memory():,.0f} MB at the peak")
        return
    results: list[dict[str, list[float]]] = [{name: [] for name in model.sides} for model in models]
    peaks = {"fp32": [products_per_second(torch.float32)], "bf16": [products_per_second(torch.bfloat16)]}
    for number in range(options.repeats):
        for model, measured in zip(models, results, strict=True):
            for name, run in model.sides.items():
                measured[name].append(run())
                line = f"round {number + 1} of {options.repeats} · {model.name} · {name}: {measured[name][-1]:,.1f}"
                print(f"{line} samples/s", flush=True)
        for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
            peaks[name].append(products_per_second(dtype))
    for model, measured in zip(models, results, strict=True):
        print_table(options, model, measured, peaks)
    print(f"A plain product reaches {2e-9 * max(peaks['fp32']):,.0f} GFLOP/s in fp32 and "
          f"{2e-9 * max(peaks['bf16']):,.0f} in bf16")  # fmt: skip


if __name__ == "__main__":
    main()
