"""Training samples per second of the kit and of the stock Trainer, as gpu.py measures them."""

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import transformers
from gpu_setup import Interrupted, Setup
from torch.autograd import DeviceType
from training_throughput import (
    document_example,
    needed_products,
    products_per_second,
    question_example,
    synchronize,
    text_example,
)
from transformers import (
    BertConfig,
    BertTokenizer,
    DataCollatorForLanguageModeling,
    DataCollatorWithPadding,
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
from bert_finetune_kit.training.sampling import EpochSampler


def recipe_of_sentences(data: Path, length: int, **settings: Any) -> ClassificationRecipe:
    task = ClassificationTask("sst2_check", text="sentence", label="label")
    config = ClassificationConfig(max_length=length)
    return ClassificationRecipe(task, str(data / "sst2.parquet"), config=config, **settings)


def recipe_of_questions(data: Path, length: int, **settings: Any) -> QARecipe:
    return QARecipe(str(data / "squad.json"), config=QAConfig(max_length=length), **settings)


def recipe_of_text(data: Path, length: int, **settings: Any) -> PretrainRecipe:
    return PretrainRecipe(
        str(data / "text.txt"), config=PretrainConfig(max_length=length, objective="none"), **settings
    )


def recipe_of_pairs(data: Path, length: int, **settings: Any) -> PretrainRecipe:
    return PretrainRecipe(str(data / "text.txt"), config=PretrainConfig(max_length=length), **settings)


def pair_example(example: dict[str, Any]) -> dict[str, Any]:
    return document_example(example) | {"next_sentence_label": int(example["next_sentence_label"])}


@dataclass(frozen=True)
class Workload:
    """What is trained, and how the stock side trains it."""

    name: str
    length: int
    batch: int
    head: str
    recipe: Callable[..., Any]
    stock_example: Callable[[dict[str, Any]], dict[str, Any]]
    """An example of the kit → one of the stock collators."""
    compiled_steps: tuple[int, int] = (75, 135)
    """Those to time where the kit is compiled, once most shapes have been seen."""

    @property
    def masks(self) -> bool:
        return self.recipe in (recipe_of_text, recipe_of_pairs)


WORKLOADS = (
    Workload("SST-2", 128, 32, "BertForSequenceClassification", recipe_of_sentences, text_example),
    Workload("SST-2", 128, 256, "BertForSequenceClassification", recipe_of_sentences, text_example),
    Workload("SQuAD", 384, 32, "BertForQuestionAnswering", recipe_of_questions, question_example),
    Workload("MLM", 512, 64, "BertForMaskedLM", recipe_of_text, document_example, (20, 70)),
    Workload("MLM+NSP", 128, 256, "BertForPreTraining", recipe_of_pairs, pair_example, (20, 70)),
)


_TRACED = 5  # steps
_WORKERS = 4


class StepTimer(TrainerCallback):
    """Times the steps of a training from `first` to `last`, traces a few more on a GPU, and then ends it."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.on_gpu = torch.cuda.is_available()
        self.profile = torch.profiler.profile()
        self.kernels, self.busy = 0, math.nan
        """Kernels of a step, and the share of a step in which they run."""

    @property
    def steps(self) -> int:
        """Steps to train."""
        return self.last + _TRACED

    def on_train_begin(self, args, state, control, **_):
        self.began = time.perf_counter()

    def on_step_begin(self, args, state, control, train_dataloader=None, **_):
        if state.global_step == self.first:
            self.warming = time.perf_counter() - self.began
            self.dataset = train_dataloader.dataset
            synchronize()
            if self.on_gpu:
                torch.cuda.reset_peak_memory_stats()
            self.started = time.perf_counter()
        elif state.global_step == self.last:
            synchronize()
            seconds = (time.perf_counter() - self.started) / (self.last - self.first)
            self.seconds, self.samples_per_second = seconds, args.per_device_train_batch_size / seconds
            self.gigabytes = torch.cuda.max_memory_allocated() / 1e9 if self.on_gpu else 0.0
            if not self.on_gpu:
                raise Interrupted
            self.profile.start()

    def on_train_end(self, args, state, control, **_):
        synchronize()
        self.profile.stop()
        events = [event for event in self.profile.events() if event.device_type == DeviceType.CUDA]
        kernels = [event for event in events if not event.is_user_annotation]
        self.kernels = len(kernels) // _TRACED
        self.busy = sum(event.time_range.elapsed_us() for event in kernels) / 1e6 / _TRACED / self.seconds
        raise Interrupted  # nothing needs to be evaluated or saved

    def table(self) -> str:
        """What the traced steps took, by operation and kernel."""
        averages = self.profile.key_averages()
        of_device, of_host = (
            averages.table(sort_by=f"self_{kind}_time_total", row_limit=60, max_name_column_width=90)
            for kind in ("cuda", "cpu")
        )
        return f"{of_device}\n{of_host}"


WITH_GRAPHS = "reduce-overhead"
SST_2, LARGE_SST_2, _, TEXT, PAIRS = WORKLOADS
COMPILED = (
    (LARGE_SST_2, "default"), (LARGE_SST_2, WITH_GRAPHS), (PAIRS, WITH_GRAPHS), (SST_2, WITH_GRAPHS),
    (TEXT, WITH_GRAPHS),
)  # fmt: skip


def measure_throughput(setup: Setup, workload: Workload, model: Path, peak: float, compiled: str | None = None) -> None:
    """Compare samples per second of the kit and of the stock Trainer (SDPA, dynamic padding), bf16, same examples.

    With the mode of `torch.compile` in `compiled`, the kit alone is measured.
    """
    steps = (15, 75) if compiled is None else workload.compiled_steps
    (first, last), batch = ((1, 3), 4) if setup.on_cpu else (steps, workload.batch)
    kit, stock = StepTimer(first, last), StepTimer(first, last)
    settings = setup.trainer_settings(
        per_device_train_batch_size=batch, max_steps=kit.steps, learning_rate=2e-5, bf16=True, logging_steps=10**6,
        disable_tqdm=True, dataloader_num_workers=_WORKERS,
    )  # fmt: skip
    folder = setup.work / f"{workload.name}-{batch}"
    kit_settings = settings
    torch.compiler.reset()
    if compiled is not None:
        kit_settings = settings | {"torch_compile": True, "torch_compile_mode": compiled}
    if compiled and setup.on_cpu:
        kit_settings |= {"torch_compile_backend": "eager", "torch_compile_mode": None}
    args = TrainingArguments(f"{folder}-kit{'-compiled' if compiled else ''}", **kit_settings)
    with contextlib.suppress(Interrupted):
        workload.recipe(setup.data, workload.length, model=str(model), args=args, callbacks=[kit]).train()
    keys = islice(EpochSampler(len(kit.dataset), args.seed, 1), batch * kit.steps)  # what the kit has trained on
    examples = [kit.dataset[key] for key in keys]
    rows = [workload.stock_example(example) for example in examples]
    lengths = [len(row["input_ids"]) for row in rows]
    products = needed_products(setup.config, lengths, 0.15 * sum(lengths) if workload.masks else 0.0) / len(lengths)
    speed, mean = kit.samples_per_second, sum(lengths) / len(lengths)
    name = f"{workload.name}, {workload.length}, batch {workload.batch}"
    figures = (
        f"{speed * mean:,.0f} real tokens/s (mean {mean:.0f}), MFU of real tokens {speed * products / peak:.1%}, "
        f"{kit.kernels:,} kernels a step, GPU busy {kit.busy:.0%}"
    )
    if compiled:
        memory = f"memory {kit.gigabytes:.2f} GB, {first} steps before took {kit.warming:.0f} s"
        setup.checks.record(f"{name}, compiled, {compiled}", f"kit {speed:,.1f} samples/s, {figures}, {memory}")
        setup.write_table(f"{folder.name}-compiled, {compiled}", kit.table)
        return
    setup.write_table(f"{folder.name}-kit", kit.table)
    tokenizer = BertTokenizer.from_pretrained(model)
    collator = (DataCollatorForLanguageModeling if workload.masks else DataCollatorWithPadding)(tokenizer)
    with contextlib.suppress(Interrupted):
        Trainer(
            model=getattr(transformers, workload.head).from_pretrained(model), train_dataset=rows, callbacks=[stock],
            args=TrainingArguments(f"{folder}-stock", **settings, remove_unused_columns=False), data_collator=collator,
        ).train()  # fmt: skip
    setup.checks.record(
        name,
        f"kit {speed:,.1f} samples/s, stock {stock.samples_per_second:,.1f}, "
        f"ratio {speed / stock.samples_per_second:.2f}, {figures} (stock {stock.kernels:,}, {stock.busy:.0%}), "
        f"memory {kit.gigabytes:.2f} and {stock.gigabytes:.2f} GB",
    )
    setup.write_table(f"{folder.name}-stock", stock.table)


def prepare_model(setup: Setup) -> tuple[Path, float]:
    """Return the folder of a checkpoint with random weights, and multiply-adds a second of a plain matrix product."""
    model = setup.work / "model"
    if not model.exists():
        transformers.BertForPreTraining(setup.config).save_pretrained(model)
        BertTokenizer(str(setup.data / "vocab.txt")).save_pretrained(model)
    peak = products_per_second(torch.bfloat16)
    setup.checks.record("matrix product, bf16", f"{2e-12 * peak:,.2f} TFLOP/s")
    return model, peak


def measure_all(setup: Setup, workloads: Sequence[tuple[Workload, str | None]]) -> None:
    """Measure every workload that starts before the deadline, from one checkpoint with random weights."""
    model, peak = prepare_model(setup)
    for workload, compiled in workloads:
        name = f"throughput {workload.name}, batch {workload.batch}{f', compiled, {compiled}' if compiled else ''}"
        if setup.is_over:
            setup.checks.record(name, "not measured: time limit reached")
            continue
        with setup.checks.check(name):
            measure_throughput(setup, workload, model, peak, compiled)


def run_throughput(setup: Setup) -> None:
    measure_all(setup, [(workload, None) for workload in WORKLOADS])


def run_compiled(setup: Setup) -> None:
    """The kit with `torch_compile=True`, which small batches, bound by launches, gain most from."""
    measure_all(setup, COMPILED)


def run_large(setup: Setup) -> None:
    """Masked words with BERT-large, in half of the batch."""
    config = setup.config
    if not setup.on_cpu:
        large = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
        config = BertConfig(vocab_size=config.vocab_size, **large)
    folder = setup.work / "large"
    folder.mkdir()
    half = replace(TEXT, name="BERT-large, MLM", batch=TEXT.batch // 2)
    measure_all(replace(setup, config=config, work=folder), [(half, None)])
