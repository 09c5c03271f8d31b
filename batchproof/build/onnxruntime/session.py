"""ONNX Runtime session files: the optimised graph in ORT format, executed from disk before it counts as built."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from batchproof.artifacts import onnx_file
from batchproof.artifacts.output_file import replacing
from batchproof.build import output_check
from batchproof.build.activation_memory import peak_activation_bytes
from batchproof.errors import StepFailedError
from batchproof.profile import Profile
from batchproof.runtime import Blob, OnnxRuntimeRunner, Outputs, noise, onnxruntime_module, open_session
from batchproof.verdict import Status, Verdict, at_most, not_run
from batchproof.zoo.spec import ModelSpec

# ONNX Runtime's arena rounds up and keeps: measured 2.2 times the activations alive at once, taken as 3.
_ARENA_FACTOR = 3


@dataclass(frozen=True)
class Limits:
    """What a single execution may cost on the building machine: bytes of memory, and seconds."""

    memory_bytes: int = 6 * 10**9
    seconds: float = 30.0


@dataclass(frozen=True)
class SessionSummary:
    """What was built: seconds to optimise and write, size in bytes, version, and seconds of each executed batch."""

    seconds: float
    bytes: int
    onnxruntime: str
    executed: Mapping[str, float]


@dataclass(frozen=True)
class _Run:
    """One executed batch; `problem` is None when every output has N rows first and is finite."""

    seconds: float
    outputs: Outputs
    problem: str | None


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
    minimum batch, of outputs above 1 in parts of their largest value, is at most `tolerance`). FP16-typed graphs are
    executed like FP32 ones (measured: as fast): an x86 CPU computes them in FP32 between casts, so the file is checked,
    not half-precision arithmetic.

    Raises `InputError` for a profile or file that does not fit, `StepFailedError` when ONNX Runtime refuses the model,
    `StoreError` when `output` cannot be written.
    """
    profile.input_shapes(spec)  # refuses a size that does not fit before anything is read
    graph = onnx_file.read(model)
    with replacing(output) as written:
        seconds = _write_session(model, written)
        runs, skipped = _execute(_runner_from_disk(written), graph, profile, spec, limits or Limits())
    summary = SessionSummary(
        seconds=seconds,
        bytes=output.stat().st_size,
        onnxruntime=onnxruntime_module().__version__,
        executed={str(batch): round(run.seconds, 3) for batch, run in runs.items()},
    )
    verdicts = [_executes(subject, runs, half=onnx_file.precision(graph) == "fp16")] if runs else []
    verdicts += [not_run("build.executes", subject, reason) for reason in skipped]
    verdicts.append(_equals_onnx(subject, model, _images(profile, spec, profile.minimum), runs, tolerance))
    return SessionBuild(summary, tuple(verdicts))


def _write_session(model: Path, path: Path) -> float:
    began = time.perf_counter()
    try:
        open_session(model, save_to=path)
    except StepFailedError as error:
        raise StepFailedError(error.what, where=model, remedy=error.remedy) from error
    return round(time.perf_counter() - began, 3)


def _runner_from_disk(output: Path) -> OnnxRuntimeRunner:
    try:
        return OnnxRuntimeRunner(output)
    except StepFailedError as error:
        raise StepFailedError(f"the written session file does not load: {error.what}", where=output) from error


def _images(profile: Profile, spec: ModelSpec, batch: int) -> Blob:
    return noise(spec.input, batch, profile.height, profile.width)


def _execute(
    runner: OnnxRuntimeRunner, graph: onnx.ModelProto, profile: Profile, spec: ModelSpec, limits: Limits
) -> tuple[dict[int, _Run], list[str]]:
    """Run the profile's batches, the smallest first: it tells how long the others would take."""
    runs: dict[int, _Run] = {}
    skipped: list[str] = []
    for batch in profile.batches:
        too_much = _too_much(graph, spec.input.shape(batch, profile.height, profile.width), runs, limits)
        if too_much is None:
            runs[batch] = _run(runner, _images(profile, spec, batch))
        else:
            skipped.append(f"N={batch} was not executed: {too_much}")
    return runs, skipped


def _too_much(graph: onnx.ModelProto, shape: tuple[int, ...], runs: dict[int, _Run], limits: Limits) -> str | None:
    memory = _ARENA_FACTOR * peak_activation_bytes(graph, shape)
    if memory > limits.memory_bytes:
        return f"it needs about {memory / 1e9:.1f} GB of memory, the limit is {limits.memory_bytes / 1e9:.1f} GB"
    seconds = max((run.seconds * shape[0] / batch for batch, run in runs.items()), default=0.0)
    if seconds > limits.seconds:
        return f"it would take about {seconds:.0f} s, the limit is {limits.seconds:.0f} s"
    return None


def _run(runner: OnnxRuntimeRunner, images: Blob) -> _Run:
    began = time.perf_counter()
    try:
        outputs = runner.infer(images)
    except StepFailedError as error:
        return _Run(time.perf_counter() - began, {}, error.what)
    seconds = time.perf_counter() - began
    return _Run(seconds, outputs, output_check.problem(outputs, len(images)))


def _executes(subject: str, runs: dict[int, _Run], *, half: bool) -> Verdict:
    for batch, run in runs.items():
        if run.problem is not None:
            return Verdict("build.executes", subject, Status.FAIL, run.problem, witness=f"N={batch}")
    how = "executed from disk on the CPU" + (" (FP16 graph, computed in FP32 between casts)" if half else "")
    times = ", ".join(f"N={batch} in {run.seconds:.2f} s" for batch, run in runs.items())
    reason = f"{how}: {times}; every output has N rows and is finite"
    return Verdict("build.executes", subject, Status.PASS, reason)


def _equals_onnx(subject: str, model: Path, images: Blob, runs: dict[int, _Run], tolerance: float) -> Verdict:
    """Compare with the graph as it is written, every optimisation off."""
    check, built = "build.equals_onnx", runs.get(len(images))
    if built is None or not built.outputs:
        return not_run(check, subject, f"the session file gave no outputs at N={len(images)}")
    try:
        original = OnnxRuntimeRunner(model, optimised=False).infer(images)
    except StepFailedError as error:
        reason = f"the graph does not run without the optimiser: {error.what}"
        return Verdict(check, subject, Status.FAIL, reason)
    incomparable = [name for name in original if not _is_comparable(built.outputs[name], original[name])]
    if incomparable:
        reason = f"output '{incomparable[0]}' differs in shape from the unoptimised ONNX graph, or holds NaN or Inf"
        return Verdict(check, subject, Status.FAIL, reason)
    difference, witness = output_check.largest_difference(built.outputs, original)
    reason = (
        f"largest difference to the unoptimised ONNX graph at N={len(images)}, outputs above 1 in parts of their peak"
    )
    return at_most(check, subject, difference, tolerance, reason, witness=f"output '{witness}'")


def _is_comparable(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return one.shape == other.shape and bool(np.isfinite(one).all() and np.isfinite(other).all())
