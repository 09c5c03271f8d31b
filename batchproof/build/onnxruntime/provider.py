"""Executing a graph on one of ONNX Runtime's providers, next to the CPU's on the same graph.

Nothing is written: such a provider takes the ONNX itself, and compiles it each time that a session starts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from batchproof.artifacts import onnx_file
from batchproof.build.execution import Execution
from batchproof.build.execution import execute as execute_shapes
from batchproof.build.execution_verdicts import execution_verdicts
from batchproof.build.limited_runner import Limits, reference
from batchproof.errors import StepNotRunError, first_few
from batchproof.profile import Profile, Shapes
from batchproof.providers import Kernel, kernels, obstacle
from batchproof.runtime import TENSORRT, OnnxRuntimeRunner, onnxruntime_module
from batchproof.verdict import Status, Verdict
from batchproof.zoo.spec import ModelSpec


@dataclass(frozen=True)
class ProviderSummary:
    """What a provider did: seconds of each executed shape, and how many of all the kernels that ran were its own.

    The first shape has what the provider prepares in it.
    """

    provider: str
    onnxruntime: str
    executed: Mapping[str, float]
    kernels: int
    all_kernels: int

    @property
    def notes(self) -> dict[str, Any]:
        """The summary as JSON-ready data."""
        return asdict(self)


@dataclass(frozen=True)
class ProviderRun:
    """What was executed, and the verdicts on it."""

    summary: ProviderSummary
    verdicts: tuple[Verdict, ...]


def execute(
    model: Path,
    *,
    provider: str,
    profile: Profile,
    spec: ModelSpec,
    subject: str,
    tolerance: float,
    limits: Limits | None = None,
) -> ProviderRun:
    """Execute `model` on `provider` at the minimum, optimum and maximum of `profile`.

    Verdicts: `build.provider` (fails when every kernel ran elsewhere; figure: the provider's share of the kernels; the
    operators of the others are named), `build.executes` (every output has N rows first and is finite; a further
    `not_run` for each shape that the device has no memory for) and `build.equals_onnx` (largest difference to ONNX
    Runtime on the CPU, outputs above 1 in parts of their largest value, is at most `tolerance`, where `limits` let the
    CPU run).

    Raises `InputError` for a profile or file that does not fit, `StepFailedError` when ONNX Runtime refuses the model,
    and `StepNotRunError` where the provider does not work, which says what to install.
    """
    shapes = profile.input_shapes(spec)
    image = onnx_file.read(model).graph.input[0].name
    found = obstacle(provider)
    if found is not None:
        raise StepNotRunError(str(found))
    with tempfile.TemporaryDirectory() as folder:
        options = provider_options(provider, image, shapes)
        runner = OnnxRuntimeRunner(model, provider=provider, options=options, trace_to=Path(folder) / "trace")
        cpu = reference(model, limits or Limits())
        executions = tuple(execute_shapes(lambda _: nullcontext(runner), cpu, (shapes,), spec.input))
        ran = tuple(kernels(runner.end_trace()).values())
    return _run(provider, executions, ran, tolerance, subject)


def provider_options(provider: str, image: str, shapes: Shapes) -> dict[str, str]:
    """Tell TensorRT the profile; it would build an engine again for every batch beyond those that it has seen."""
    if provider != TENSORRT:
        return {}
    named = {"min": shapes.minimum, "opt": shapes.optimum, "max": shapes.maximum}
    return {f"trt_profile_{name}_shapes": f"{image}:{_dims(shape)}" for name, shape in named.items()}


def _run(
    provider: str, executions: Sequence[Execution], ran: Sequence[Kernel], tolerance: float, subject: str
) -> ProviderRun:
    own = sum(on == provider for on, _ in ran)
    verdicts = [_placement(provider, ran, subject)] if ran else []
    if own or not ran:  # what the CPU did says nothing about the provider
        how = f"executed on {provider}"
        verdicts += execution_verdicts(executions, _where, how=how, tolerance=tolerance, subject=subject)
    seconds = {_dims(one.shape): one.seconds for one in executions if one.seconds is not None}
    summary = ProviderSummary(provider, onnxruntime_module().__version__, seconds, own, len(ran))
    return ProviderRun(summary, tuple(verdicts))


def _placement(provider: str, ran: Sequence[Kernel], subject: str) -> Verdict:
    """Count what the provider left to the CPU: a session may list it and give it nothing."""
    check, unit = "build.provider", "share of kernels"
    others = sorted({operator for on, operator in ran if on != provider})
    own = sum(on == provider for on, _ in ran)
    reason = f"{provider} executed {own} of {len(ran)} kernels"
    reason += f"; on the CPU: {first_few(others, shown=8)}" if others else ""
    status = Status.PASS if own else Status.FAIL
    return Verdict(check, subject, status, reason, round(own / len(ran), 4), unit=unit)


def _where(execution: Execution) -> str:
    return _dims(execution.shape)


def _dims(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
