"""Engine options, as the installed TensorRT takes them; what it does not have is refused, never left away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from batchproof.build.tensorrt.compat import NAMES, Backend, TensorRT
from batchproof.engine_options import CURRENT, EngineOptions, Hardware
from batchproof.errors import StepFailedError

_HARDWARE: dict[Hardware, str] = {"ampere+": "AMPERE_PLUS", "same-capability": "SAME_COMPUTE_CAPABILITY"}
# Measured on TensorRT-RTX 1.7.1: builds of the same differ in a few bytes, and engines with these options in no others.
# python -m benchmarks.engine_table writes the figures into reports/engines.md.
_WITHOUT_EFFECT: dict[Backend, frozenset[str]] = {
    "rtx": frozenset({"optimisation_level", "distributive_independence"}),
    "tensorrt": frozenset(),
}


def check_available(tensorrt: TensorRT, options: EngineOptions) -> None:
    """Raise `StepFailedError` that names the first option which this TensorRT does not have."""
    for option, has_it, remedy in _demands(tensorrt, options):
        if not has_it:
            raise StepFailedError(f"{NAMES[tensorrt.backend]} {tensorrt.version} has no {option}", remedy=remedy)


def without_effect(backend: Backend, options: EngineOptions) -> tuple[str, ...]:
    """Name the chosen options that this builder accepts and that change nothing in its engine."""
    return tuple(name for name in options.chosen if name in _WITHOUT_EFFECT[backend])


def configure(tensorrt: TensorRT, options: EngineOptions, config: Any) -> None:
    """Set a builder configuration to `options`, which `check_available` has let pass."""
    module = tensorrt.module
    # By default an engine keeps the names of its layers alone, and nobody can tell the types that they compute in.
    config.profiling_verbosity = module.ProfilingVerbosity.DETAILED
    (config.set_flag if options.tf32 else config.clear_flag)(module.BuilderFlag.TF32)
    for flag in _flags(options):
        config.set_flag(getattr(module.BuilderFlag, flag))
    if options.optimisation_level is not None:
        config.builder_optimization_level = options.optimisation_level
    if options.workspace_mib is not None:
        config.set_memory_pool_limit(module.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
    if options.hardware != "exact":
        config.hardware_compatibility_level = getattr(module.HardwareCompatibilityLevel, _HARDWARE[options.hardware])
    if options.compute_capabilities:
        config.num_compute_capabilities = len(options.compute_capabilities)
    for index, capability in enumerate(options.compute_capabilities):
        config.set_compute_capability(getattr(module.ComputeCapability, _member(capability)), index)


def _demands(tensorrt: TensorRT, options: EngineOptions) -> Iterator[tuple[str, bool, str]]:
    """Yield what is asked for, whether this TensorRT has it, and what to do when it has not."""
    for flag in _flags(options):
        yield f"builder flag {flag}", flag in tensorrt.builder_flags, "Leave the option away for this target"
    if options.hardware != "exact":
        levels = tensorrt.hardware_levels
        yield f"hardware compatibility '{options.hardware}'", _HARDWARE[options.hardware] in levels, _portable(tensorrt)
    for capability in options.compute_capabilities:
        known = _member(capability) in tensorrt.compute_capabilities
        yield f"compute capability '{capability}'", known, _compiles_for(tensorrt)


def _flags(options: EngineOptions) -> Iterator[str]:
    if options.version_compatible:
        yield "VERSION_COMPATIBLE"
    if options.distributive_independence:
        yield "DISTRIBUTIVE_INDEPENDENCE"


def _portable(tensorrt: TensorRT) -> str:
    if tensorrt.backend == "rtx":
        return "Its engines are portable already: choose compute capabilities instead"
    return "Use a later release, or build on each kind of GPU"


def _compiles_for(tensorrt: TensorRT) -> str:
    known = [_capability(member) for member in tensorrt.compute_capabilities if member.startswith("SM")]
    if not known:
        return "It builds for the GPU that it runs on: leave the list away"
    return f"It compiles for {', '.join(sorted(known, key=float))}"


def _member(capability: str) -> str:
    return "CURRENT" if capability == CURRENT else f"SM{capability.replace('.', '')}"


def _capability(member: str) -> str:
    digits = member.removeprefix("SM")
    return f"{digits[:-1]}.{digits[-1]}"
