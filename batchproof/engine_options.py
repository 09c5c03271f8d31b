"""What a TensorRT engine is built with, beside its graph and its optimisation profiles."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

# As a compute capability: that of the GPU which is here.
CURRENT = "current"
Hardware = Literal["exact", "ampere+", "same-capability"]


@dataclass(frozen=True)
class EngineOptions:
    """Builder options; the names are TensorRT's terms, None leaves the builder's own default.

    `tf32` lets FP32 convolutions round their inputs to 10 bits: off, because FP32 is the reference here.
    `optimisation_level` is 0..5, `workspace_mib` the limit of scratch memory, `hardware` the GPUs that may load the
    engine beside the one it was built on, `version_compatible` whether later TensorRT releases may.
    `distributive_independence` asks that slices along a distributive axis are computed by identical operations.
    `compute_capabilities` are the GPUs that TensorRT-RTX compiles for, such as `8.6`; none means all that it knows.
    """

    tf32: bool = False
    optimisation_level: int | None = None
    workspace_mib: int | None = None
    hardware: Hardware = "exact"
    version_compatible: bool = False
    distributive_independence: bool = False
    compute_capabilities: tuple[str, ...] = ()

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names of the options that differ from their defaults."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) != field.default)


DEFAULTS = EngineOptions()
