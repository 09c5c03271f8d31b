"""What is known about an engine: its tensors, its precision, and the guard against engines of another precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from batchproof.build.provenance import Gpu
from batchproof.build.tensorrt.compat import Backend
from batchproof.build.tensorrt.device import OnDevice
from batchproof.build.tensorrt.timing_cache import CacheUse
from batchproof.engine_options import EngineOptions
from batchproof.errors import StepFailedError
from batchproof.profile import Shape, Shapes
from batchproof.zoo.spec import Precision

HALF, FLOAT = "HALF", "FLOAT"
# Integers are shapes and indices; these are what Q/DQ graphs compute in, counted apart.
QUANTISED = ("INT8", "FP8", "INT4", "FP4")
# A typed FP16 graph keeps FP32 I/O and a few Casts: SCRFD-500M has 129 half tensors to 9 float ones. How much of a
# graph may stay in FP32 is the policy's to say (fp16_graph.half_share); this tells a silent FP32 engine from others.
SMALLEST_HALF_SHARE = 0.5


@dataclass(frozen=True)
class EngineTensor:
    """One input or output: dims as the network has them (-1 is dynamic), and its shapes in each profile."""

    name: str
    mode: Literal["input", "output"]
    dtype: str
    dims: Shape
    shapes: tuple[Shapes, ...] | None


@dataclass(frozen=True)
class EngineSummary:
    """What a built engine is: how it was built, its I/O, and how many tensors of the network are of each type.

    `seconds` of building, `bytes` of the engine, `peak_memory_bytes` of the building process; `without_effect` are the
    options that this builder accepts and does not use. `on_gpu` holds what was executed and inspected, or why not.
    """

    backend: Backend
    version: str
    precision: Precision
    profiles: tuple[str, ...]
    options: EngineOptions
    without_effect: tuple[str, ...]
    timing_cache: CacheUse | None
    seconds: float
    bytes: int
    peak_memory_bytes: int
    tensors: tuple[EngineTensor, ...]
    tensor_types: Mapping[str, int]
    warnings: tuple[str, ...]
    gpu: Gpu | None
    on_gpu: OnDevice

    @property
    def half_share(self) -> float:
        """Half tensors among the half and float tensors of the network, 0 to 1."""
        return half_share(self.tensor_types)

    @property
    def quantised(self) -> int:
        """Tensors of the network that are 8 bits wide or less."""
        return sum(self.tensor_types.get(name, 0) for name in QUANTISED)

    @property
    def sidecar(self) -> dict[str, Any]:
        """The summary as JSON-ready data, for the file beside the engine."""
        return {**asdict(self), "half_share": round(self.half_share, 4), "quantised": self.quantised}


def half_share(tensor_types: Mapping[str, int]) -> float:
    """Half tensors among half and float tensors; 0 when there are neither."""
    half, full = tensor_types.get(HALF, 0), tensor_types.get(FLOAT, 0)
    return half / (half + full) if half + full else 0.0


def guard_precision(tensor_types: Mapping[str, int], precision: Precision) -> None:
    """Refuse a network whose tensors are not of the requested precision; quantised ones belong to either.

    TensorRT takes precision from the tensor types of the ONNX alone: an untyped graph silently gives an FP32 engine,
    whatever it was called. Raises `StepFailedError`.
    """
    half, full = tensor_types.get(HALF, 0), tensor_types.get(FLOAT, 0)
    if precision == "fp16" and half_share(tensor_types) <= SMALLEST_HALF_SHARE:
        raise StepFailedError(
            f"an FP16 engine was asked for, but {full} of its {half + full} floating-point tensors are FP32",
            remedy="Convert the ONNX to FP16 types first (batchproof surgery --fp16)",
        )
    if precision == "fp32" and half:
        raise StepFailedError(
            f"an FP32 engine was asked for, but {half} of its {half + full} floating-point tensors are FP16",
            remedy="Build from the FP32 ONNX, or ask for fp16",
        )
