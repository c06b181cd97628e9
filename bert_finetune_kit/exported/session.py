"""The runtimes of exported models behind one small interface: arrays by name in, arrays by name out."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..errors import ModelError

Arrays = dict[str, np.ndarray]


class Session(Protocol):
    """A model that is ready to run."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs that the model reads."""

    def run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        """Return the outputs for a batch by name.

        Args:
            feeds: (batch, seq) int64 by name; those that the model does not read are skipped.
        """


class OnnxSession:
    """A model of ONNX Runtime on the CPU."""

    def __init__(self, file: Path, threads: int | None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.inputs = tuple(item.name for item in self._session.get_inputs())
        self._outputs = [item.name for item in self._session.get_outputs()]

    def run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        """Return the outputs for a batch."""
        values = self._session.run(None, {name: feeds[name] for name in self.inputs})
        return dict(zip(self._outputs, values, strict=True))


class OpenVinoSession:
    """A model of OpenVINO on the CPU."""

    def __init__(self, file: Path, threads: int | None) -> None:
        import openvino

        # Without this, processors that compute in bf16 do, and the results are no longer those that were proven.
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        model = openvino.Core().compile_model(str(file), "CPU", settings)
        self.inputs = tuple(port.get_any_name() for port in model.inputs)
        self._outputs = [port.get_any_name() for port in model.outputs]
        self._request = model.create_infer_request()

    def run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        """Return the outputs for a batch."""
        results = self._request.infer({name: feeds[name] for name in self.inputs})
        return {name: np.array(results[number]) for number, name in enumerate(self._outputs)}


# Format → the package of its runtime, and the session.
RUNTIMES: dict[str, tuple[str, Callable[[Path, int | None], Session]]] = {
    "onnx": ("onnxruntime", OnnxSession),
    "openvino": ("openvino", OpenVinoSession),
}


def open_session(format: str, file: Path, threads: int | None) -> Session:
    """Return the model in a file, ready to run.

    Args:
        format: `onnx` or `openvino`.
        file: of the model.
        threads: to compute with; none means as many as there are cores.

    Raises:
        ModelError: its runtime is not installed, or the file cannot be read.
    """
    if format not in RUNTIMES:
        raise ModelError(f"The model is of the format {format!r}, and the kit runs {' and '.join(RUNTIMES)}.")
    package, session = RUNTIMES[format]
    if find_spec(package) is None:
        raise ModelError(
            f"{package} is not installed, which runs models of the format {format}: pip install -r "
            f"{file.parent / 'requirements.txt'}"
        )
    if not file.is_file():
        raise ModelError(f"{file.parent} has no {file.name}, the model: export the run once more, or copy all files.")
    try:
        return session(file, threads)
    except Exception as error:  # each runtime has errors of its own
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{file} cannot be loaded: {reason}. Export the run once more.") from error
