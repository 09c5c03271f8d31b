"""ONNX Runtime session files: the optimised graph in ORT format, executed from disk before it counts as built."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx

from batchproof.artifacts import onnx_file
from batchproof.artifacts.output_file import replacing
from batchproof.build.execution import Execution, execute_batch
from batchproof.build.execution_verdicts import execution_verdicts
from batchproof.build.limited_runner import LimitedRunner, Limits, reference
from batchproof.errors import StepFailedError
from batchproof.profile import Profile
from batchproof.runtime import OnnxRuntimeRunner, Runner, noise, onnxruntime_module, open_session
from batchproof.verdict import Verdict
from batchproof.zoo.spec import ModelSpec


@dataclass(frozen=True)
class SessionSummary:
    """What was built: seconds to optimise and write, size in bytes, version, and seconds of each executed batch."""

    seconds: float
    bytes: int
    onnxruntime: str
    executed: Mapping[str, float]


@dataclass(frozen=True)
class SessionBuild:
    """A written session file, and what its execution showed."""

    summary: SessionSummary
    verdicts: tuple[Verdict, ...]

    @property
    def notes(self) -> dict[str, Any]:
        """The summary as JSON-ready data."""
        return asdict(self.summary)


def build(
    model: Path,
    output: Path,
    *,
    profile: Profile,
    spec: ModelSpec,
    subject: str,
    tolerance: float,
    limits: Limits | None = None,
) -> SessionBuild:
    """Write the session file of `model` to `output` (suffix `.ort`), then execute that file at the profile's batches.

    Verdicts: `build.executes` (every output of every executed batch has N rows first and is finite), one `not_run` for
    every batch that `limits` forbid, and `build.equals_onnx` (largest difference to the unoptimised ONNX graph at the
    minimum batch, of outputs above 1 in parts of their largest value, is at most `tolerance`; at one batch alone, for
    two sessions hold the memory of both). FP16-typed graphs are executed like FP32 ones (measured: as fast): an x86 CPU
    computes them in FP32 between casts, so the file is checked, not half-precision arithmetic.

    Raises `InputError` for a profile or file that does not fit, `StepFailedError` when ONNX Runtime refuses the model,
    `StoreError` when `output` cannot be written.
    """
    profile.input_shapes(spec)  # refuses a size that does not fit before anything is read
    graph = onnx_file.read(model)
    with replacing(output) as written:
        seconds = _write_session(model, written)
        executions = tuple(_executed(_session(written), model, graph, profile, spec, limits or Limits()))
    verdicts = execution_verdicts(
        executions,
        _where,
        how=_how(graph),
        tolerance=tolerance,
        subject=subject,
        reference="the unoptimised ONNX graph",
    )
    executed = {str(one.shape[0]): one.seconds for one in executions if one.seconds is not None}
    summary = SessionSummary(seconds, output.stat().st_size, onnxruntime_module().__version__, executed)
    return SessionBuild(summary, tuple(verdicts))


def _write_session(model: Path, path: Path) -> float:
    began = time.perf_counter()
    try:
        open_session(model, save_to=path)
    except StepFailedError as error:
        raise StepFailedError(error.what, where=model, remedy=error.remedy) from error
    return round(time.perf_counter() - began, 3)


def _session(output: Path) -> OnnxRuntimeRunner:
    try:
        return OnnxRuntimeRunner(output)
    except StepFailedError as error:
        raise StepFailedError(f"the written session file does not load: {error.what}", where=output) from error


def _executed(
    session: Runner, model: Path, graph: onnx.ModelProto, profile: Profile, spec: ModelSpec, limits: Limits
) -> Iterator[Execution]:
    """Run the profile's batches, the smallest first: it is compared, and tells how long the others would take."""
    runner, original = LimitedRunner(lambda: session, graph, limits), reference(model, limits, optimised=False)
    for batch in profile.batches:
        images = noise(spec.input, batch, profile.height, profile.width)
        yield execute_batch(runner, images, original if batch == profile.minimum else None)


def _how(graph: onnx.ModelProto) -> str:
    half = " (FP16 graph, computed in FP32 between casts)" if onnx_file.precision(graph) == "fp16" else ""
    return f"executed from disk on the CPU{half}"


def _where(execution: Execution) -> str:
    return f"N={execution.shape[0]}"
