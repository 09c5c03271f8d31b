"""What a model family promises, as data: preprocessing, outputs, decode rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

# What a graph computes in; its inputs and outputs are FP32 either way.
Precision = Literal["fp32", "fp16"]
Role = Literal["detector", "embedder", "landmarks", "attributes"]
OutputKind = Literal["score", "bbox", "kps", "embedding", "landmarks", "attributes"]


@dataclass(frozen=True)
class InputSpec:
    """The one image input, `[N, 3, height, width]`, float32, RGB; blob = (pixel - mean) / std with pixels 0..255.

    `height` and `width` are None where the model accepts any multiple of `multiple_of`.
    """

    height: int | None
    width: int | None
    mean: float
    std: float
    multiple_of: int = 1
    name: str = "input"
    channels: int = 3
    colour: Literal["RGB", "BGR"] = "RGB"

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}  # read by pydantic when a manifest is loaded

    @property
    def dynamic_size(self) -> bool:
        """Whether height and width are free."""
        return self.height is None or self.width is None

    def shape(self, batch: int, height: int, width: int) -> tuple[int, int, int, int]:
        """Return the concrete input shape for `batch` images; the given size is used only where the model's is free."""
        return (batch, self.channels, self.height or height, self.width or width)


@dataclass(frozen=True)
class OutputSpec:
    """One output: `[N, rows, channels]` when it has a stride, `[N, channels]` otherwise."""

    name: str
    kind: OutputKind
    channels: int
    stride: int | None = None

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}  # read by pydantic when a manifest is loaded

    def rows(self, height: int, width: int, anchors_per_cell: int) -> int | None:
        """Anchors of this level for an input of `height` x `width` pixels; None for outputs without a stride."""
        if self.stride is None:
            return None
        return (height // self.stride) * (width // self.stride) * anchors_per_cell


@dataclass(frozen=True)
class ModelSpec:
    """One model, described completely enough to preprocess for it, decode it and configure a server for it."""

    family: str
    role: Role
    input: InputSpec
    outputs: tuple[OutputSpec, ...]
    anchors_per_cell: int = 1

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}  # read by pydantic when a manifest is loaded

    @property
    def strides(self) -> tuple[int, ...]:
        """The detector's strides, ascending; empty for other roles."""
        return tuple(sorted({output.stride for output in self.outputs if output.stride is not None}))

    @property
    def has_keypoints(self) -> bool:
        """Whether the detector gives five landmarks a face."""
        return any(output.kind == "kps" for output in self.outputs)
