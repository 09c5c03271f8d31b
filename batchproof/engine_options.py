"""What a TensorRT engine is built with, beside its graph and its optimisation profiles."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Literal

from batchproof.errors import InputError

# As a compute capability: that of the GPU which is here.
CURRENT = "current"
_LEVELS, _WORKSPACES = range(6), range(1, 2**20 + 1)
Hardware = Literal["exact", "ampere+", "same-capability"]


@dataclass(frozen=True)
class EngineOptions:
    """Builder options; the names are TensorRT's terms, None leaves the builder's own default.

    `tf32` lets FP32 convolutions round their inputs to 10 bits: off, because FP32 is the reference here.
    `optimisation_level` is 0..5, `workspace_mib` the limit of scratch memory, `hardware` the GPUs that may load the
    engine beside the one it was built on, `version_compatible` whether later TensorRT releases may.
    `distributive_independence` asks that slices along a distributive axis are computed by identical operations.
    `compute_capabilities` are the GPUs that TensorRT-RTX compiles for, such as `8.6`; none means all that it knows.
    Raises `InputError` for values that no TensorRT takes; some would be cut to the next one silently.
    """

    tf32: bool = False
    optimisation_level: int | None = None
    workspace_mib: int | None = None
    hardware: Hardware = "exact"
    version_compatible: bool = False
    distributive_independence: bool = False
    compute_capabilities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        level, workspace = self.optimisation_level, self.workspace_mib
        if level is not None and level not in _LEVELS:
            remedy = "The builder's own default is 3"
            raise InputError(f"optimisation level {level} is not 0..{_LEVELS[-1]}", remedy=remedy)
        if workspace is not None and workspace not in _WORKSPACES:
            remedy = "Give 256 or more, or leave it away"
            raise InputError(f"a workspace of {workspace} MiB is not 1..{_WORKSPACES[-1]}", remedy=remedy)
        for capability in self.compute_capabilities:
            if capability != CURRENT and not re.fullmatch(r"[0-9]{1,2}\.[0-9]", capability, re.ASCII):
                raise InputError(f"'{capability}' is no compute capability", remedy="Write it like 8.6, or current")
        if len(set(self.compute_capabilities)) < len(self.compute_capabilities):
            raise InputError("a compute capability is there twice", remedy="Leave one away")
        if CURRENT in self.compute_capabilities and len(self.compute_capabilities) > 1:
            raise InputError("current is beside other compute capabilities", remedy="Name them all, or current alone")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names of the options that differ from their defaults."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) != field.default)


DEFAULTS = EngineOptions()
