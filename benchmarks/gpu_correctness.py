"""Are logits, gradients and dropout of encoders that skip padding right on this GPU, and does a step wait for it?"""

import copy
import math
import warnings
from typing import Any

import torch
import transformers
from gpu_setup import Setup
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PretrainedConfig,
    TrainerCallback,
)

from bert_finetune_kit import ClassificationRecipe, PretrainRecipe, QARecipe, unpad_encoder
from bert_finetune_kit.modeling.attention import attend, variable_length_kernel
from bert_finetune_kit.modeling.attention_parts import plan_attention, wide_blocks
from bert_finetune_kit.modeling.unpadding import with_packing

HEADS = ("BertForSequenceClassification", "BertForQuestionAnswering", "BertForMaskedLM")
ARCHITECTURES = ("distilbert", "roberta", "electra", "albert", "modernbert")
LENGTHS = [3, 17, 64, 5, 128, 90, 31, 12]
ATTENTION_TOLERANCES = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}
RECIPES = (ClassificationRecipe, QARecipe, PretrainRecipe)
_SEEDS = 200
WAITED = "called a synchronizing"  # in the warning of torch; another one says that its debug mode is a prototype


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


def run_parity(setup: Setup) -> None:
    for dtype, tolerance in ((torch.float32, 1e-4), (torch.bfloat16, 2e-2)):
        with setup.checks.check(f"parity {dtype}"):
            check_parity(setup, dtype, tolerance)


def plan(setup: Setup, lengths: list[int]) -> list[Any]:
    return [part.moved(setup.move) for part in plan_attention(lengths, setup.device)]


def check_attention(setup: Setup, dtype: torch.dtype, window: int | None) -> None:
    """Compare the path that is chosen, and the blocks, with blocks in 64 bits: outputs and gradients."""
    generator = torch.Generator(setup.device).manual_seed(0)
    shape = (1, 4, sum(LENGTHS), 64)
    states = [torch.randn(shape, device=setup.device, dtype=dtype, generator=generator) for _ in range(3)]
    chosen, [blocks] = plan(setup, sorted(LENGTHS)), [wide_blocks(sorted(LENGTHS)).moved(setup.move)]
    sliding_window = None if window is None else window + 1
    results = []
    for bits, parts in ((torch.float64, [blocks]), (dtype, chosen), (dtype, [blocks])):
        inputs = [tensor.to(bits).requires_grad_() for tensor in states]
        output = attend(None, *inputs, None, sliding_window=sliding_window, parts=parts)[0]
        gradients = torch.autograd.grad(output.double().sin().sum(), inputs)
        results.append([output, *gradients])
    kernel = variable_length_kernel(states[0][0].transpose(0, 1), window)
    for name, values in zip((getattr(kernel, "func", kernel), "blocks"), results[1:], strict=True):
        path = getattr(name, "__name__", "blocks")
        errors = [relative_error(*pair) for pair in zip(values, results[0], strict=True)]
        setup.checks.record(f"attention {dtype}, window {window}, {path}", f"error {max(errors):.1e}")
        assert max(errors) < 2 * ATTENTION_TOLERANCES[dtype], f"{path}: relative error {max(errors)}"


def check_dropout(setup: Setup, dtype: torch.dtype, rate: float = 0.25) -> None:
    """Measure the share of attention weights that are dropped, and how they are related between heads and sequences.

    With values of 1, and queries of 0, each output is the share of the weights that were kept, over 1 - rate: its mean
    is 1, and its variance is that of independent draws.
    """
    length, count = 64, 8
    query = torch.zeros(1, 4, length * count, 64, device=setup.device, dtype=dtype)
    value = torch.ones_like(query)
    parts = plan(setup, [length] * count)
    outputs = []
    for seed in range(20 if setup.on_cpu else _SEEDS):
        torch.manual_seed(seed)
        outputs.append(attend(None, query, query, value, None, dropout=rate, parts=parts)[0][..., 0].double())
    kept = torch.stack(outputs)  # (seeds, 1, tokens, heads)
    torch.manual_seed(0)
    again = attend(None, query, query, value, None, dropout=rate, parts=parts)[0][..., 0].double()
    assert torch.equal(again, kept[0]), "the same seed drops other weights"
    expected = rate / (1 - rate) / length  # variance of an output
    error, standard_error = float((kept.mean() - 1).abs()), math.sqrt(expected / kept.numel())
    ratio = float(kept.var()) / expected
    by_head = torch.corrcoef(kept.permute(3, 0, 1, 2).flatten(1).float())
    by_sequence = torch.corrcoef(kept.unflatten(2, (count, length)).permute(2, 0, 1, 3, 4).flatten(1).float())
    chance = 6 / math.sqrt(kept.numel() / count)  # of a correlation, six standard errors
    related = max(
        float((matrix - torch.eye(len(matrix), device=matrix.device)).abs().max()) for matrix in (by_head, by_sequence)
    )
    setup.checks.record(
        f"dropout {dtype}, rate {rate}",
        f"mean off by {error:.1e} (standard error {standard_error:.1e}), variance {ratio:.3f} of independent draws, "
        f"correlation up to {related:.3f}",
    )
    assert error < 5 * standard_error + torch.finfo(dtype).eps, "the rate is another one"
    assert abs(ratio - 1) < 0.1, "weights are not dropped independently"
    assert related < chance, "heads or sequences drop the same weights"


def check_repetition(setup: Setup, dtype: torch.dtype) -> None:
    """Count in how many of nine repetitions the gradient of sequences of up to 512 tokens differs in any bit."""
    lengths = [9, 30, 51] if setup.on_cpu else [90, 300, 512]
    generator = torch.Generator(setup.device).manual_seed(0)
    shape = (1, 12, sum(lengths), 64)
    states = [torch.randn(shape, device=setup.device, dtype=dtype, generator=generator) for _ in range(3)]
    parts = plan(setup, lengths)
    counts = []
    try:
        for deterministic in (False, True):
            torch.use_deterministic_algorithms(deterministic)  # as `full_determinism` of TrainingArguments
            gradients = [attention_gradient(states, parts) for _ in range(10)]
            counts.append(sum(not torch.equal(gradient, gradients[0]) for gradient in gradients[1:]))
    finally:
        torch.use_deterministic_algorithms(False)
    setup.checks.record(
        f"gradients of attention {dtype} that differ in nine repetitions, also with deterministic algorithms",
        f"{counts[0]}, {counts[1]}",
    )


def attention_gradient(states: list[torch.Tensor], parts: list[Any]) -> torch.Tensor:
    """Return the gradients of query, key and value, flat, with the same dropout in each call."""
    torch.manual_seed(0)
    inputs = [tensor.clone().requires_grad_() for tensor in states]
    output = attend(None, *inputs, None, dropout=0.1, parts=parts)[0]
    return torch.cat([gradient.flatten() for gradient in torch.autograd.grad(output.float().sin().sum(), inputs)])


def run_attention(setup: Setup) -> None:
    for dtype in ATTENTION_TOLERANCES:
        with setup.checks.check(f"repetition {dtype}"):
            check_repetition(setup, dtype)
        for window in (None, 5):
            with setup.checks.check(f"attention {dtype}, window {window}"):
                check_attention(setup, dtype, window)
        with setup.checks.check(f"dropout {dtype}"):
            check_dropout(setup, dtype)


class Synchronizations(TrainerCallback):
    """Counts how often the CPU waits for the GPU between the beginnings of two steps of a training."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.places: list[str] = []

    def on_step_begin(self, args, state, control, **_):
        if state.global_step == self.first:
            self.caught = warnings.catch_warnings(record=True)
            self.warned = self.caught.__enter__()
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
        elif state.global_step == self.last:
            torch.cuda.set_sync_debug_mode("default")
            self.caught.__exit__(None, None, None)
            waits = [warning for warning in self.warned if WAITED in str(warning.message)]
            self.places = [f"{warning.filename.split('/')[-1]}:{warning.lineno}" for warning in waits]

    @property
    def a_step(self) -> float:
        return len(self.places) / (self.last - self.first)


def count_synchronizations(setup: Setup) -> None:
    """Count how often the CPU waits for the GPU: in a forward and backward pass, and in a step of a training.

    The kit is to wait neither for its own sake nor for the Trainer's: 0 of each.
    """
    model = transformers.BertForSequenceClassification(setup.config).to(setup.device, torch.bfloat16).train()
    in_memory = {name: value.cpu() for name, value in make_batch(setup, [20, 7, 64, 33]).items()}
    counts = []
    for unpadded in (False, True):
        if unpadded:
            unpad_encoder(model)
        batch = with_packing(lambda _: in_memory, model, setup.device)([])
        batch = {name: value.to(setup.device) for name, value in batch.items()}
        model(**batch).logits.float().sum().backward()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                model(**batch).logits.float().sum().backward()
            finally:
                torch.cuda.set_sync_debug_mode("default")
        counts.append(sum(WAITED in str(warning.message) for warning in caught))
    setup.checks.record("synchronizations of a forward and backward, stock and kit", f"{counts[0]}, {counts[1]}")
    assert counts[1] == 0, "the kit waits for the GPU in a forward or backward"


def count_in_a_training(setup: Setup, recipe_class: Any = ClassificationRecipe) -> None:
    """Count them in whole steps: data, loss, clipping, optimizer."""
    counter = Synchronizations(4, 12)
    settings = setup.trainer_settings(max_steps=14, bf16=True, logging_steps=10**6, logging_first_step=False)
    folder = setup.work / f"waits-{recipe_class.name}"
    args = recipe_class.default_args(str(folder), model="tiny", sample=True, **settings)
    recipe_class(model="tiny", args=args, callbacks=[counter]).train()
    places = f" ({', '.join(sorted(set(counter.places)))})" if counter.places else ""
    setup.checks.record(f"synchronizations of a step, {recipe_class.name}", f"{counter.a_step:.1f}{places}")
    assert not counter.places, f"a step of the kit waits for the GPU{places}"


def run_synchronizations(setup: Setup) -> None:
    if setup.on_cpu:
        setup.checks.record("synchronizations", "needs a GPU")
        return
    with setup.checks.check("synchronizations of a forward and backward"):
        count_synchronizations(setup)
    for recipe_class in RECIPES:
        with setup.checks.check(f"synchronizations of a step, {recipe_class.name}"):
            count_in_a_training(setup, recipe_class)
