"""Running a model: the one module that imports ONNX Runtime."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import MissingDependencyError, StepFailedError, StepNotRunError
from batchproof.zoo.spec import InputSpec

if TYPE_CHECKING:
    import onnxruntime

# ... while running Reshape node. Name:'resize_1' Status Message: file.cc:39 Function(...) X was false. Sentence.
_FAILED_NODE = re.compile(r"Name:'(.*?)' Status Message: (?:.* was false\. )?(.*)")

Blob = NDArray[np.float32]
Outputs = dict[str, NDArray[np.float32]]

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
# Without TF32, whose inputs have 10 bits: FP32 is the reference here.
_OPTIONS: Mapping[str, Mapping[str, str]] = {CUDA: {"use_tf32": "0"}}


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
    """An ONNX or ORT file on one execution provider of ONNX Runtime, such as `CUDAExecutionProvider`.

    `optimised=False` switches every graph optimisation off: a batch defect may show only one way round. `options` are
    the provider's own. Operators that the provider lacks run on the CPU; with `trace_to`, the beginning of a path,
    every executed kernel is written down until `end_trace`. `threads` are those of one run (None: ONNX Runtime's own
    choice). Raises like `open_session`.
    """

    def __init__(
        self,
        model: Path | bytes,
        *,
        optimised: bool = True,
        provider: str = CPU,
        options: Mapping[str, str] | None = None,
        trace_to: Path | None = None,
        threads: int | None = None,
    ) -> None:
        self.optimised = optimised
        self.provider = provider
        self._session = open_session(
            model, optimised=optimised, provider=provider, options=options, trace_to=trace_to, threads=threads
        )
        self._input = self._session.get_inputs()[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]

    @property
    def name(self) -> str:
        """Provider and optimiser state."""
        provider = self.provider.removesuffix("ExecutionProvider").lower()
        return f"onnxruntime {provider}, {'optimised' if self.optimised else 'not optimised'}"

    def infer(self, images: Blob) -> Outputs:
        """Run one batch; raises `StepFailedError` with ONNX Runtime's own sentence when the shapes do not fit."""
        with _telling(images):
            return dict(zip(self._outputs, self._session.run(self._outputs, {self._input: images}), strict=True))

    def bound(self, images: Blob, outputs: Outputs) -> Callable[[], None]:
        """Lay one batch, and room for its outputs, where the provider computes; return what runs it there, and waits.

        Nothing crosses a bus in such a run. `outputs` are what `infer` gave for such a batch: they tell the room. Both
        raise like `infer`.
        """
        value, device = onnxruntime_module().OrtValue, "cpu" if self.provider == CPU else "cuda"
        with _telling(images):
            binding = self._session.io_binding()
            binding.bind_ortvalue_input(self._input, value.ortvalue_from_numpy(images, device, 0))
            for name, output in outputs.items():
                room = value.ortvalue_from_shape_and_type(list(output.shape), output.dtype, device, 0)
                binding.bind_ortvalue_output(name, room)

        def run() -> None:
            with _telling(images):
                self._session.run_with_iobinding(binding)
                binding.synchronize_outputs()

        return run

    def end_trace(self) -> Path:
        """Return the file of the trace that `trace_to` began: a JSON list of ONNX Runtime's profiling events."""
        return Path(self._session.end_profiling())


@contextlib.contextmanager
def _telling(images: Blob) -> Iterator[None]:
    """Raise `StepFailedError` with ONNX Runtime's sentence for whatever it raises about a batch."""
    try:
        yield
    except Exception as error:  # its own undocumented classes, all direct children of Exception
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
    model: Path | bytes,
    *,
    optimised: bool = True,
    save_to: Path | None = None,
    provider: str = CPU,
    options: Mapping[str, str] | None = None,
    trace_to: Path | None = None,
    threads: int | None = None,
) -> onnxruntime.InferenceSession:
    """Open a session on `provider`; with `save_to`, write the optimised graph there in ORT format.

    Raises `StepFailedError` with ONNX Runtime's sentence when the model cannot be loaded, and `StepNotRunError` when
    the session runs on the CPU although another provider was asked for.
    """
    ort = onnxruntime_module()
    _preload(ort, provider)
    settings = _session_options(ort, optimised, save_to, trace_to, threads)
    source = model if isinstance(model, bytes) else _loadable(model)
    chosen = {**_OPTIONS.get(provider, {}), **(options or {})}
    providers = [CPU] if provider == CPU else [(provider, chosen), CPU]
    try:
        # Without its fallback, which prints that it goes on with the CPU, and does so in the middle of a run.
        session = ort.InferenceSession(source, settings, providers=providers, enable_fallback=False)
    except Exception as error:  # see _telling
        where = model if isinstance(model, Path) else None
        raise StepFailedError(f"ONNX Runtime cannot load this model ({_first_line(error)})", where=where) from error
    if provider not in session.get_providers():
        raise StepNotRunError(f"ONNX Runtime was asked for {provider} and silently runs on the CPU")
    return session


def thread_options(threads: int | None, *, spin: bool) -> Any:
    """Make the options of a silent session on `threads` threads; `spin` lets those without work wait in a loop."""
    options = onnxruntime_module().SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads or 0
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    return options


def _session_options(
    ort: Any, optimised: bool, save_to: Path | None, trace_to: Path | None, threads: int | None
) -> Any:
    # Threads that wait without spinning leave the cores to others: see reports/models/report.md.
    options = thread_options(threads, spin=False)
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    if save_to is not None:
        # "Extended" is the highest level whose result does not depend on the CPU that wrote it.
        options.graph_optimization_level = level.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(save_to)
        options.add_session_config_entry("session.save_model_format", "ORT")
    if trace_to is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(trace_to)
    return options


def _preload(ort: Any, provider: str) -> None:
    """Load CUDA and cuDNN where pip has put them, which is nowhere that the loader looks."""
    if provider in (CUDA, TENSORRT):
        with contextlib.redirect_stdout(sys.stderr):  # it prints what it does not find, and others may have it
            ort.preload_dlls()


def _loadable(model: Path) -> str | bytes:
    """ONNX Runtime takes paths in UTF-8; a file with another name is read for it."""
    try:
        return str(model.absolute()).encode().decode()
    except UnicodeEncodeError:
        return model.read_bytes()


def _first_line(error: Exception) -> str:
    """Say it in one line; of a node that failed keep its name and the last of the message, for the rest is C++."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    failed = _FAILED_NODE.search(lines[0])
    return f"node '{failed[1]}': {failed[2]}" if failed else lines[0]
