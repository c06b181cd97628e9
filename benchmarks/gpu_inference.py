"""Texts a second of the kit's `predict` against `transformers.pipeline`, on the same classifier."""

import time
from collections.abc import Callable

import torch
from datasets import load_dataset
from gpu_setup import Setup
from training_throughput import synchronize
from transformers import BertForSequenceClassification, BertTokenizer, pipeline

from bert_finetune_kit import ClassificationConfig, ClassificationRecipe

_BATCH, _LENGTH = 64, 128
_TEXTS = 8_192


def seconds_of(predict: Callable[[], object], repeats: int) -> float:
    """Return the shortest time of several, after one that sets up kernels."""
    times = []
    for _ in range(repeats + 1):
        synchronize()
        started = time.perf_counter()
        predict()
        synchronize()
        times.append(time.perf_counter() - started)
    return min(times[1:])


def measure_inference(setup: Setup, in_bf16: bool) -> None:
    """Compare the same texts in the order of the data, with batches of 64: the pipeline pads each to its longest."""
    folder = setup.work / "classifier"
    torch.manual_seed(0)
    BertForSequenceClassification(setup.config).eval().save_pretrained(folder)
    tokenizer = BertTokenizer(str(setup.data / "vocab.txt"))
    tokenizer.save_pretrained(folder)
    rows = load_dataset("parquet", data_files=str(setup.data / "sst2.parquet"), split="train")
    texts = rows["sentence"][: 200 if setup.on_cpu else _TEXTS]
    settings = setup.trainer_settings(per_device_eval_batch_size=_BATCH, bf16_full_eval=in_bf16)
    recipe = ClassificationRecipe.from_pretrained(
        folder, config=ClassificationConfig(max_length=_LENGTH),
        args=ClassificationRecipe.default_args(str(setup.work / "inference"), **settings),
    )  # fmt: skip
    stock = pipeline(
        "text-classification", model=str(folder), tokenizer=tokenizer, device=setup.device, batch_size=_BATCH,
        dtype=torch.bfloat16 if in_bf16 else torch.float32,
    )  # fmt: skip
    arguments = {"truncation": True, "max_length": _LENGTH}
    predicted = recipe.predict(texts[:64], device=setup.device)
    expected = stock(texts[:64], **arguments)
    error = max(abs(mine.score - other["score"]) for mine, other in zip(predicted, expected, strict=True))
    assert error < (3e-2 if in_bf16 else 1e-3), f"probabilities differ by {error}"
    repeats = 1 if setup.on_cpu else 3
    kit = seconds_of(lambda: recipe.predict(texts, device=setup.device), repeats)
    other = seconds_of(lambda: stock(texts, **arguments), repeats)
    setup.checks.record(
        f"inference, SST-2 in the order of the data, {'bf16' if in_bf16 else 'fp32'}",
        f"kit {len(texts) / kit:,.0f} texts/s, pipeline {len(texts) / other:,.0f}, ratio {other / kit:.2f}; "
        f"probabilities differ by {error:.0e}",
    )


def run_inference(setup: Setup) -> None:
    for in_bf16 in (False, True):
        with setup.checks.check(f"inference{', bf16' if in_bf16 else ''}"):
            measure_inference(setup, in_bf16)
