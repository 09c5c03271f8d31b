"""Running a model: the one module that imports ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import MissingDependencyError, StepFailedError
from batchproof.zoo.spec import InputSpec

if TYPE_CHECKING:
    import onnxruntime

Blob = NDArray[np.float32]
Outputs = dict[str, NDArray[np.float32]]


class Runner(Protocol):
    """Anything that executes one model on one image batch."""

    @property
    def name(self) -> str:
        """Say what executes, for tables and verdicts: `onnxruntime cpu, optimised`."""
        ...

    def infer(self, images: Blob) -> Outputs:
        """Map images `[N, 3, H, W]`, float32, to the model's outputs by name."""
        ...


class OnnxRuntimeRunner:
    """An ONNX or ORT file on ONNX Runtime's CPU provider.

    `optimised=False` switches every graph optimisation off: a batch defect may show only one way round.
    """

    def __init__(self, model: Path | bytes, *, optimised: bool = True) -> None:
        self.optimised = optimised
        self._session = open_session(model, optimised=optimised)
        self._input = self._session.get_inputs()[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]

    @property
    def name(self) -> str:
        """Provider and optimiser state."""
        return f"onnxruntime cpu, {'optimised' if self.optimised else 'not optimised'}"

    def infer(self, images: Blob) -> Outputs:
        """Run one batch; raises `StepFailedError` with ONNX Runtime's own sentence when the shapes do not fit."""
        try:
            return dict(zip(self._outputs, self._session.run(self._outputs, {self._input: images}), strict=True))
        except (
            Exception
        ) as error:  # ONNX Runtime raises its own undocumented classes, all direct children of Exception.
            raise StepFailedError(
                f"ONNX Runtime cannot run a batch of shape {list(images.shape)} ({_first_line(error)})"
            ) from error


def onnxruntime_module() -> Any:
    """Import ONNX Runtime, or say which extra brings it."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependencyError.for_extra("onnxruntime", "cpu") from error
    return onnxruntime


def noise(spec: InputSpec, batch: int, height: int, width: int) -> Blob:
    """Make a batch of images of random pixels, normalised for the model; the same ones every time.

    No two neighbours have the same brightness and contrast: statistics over the batch must differ from those of one.
    """
    random = np.random.default_rng(0)
    darkest, brightest = (0, 40, 100, 0), (256, 90, 256, 120)
    pixels = np.stack(
        [
            random.integers(darkest[index % 4], brightest[index % 4], spec.shape(1, height, width)[1:])
            for index in range(batch)
        ]
    )
    return ((pixels - spec.mean) / spec.std).astype(np.float32)


def open_session(
    model: Path | bytes, *, optimised: bool = True, save_to: Path | None = None
) -> onnxruntime.InferenceSession:
    """Open a CPU session; with `save_to`, write the optimised graph there in ORT format.

    Raises `StepFailedError` with ONNX Runtime's sentence when the model cannot be loaded.
    """
    ort = onnxruntime_module()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    if save_to is not None:
        # "Extended" is the highest level whose result does not depend on the CPU that wrote it.
        options.graph_optimization_level = level.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(save_to)
        options.add_session_config_entry("session.save_model_format", "ORT")
    source = model if isinstance(model, bytes) else _loadable(model)
    try:
        return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # see OnnxRuntimeRunner.infer
        where = model if isinstance(model, Path) else None
        raise StepFailedError(f"ONNX Runtime cannot load this model ({_first_line(error)})", where=where) from error


def _loadable(model: Path) -> str | bytes:
    """ONNX Runtime takes paths in UTF-8; a file with another name is read for it."""
    try:
        return str(model.absolute()).encode().decode()
    except UnicodeEncodeError:
        return model.read_bytes()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
