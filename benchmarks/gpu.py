"""Does the kit work on this GPU, are its results right, and how fast is it? Needs no network.

    python benchmarks/gpu.py [--data FOLDER] [--minutes 7] [--device cuda|cpu]

Each check prints a line with its name and PASS, FAIL or a figure. A check that fails does not stop the others; the exit
code then is 1. The table at the end is for docs/benchmarks.md. FOLDER holds vocab.txt, sst2.parquet (columns sentence
and label), squad.json (nested, as SQuAD is published) and text.txt; by default they are made from the bundled sample.
No measurement of throughput starts after --minutes. With --device cpu the same code runs on a tiny model.
"""

import argparse
import contextlib
import copy
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import target_folder  # noqa: F401  first, since it changes where packages are found
import torch
import transformers
from gpu_setup import Checks, Interrupted, Setup, write_sample
from gpu_throughput import measure_all
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    PretrainedConfig,
    TrainerCallback,
)

from bert_finetune_kit import (
    ClassificationRecipe,
    LabelledSource,
    PretrainRecipe,
    QARecipe,
    QuestionSource,
    TextSource,
    unpad_encoder,
)

HEADS = ("BertForSequenceClassification", "BertForQuestionAnswering", "BertForMaskedLM")
ARCHITECTURES = ("distilbert", "roberta", "electra", "albert", "modernbert")
LENGTHS = [3, 17, 64, 5, 128, 90, 31, 12]
SHORT = {
    ClassificationRecipe: LabelledSource(max_train_examples=400, max_validation_examples=100),
    PretrainRecipe: TextSource(max_documents=40),
    QARecipe: QuestionSource(max_train_examples=200, max_validation_examples=100),
}


def make_batch(setup: Setup, lengths: list[int]) -> dict[str, torch.Tensor]:
    """Random sequences of two segments, padded to the longest: each tensor (batch, seq)."""
    generator, longest = torch.Generator().manual_seed(0), max(lengths)
    ids = torch.randint(1000, setup.config.vocab_size, (len(lengths), longest), generator=generator)
    mask = (torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)).long()
    segments = (torch.arange(longest) > longest // 3).long() * mask
    batch = {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": segments}
    return {name: value.to(setup.device) for name, value in batch.items()}


def logits_and_gradient(model: Any, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return logits of real tokens or of sequences, and the gradient of their mean square, flat."""
    output = model(**batch)
    logits = torch.stack(output[:2], -1) if "start_logits" in output else output.logits
    logits = logits[batch["attention_mask"].bool()] if logits.ndim == 3 else logits
    logits.float().square().mean().backward()
    gradients = [weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]
    return logits.detach(), torch.cat(gradients)


def relative_error(value: torch.Tensor, reference: torch.Tensor) -> float:
    return float((value.float() - reference.float()).norm() / reference.float().norm())


def compare_unpadded(setup: Setup, name: str, stock: Any, batch: dict[str, torch.Tensor], tolerance: float) -> None:
    """Compare logits and gradients of an unpadded encoder with those of the stock one."""
    unpadded = copy.deepcopy(stock)
    assert unpad_encoder(unpadded), "unpad_encoder refused a stock model"
    references, values = logits_and_gradient(stock, batch), logits_and_gradient(unpadded, batch)
    logits, gradient = (relative_error(*pair) for pair in zip(values, references, strict=True))
    setup.checks.record(f"error of {name}, {stock.dtype}", f"logits {logits:.1e}, gradient {gradient:.1e}")
    assert logits < tolerance, f"relative error of logits: {logits}"
    assert gradient < 10 * tolerance, f"relative error of gradients: {gradient}"


def without_dropout(config: PretrainedConfig) -> PretrainedConfig:
    config = copy.deepcopy(config)
    for name, value in vars(config).items():
        if "drop" in name and isinstance(value, float):
            setattr(config, name, 0.0)
    return config


def check_parity(setup: Setup, dtype: torch.dtype, tolerance: float) -> None:
    """Compare encoders that skip padding with stock ones: BERT with each head, others with two layers."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    batch = make_batch(setup, LENGTHS)
    for head in HEADS:
        torch.manual_seed(0)
        stock = getattr(transformers, head)(without_dropout(setup.config)).to(setup.device, dtype).train()
        compare_unpadded(setup, head, stock, batch, tolerance)
    for architecture in ARCHITECTURES:
        torch.manual_seed(0)
        width = {"hidden_size": 64, "num_attention_heads": 2} if setup.on_cpu else {}
        config = AutoConfig.for_model(architecture, num_hidden_layers=2, **width)
        stock = AutoModelForSequenceClassification.from_config(without_dropout(config)).to(setup.device, dtype).train()
        ids, mask = batch["input_ids"] % config.vocab_size, batch["attention_mask"]
        inputs = {"input_ids": ids.masked_fill(mask == 0, config.pad_token_id), "attention_mask": mask}
        compare_unpadded(setup, architecture, stock, inputs, tolerance)


def count_synchronizations(setup: Setup) -> None:
    """Count how often the CPU waits for the GPU in a forward and backward pass; best is 0."""
    model = transformers.BertForSequenceClassification(setup.config).to(setup.device, torch.bfloat16).train()
    batch, counts = make_batch(setup, [20, 7, 64, 33]), []
    for unpadded in (False, True):
        if unpadded:
            unpad_encoder(model)
        model(**batch).logits.float().sum().backward()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            model(**batch).logits.float().sum().backward()
            torch.cuda.set_sync_debug_mode("default")
        counts.append(sum("synchroniz" in str(warning.message) for warning in caught))
    setup.checks.record("synchronizations per step, stock and kit", f"{counts[0]}, {counts[1]}")


class DeviceProbe(TrainerCallback):
    """Keeps the type of the device that the model was trained on."""

    def on_train_begin(self, args, state, control, model=None, **_):
        self.device = model.device.type


def check_recipe(setup: Setup, recipe_class: Any, precision: dict[str, bool]) -> None:
    """Train a recipe as a user does, load what it saved, and predict."""
    folder, probe = setup.work / "-".join([recipe_class.name, *precision]), DeviceProbe()
    settings = setup.trainer_settings(max_steps=12, **precision)
    args = recipe_class.default_args(str(folder), model="tiny", sample=True, **settings)
    report = recipe_class(source=SHORT[recipe_class], model="tiny", args=args, callbacks=[probe]).train()
    assert report.result, "the report has no scores"
    assert probe.device == setup.device, f"trained on {probe.device}"
    if recipe_class is ClassificationRecipe:
        assert recipe_class.from_pretrained(folder).predict(["a fine day"])
    elif recipe_class is QARecipe:
        assert recipe_class.from_pretrained(folder).predict(question="Who?", context="Ann was there.")


class InterruptAt(TrainerCallback):
    """Ends a training after a step."""

    def __init__(self, step: int | None) -> None:
        self.step = step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            raise Interrupted


def check_resume(setup: Setup, precision: dict[str, bool]) -> None:
    """Compare the weights of a training that was interrupted and resumed with those of one that was not."""
    runs = [setup.work / "-".join([name, *precision]) for name in ("uninterrupted", "resumed")]

    def train(folder: Path, interrupt_at: int | None = None, resume: bool = False) -> None:
        settings = setup.trainer_settings(max_steps=16, load_best_model_at_end=False, **precision)
        settings |= {"save_strategy": "steps", "save_steps": 8}
        args = ClassificationRecipe.default_args(str(folder), model="tiny", sample=True, **settings)
        callbacks, source = [InterruptAt(interrupt_at)], SHORT[ClassificationRecipe]
        ClassificationRecipe(source=source, model="tiny", args=args, callbacks=callbacks).train(resume=resume)

    train(runs[0])
    with contextlib.suppress(Interrupted):
        train(runs[1], interrupt_at=11)
    train(runs[1], resume=True)
    weights, resumed = (load_file(run / "model.safetensors") for run in runs)
    different = [name for name in weights if not torch.equal(weights[name], resumed[name])]
    assert not different, f"weights differ: {', '.join(different)}"


def run_checks(setup: Setup) -> None:
    checks = setup.checks
    for dtype, tolerance in ((torch.float32, 1e-4), (torch.bfloat16, 2e-2)):
        with checks.check(f"parity {dtype}"):
            check_parity(setup, dtype, tolerance)
    for precision in ({}, {"bf16": True}):
        for recipe_class in (PretrainRecipe, ClassificationRecipe, QARecipe):
            with checks.check(f"recipe {recipe_class.name} {next(iter(precision), 'fp32')}"):
                check_recipe(setup, recipe_class, precision)
        with checks.check(f"exact resume {next(iter(precision), 'fp32')}"):
            check_resume(setup, precision)
    if not setup.on_cpu:
        with checks.check("synchronizations"):
            count_synchronizations(setup)
    with checks.check("throughput"):
        measure_all(setup)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of vocab.txt, sst2.parquet, squad.json and text.txt")
    parser.add_argument("--minutes", type=float, default=7)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    deadline = time.perf_counter() + 60 * options.minutes
    config = BertConfig()
    if options.device == "cpu":
        config = BertConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128)
    with tempfile.TemporaryDirectory() as work:
        data = options.data or Path(work)
        if options.data is None:
            write_sample(data)
        config.vocab_size = len((data / "vocab.txt").read_text("utf-8").splitlines())
        setup = Setup(Checks(), options.device, config, data, Path(work), deadline)
        name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
        versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
        setup.checks.record("machine", f"{name}, {versions}")
        run_checks(setup)
    print("\n| check | result |\n| --- | --- |")
    for name, value in setup.checks.results:
        print(f"| {name} | {value} |")
    sys.exit(setup.checks.failed)


if __name__ == "__main__":
    main()
