"""Every head of the recipes with a batch of its collator, computed without values: `FakeTensorMode` has shapes alone.

What needs the values of tensors raises there (`nonzero`, `tolist`, `item`): on a GPU it would wait for all that was
started before. `python heads.py` computes all heads as on a GPU, by fake CUDA tensors, which can end a process.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import torch
from small_recipes import small_config
from torch.overrides import TorchFunctionMode
from transformers import BertForMaskedLM, BertForPreTraining

from bert_finetune_kit import ClassificationRecipe, PretrainRecipe, QARecipe, train_wordpiece
from bert_finetune_kit.classification.collator import DataCollatorForClassification
from bert_finetune_kit.classification.labels import LabelSet
from bert_finetune_kit.classification.model import build_model as build_classifier
from bert_finetune_kit.classification.model import forward as classify
from bert_finetune_kit.data.sequences import sequence_formats
from bert_finetune_kit.modeling.packing import PACKING
from bert_finetune_kit.modeling.unpadding import unpad_encoder, with_packing
from bert_finetune_kit.pretraining.collator import DataCollatorForPreTraining
from bert_finetune_kit.pretraining.model import with_forward
from bert_finetune_kit.question_answering.collator import DataCollatorForQuestionAnswering
from bert_finetune_kit.question_answering.config import QAConfig
from bert_finetune_kit.question_answering.model import build_model as build_reader
from bert_finetune_kit.question_answering.model import span_forward
from bert_finetune_kit.training.finite import LossWatch
from bert_finetune_kit.training.loss import Loss
from bert_finetune_kit.training.outputs import OutputBuffers

LENGTHS = (12, 40, 7, 33, 90, 7)
HEADS = (
    "pretraining", "masked words", "single_label", "multi_label", "regression", "windows", "unlabelled",
    "question answering",
)  # fmt: skip


@dataclass(frozen=True)
class Head:
    """A head, its loss, and examples for its collator."""

    model: Any
    forward: Any
    loss: Loss
    collator: Any
    examples: list[dict[str, Any]]

    def batch(self, device: str = "cpu") -> dict[str, Any]:
        """Return the batch as a worker makes it, in the memory of the CPU."""
        return with_packing(self.collator, self.model, device)(self.examples)


def make_tokenizer():
    return train_wordpiece(["the smithy opens at eleven o'clock", "the milk turned sour in the warm cellar"] * 9, 100)


def make_head(kind: str, tokenizer: Any) -> Head:
    """Return a head whose padding is skipped, in training mode with dropout.

    Args:
        kind: one of `HEADS`.
        tokenizer: with a mask token.
    """
    torch.manual_seed(0)
    config, random = small_config(tokenizer, dropout=0.1), np.random.default_rng(0)
    rows = [random.integers(5, config.vocab_size, length) for length in LENGTHS]
    single, pair = sequence_formats(tokenizer, takes_types=True)
    if kind in ("pretraining", "masked words"):
        pairs = {"next_sentence_label": 1} if kind == "pretraining" else {}
        built = with_forward((BertForPreTraining if pairs else BertForMaskedLM)(config), ())
        examples = [
            {"input_ids": row, "token_type_ids": row * 0, "rng_key": (0, 0, number), **pairs}
            for number, row in enumerate(rows)
        ]
        head = Head(
            built.model,
            built.forward,
            PretrainRecipe.loss,
            DataCollatorForPreTraining(tokenizer, with_positions=True),
            examples,
        )
    elif kind == "question answering":
        model, _ = build_reader(config, config.vocab_size)
        examples = [
            {"input_ids": row, "context_start": 4, "start_position": 5, "end_position": 6, "in_loss": number > 0}
            for number, row in enumerate(rows)
        ]
        head = Head(model, span_forward(QAConfig()), QARecipe.loss, DataCollatorForQuestionAnswering(0, pair), examples)
    else:
        head = _classifier(kind, config, rows, single)
    assert unpad_encoder(head.model)
    head.model.train()
    return head


def _classifier(kind: str, config: Any, rows: list[Any], single: Any) -> Head:
    task = kind if kind in ("single_label", "multi_label", "regression") else "single_label"
    labels = LabelSet(() if task == "regression" else ("no", "maybe", "yes"), task)
    label = {"single_label": 1, "multi_label": np.float32([0, 1, 1]), "regression": np.float32(0.5)}[task]
    labelled = {} if kind == "unlabelled" else {"label": label, "in_loss": True}
    windows = [[(row, len(row))] for row in rows]
    if kind in ("windows", "unlabelled"):
        windows = [windows[0], windows[1] + windows[2], windows[3] + windows[4] + windows[5]]
    model, _ = build_classifier(config, labels, config.vocab_size)
    return Head(
        model, partial(classify, kind=task), ClassificationRecipe.loss, DataCollatorForClassification(0, single),
        [{"windows": parts, **labelled} for parts in windows],
    )  # fmt: skip


def move_model(model: Any, move: Any) -> Any:
    """Return a model whose parameters and buffers are moved, those with two names once."""
    moved: dict[int, Any] = {}
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, value in tensors.items():
                if value is not None:
                    tensors[name] = moved.setdefault(id(value), move(value))
    return model


def move_batch(batch: dict[str, Any], move: Any) -> dict[str, Any]:
    return {name: value.moved(move) if name == PACKING else move(value) for name, value in batch.items()}


def total(head: Head, outputs: Any) -> torch.Tensor:
    """Return the loss as the Trainer does, without the items of other processes."""
    return torch.stack(list(head.loss.sum_fn(outputs).values())).sum()


class WithoutCuda(TorchFunctionMode):
    """Replaces what torch without CUDA refuses even for fake CUDA tensors: to index, to copy, `~`."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is torch.Tensor.contiguous:
            return args[0].clone(memory_format=torch.contiguous_format)
        if function is torch.Tensor.__invert__:
            return args[0].bitwise_not()
        if function is torch.Tensor.copy_:
            return torch.ops.aten.copy_(*args)
        if function is not torch.Tensor.__getitem__:
            return function(*args, **kwargs or {})
        tensor, places = args
        dimension = 0
        for place in places if isinstance(places, tuple) else (places,):
            if place is None:
                tensor, dimension = tensor.unsqueeze(dimension), dimension + 1
            elif isinstance(place, slice):
                assert place.step is None
                tensor = torch.ops.aten.slice(tensor, dimension, place.start, place.stop)
                dimension += 1
            elif isinstance(place, int):
                tensor = tensor.select(dimension, place)
            else:
                assert place is Ellipsis
                dimension = tensor.ndim - len(places) + 1
        return tensor


def compute_as_on_a_gpu(kind: str, tokenizer: Any, dtype: torch.dtype, training: bool) -> str:
    """Compute a head by fake CUDA tensors, on an imagined A100, and what a step makes of its loss and its outputs.

    Returns the device of its outputs.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    head = make_head(kind, tokenizer)
    batch = head.batch("cuda")

    def on_gpu(tensor: torch.Tensor) -> torch.Tensor:
        as_states = dtype if tensor.is_floating_point() else tensor.dtype
        return torch.empty(tensor.shape, dtype=as_states, device="cuda")

    watch, buffers = LossWatch(), OutputBuffers()
    with FakeTensorMode(), WithoutCuda(), torch.no_grad():
        model = move_model(head.model.train(training), on_gpu)
        batch = move_batch(batch, on_gpu)
        outputs = head.forward(model, batch)
        rows = [value for value in outputs.to_tuple() if value is not None]
        for _ in range(2):
            buffers.append(rows)
            if kind != "unlabelled":
                counts, sums = head.loss.num_items_fn(batch), head.loss.sum_fn(outputs)
                watch.add(1, lambda: 1e-3, {name: value / counts[name] for name, value in sums.items()})
        return next(value for value in outputs.to_tuple() if value is not None).device.type


def main() -> None:
    """Print a line for each head, dtype and mode."""
    tokenizer = make_tokenizer()
    backends = torch.backends.cuda
    with (
        mock.patch("torch.cuda.get_device_capability", return_value=(8, 0)),
        mock.patch.object(backends, "is_flash_attention_available", return_value=True),
    ):
        for kind in HEADS:
            for dtype in (torch.float32, torch.bfloat16):
                for training in (True, False):
                    print(kind, dtype, training, compute_as_on_a_gpu(kind, tokenizer, dtype, training))


if __name__ == "__main__":
    main()
