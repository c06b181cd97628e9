"""A stock model → a program of ONNX or OpenVINO, by the exporters of transformers; quantized where asked for."""

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import ConfigError, ModelError
from ..modeling.architecture import MODEL_INPUTS
from ..modeling.loading import quiet_transformers
from ..modeling.lora import is_lora, merge_lora
from ..modeling.unpadding import pad_encoder
from .layers import Quantized, onnx_layers, openvino_layers, to_keep

Feeds = Sequence[Mapping[str, np.ndarray]]
MODEL_FILES = {"onnx": "model.onnx", "openvino": "openvino_model.xml"}
_PACKAGES = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "openvino": ("openvino",)}
_EXPORTERS = "5.23"  # of transformers, the first release with what is used here
_QUANTIZING = {"onnx": (), "openvino": ("nncf",)}
_SPLIT_ABOVE = 1_800_000_000  # bytes: protobuf holds 2 GB
_NOISY = ("torch.onnx", "nncf", "onnxscript", "onnx_ir", "root")


@dataclass(frozen=True)
class Program:
    """A model in the form of a runtime."""

    format: str
    """`onnx` or `openvino`."""
    program: Any
    layers: Mapping[str, str]
    """Name of each node that is quantized → the module it comes from."""
    sample: Mapping[str, torch.Tensor] = field(repr=False)

    def save(self, folder: Path) -> Path:
        """Write the model into a folder, and return its file."""
        file = folder / MODEL_FILES[self.format]
        if self.format == "openvino":
            import openvino

            openvino.save_model(self.program, str(file), compress_to_fp16=False)
            return file
        import onnx_ir

        size = sum(value.const_value.nbytes for value in self.program.graph.initializers.values() if value.const_value)
        onnx_ir.save(self.program, str(file), external_data=f"{file.name}.data" if size > _SPLIT_ABOVE else None)
        return file


def check_packages(format: str, quantize: str | None) -> None:
    """Check that what exports to a format is installed.

    Raises:
        ConfigError: the format or the quantization does not exist, or a package is missing.
    """
    if format not in MODEL_FILES:
        raise ConfigError(f"format is {format!r}: use {' or '.join(MODEL_FILES)}.")
    if quantize not in (None, "int8"):
        raise ConfigError(f"quantize is {quantize!r}: use 'int8', or leave it out for fp32.")
    needed = _PACKAGES[format] + (_QUANTIZING[format] if quantize else ())
    missing = [package for package in needed if find_spec(package) is None]
    if find_spec("transformers.exporters") is None:
        raise ConfigError(f"Exporting needs transformers {_EXPORTERS} or later, whose exporters it uses: update it.")
    if missing:
        raise ConfigError(
            f"Exporting to {format} needs {' and '.join(missing)}: pip install 'bert_finetune_kit[{format}]', or pip "
            f"install {' '.join(missing)}."
        )


def stock_model(model: Any) -> Any:
    """Return a copy of a trained model as transformers has it, on the CPU, in fp32 and ready to predict."""
    copied: Any = merge_lora(model) if is_lora(model) else copy.deepcopy(model)
    pad_encoder(copied)
    copied.to("cpu").float().eval()
    return copied


def export_program(model: Any, sample: Mapping[str, np.ndarray], format: str) -> Program:
    """Return a stock model as a program with any batch size and length.

    Args:
        model: as `stock_model` returns it.
        sample: a batch of two sequences with the inputs that the model takes, (2, seq) int64.
        format: `onnx` or `openvino`.
    """
    from transformers.exporters import OnnxConfig, OnnxExporter, OpenVINOConfig, OpenVINOExporter

    inputs = {name: torch.from_numpy(sample[name]) for name in MODEL_INPUTS if name in sample}
    exporters: dict[str, tuple[Any, Any]] = {
        "onnx": (OnnxExporter, OnnxConfig),
        "openvino": (OpenVINOExporter, OpenVINOConfig),
    }
    exporter, config = exporters[format]
    with quietly(), _as_model_error(f"{type(model).__name__} cannot be exported to {format}"):
        exported = exporter().export(model, dict(inputs), config=config(dynamic=True))
    program = exported.program
    layers = onnx_layers(program) if format == "onnx" else openvino_layers(program, model, inputs)
    return Program(format, program, layers, inputs)


def int8_methods(format: str) -> tuple[str, ...]:
    """Return the ways to quantize to int8, of which the proof chooses."""
    return {"onnx": ("dynamic", "static"), "openvino": ("static",)}[format]


def quantized(program: Program, method: str, calibration: Feeds, quantize: Quantized) -> Program:
    """Return a program whose weights, and whose activations of matrix products, are int8.

    Args:
        program: in fp32.
        method: `dynamic`: the range of activations is that of each batch; `static`: that of texts to calibrate on.
        calibration: batches of these.
        quantize: which layers to quantize.
    """
    from transformers.exporters import NNCFOpenVINOQuantizer, NNCFQuantizationConfig, OnnxRuntimeQuantizer

    kept = to_keep(program.layers, quantize)
    feeds = [{name: torch.from_numpy(values) for name, values in batch.items()} for batch in calibration]
    with quietly(), _as_model_error(f"The model cannot be quantized to int8 ({method})"):
        if program.format == "openvino":
            import nncf

            config = NNCFQuantizationConfig(
                ignored_scope=nncf.IgnoredScope(names=kept, validate=False), subset_size=max(len(feeds), 1)
            )
            quantizer: Any = NNCFOpenVINOQuantizer(config, feeds)
        else:
            # ONNX Runtime first makes a MatMul of each Gemm, under a name of its own.
            names = [*kept, *(f"{name}_MatMul" for name in kept)]
            quantizer = OnnxRuntimeQuantizer(_onnx_config(method, names), feeds)
        changed = quantizer.quantize(program.program, dict(program.sample), program.format)
    return Program(program.format, changed, program.layers, program.sample)


def _onnx_config(method: str, kept: list[str]) -> Any:
    """Return the settings of ONNX Runtime: weights in int8, one scale for each output of a layer."""
    from onnxruntime.quantization import QuantType
    from transformers.exporters import OnnxRuntimeDynamicConfig, OnnxRuntimeStaticConfig

    options: dict[str, Any] = {
        "op_types_to_quantize": ["MatMul", "Gemm", "Gather"],
        "per_channel": True,
        "weight_type": QuantType.QInt8,
        "nodes_to_exclude": kept,
        "extra_options": {"MatMulConstBOnly": True},  # products of two activations stay as they are
    }
    if method == "dynamic":
        return OnnxRuntimeDynamicConfig(**options)
    return OnnxRuntimeStaticConfig(**options, activation_type=QuantType.QUInt8)


@contextlib.contextmanager
def _as_model_error(fault: str) -> Iterator[None]:
    """Turn whatever a library raises into an error of the model.

    Raises:
        ModelError: the libraries cannot do it.
    """
    try:
        yield
    except Exception as error:  # of torch, onnx, their runtimes and NNCF
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{fault}: {reason} Try the other format, or newer releases of its packages.") from error


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep what exporters and quantizers print and warn of from the terminal: a refusal has its own error."""
    loggers = [logging.getLogger(name) for name in _NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with quiet_transformers(), warnings.catch_warnings(), _no_output():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _no_output() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
