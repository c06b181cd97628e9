"""`torch.compile` in a training: layer by layer, where the Trainer would compile the model as a whole."""

import os
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn
from transformers import TrainingArguments

_WITH_CUDA_GRAPHS = ("reduce-overhead", "max-autotune")


def is_compiled(args: TrainingArguments) -> bool:
    """Whether `torch.compile` compiles the model: by the arguments, or by the file of `accelerate launch`."""
    return bool(args.torch_compile) or os.environ.get("ACCELERATE_DYNAMO_BACKEND", "no").lower() != "no"


def cuda_graph_mode(args: TrainingArguments) -> str | None:
    """Return the mode of `torch.compile` if the layers become CUDA graphs in it, and none otherwise."""
    mode = args.torch_compile_mode or os.environ.get("ACCELERATE_DYNAMO_MODE", "default")
    return mode if args.device.type == "cuda" and is_compiled(args) and mode in _WITH_CUDA_GRAPHS else None


def compile_by_layer(accelerator: Accelerator, args: TrainingArguments, model: Any) -> None:
    """Let the layers of the model share one compilation, before the model is prepared.

    As a whole, BERT-base takes several times as long to compile, at the first batch and again at the first one of
    another shape. Where the file of `accelerate launch` asks for compiling, it says itself how. Lists of lists of
    layers (Funnel) cannot be compiled one by one, since the model iterates over them.

    Args:
        accelerator: of the Trainer.
        args: its arguments.
        model: to be compiled.
    """
    lists = (module for module in model.modules() if isinstance(module, nn.ModuleList))
    if args.torch_compile and not any(isinstance(item, nn.ModuleList) for layers in lists for item in layers):
        accelerator.state.dynamo_plugin.use_regional_compilation = True


def begin_compiled_step(args: TrainingArguments) -> None:
    """Say that a step begins: CUDA graphs are replayed only where the layers of one step can be told from the next."""
    if cuda_graph_mode(args):
        torch.compiler.cudagraph_mark_step_begin()
