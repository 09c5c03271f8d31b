"""The verdicts on a built engine: that it compiles, of what precision it is, and what it did on the GPU."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.build.execution import Execution
from batchproof.build.execution_verdicts import execution_verdicts
from batchproof.build.tensorrt.compat import NAMES
from batchproof.build.tensorrt.device import OnDevice
from batchproof.build.tensorrt.summary import FLOAT, HALF, SMALLEST_HALF_SHARE, EngineSummary
from batchproof.profile import Shapes
from batchproof.verdict import Status, Verdict, not_run


def verdicts(summary: EngineSummary, tolerance: float, subject: str) -> Iterator[Verdict]:
    """Judge a built engine; the guards have let its network pass.

    `build.compiles` (figure: seconds), `build.precision` (figure: share of half tensors), `build.timing_cache` where
    one was given, `build.executes` (each output of every profile's minimum, optimum and maximum has N rows and is
    finite) and `build.equals_onnx` (largest difference to ONNX Runtime is at most `tolerance`). Without a GPU that
    loads the engine a single `build.executes` of `not_run`.
    """
    yield _compiles(summary, subject)
    yield _precision(summary, subject)
    if summary.timing_cache is not None:
        yield summary.timing_cache.verdict(subject)
    yield from _executed(summary.on_gpu, tolerance, subject)


def _compiles(summary: EngineSummary, subject: str) -> Verdict:
    size = f"{summary.bytes / 1e6:.1f} MB in {summary.seconds:.1f} s"
    profiles = " + ".join(map(_profile, summary.tensors[0].shapes or ()))
    reason = f"{NAMES[summary.backend]} {summary.version} built {size} for {profiles}"
    if summary.without_effect:
        reason += f"; without effect on this builder: {', '.join(summary.without_effect)}"
    return Verdict("build.compiles", subject, Status.PASS, reason, figure=summary.seconds, unit="s")


def _profile(shapes: Shapes) -> str:
    batches = "..".join(str(shape[0]) for shape in (shapes.minimum, shapes.optimum, shapes.maximum))
    sizes = dict.fromkeys("x".join(map(str, shape[2:])) for shape in (shapes.minimum, shapes.optimum, shapes.maximum))
    return f"N={batches} at {'..'.join(sizes)}"


def _precision(summary: EngineSummary, subject: str) -> Verdict:
    half, full = summary.tensor_types.get(HALF, 0), summary.tensor_types.get(FLOAT, 0)
    threshold = SMALLEST_HALF_SHARE if summary.precision == "fp16" else 0.0
    quantised = f" and {summary.quantised} quantised" if summary.quantised else ""
    reason = f"{half} half, {full} float{quantised} tensors in the network, as {summary.precision} asks for"
    figure = round(summary.half_share, 4)
    status = Status.PASS if figure > threshold or summary.precision == "fp32" else Status.FAIL
    return Verdict("build.precision", subject, status, reason, figure, threshold, unit="share of half tensors")


def _executed(on_gpu: OnDevice, tolerance: float, subject: str) -> Iterator[Verdict]:
    if on_gpu.absent is not None:
        yield not_run("build.executes", subject, f"built, not executed: {on_gpu.absent}")
        return
    if on_gpu.problem is not None:
        yield Verdict("build.executes", subject, Status.FAIL, f"the engine does not load: {on_gpu.problem}")
        return
    how = "executed from disk on the GPU"
    yield from execution_verdicts(on_gpu.executions, _where, how=how, tolerance=tolerance, subject=subject)


def _where(execution: Execution) -> str:
    return f"profile {execution.profile} at {'x'.join(map(str, execution.shape))}"
