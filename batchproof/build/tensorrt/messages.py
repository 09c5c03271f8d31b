"""What the process that asks for an engine and the one that builds it say to each other: JSON, one line each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from batchproof.build.limited_runner import Limits
from batchproof.build.tensorrt.compat import Backend
from batchproof.engine_options import EngineOptions
from batchproof.profile import Shape, Shapes
from batchproof.zoo.spec import InputSpec, Precision

# {"built": ...}, {"absent": ...}, {"failed": ...} or {"unwritable": ...}
Reply = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What to build: files, the input's shapes in each profile, and the options.

    `timing_cache` is the file that the build starts from (an empty one to record) and leaves its tactics in; empty for
    none. `limits` bound what ONNX Runtime may cost when the engine is compared with it.
    """

    backend: Backend
    model: str
    output: str
    precision: Precision
    profiles: tuple[Shapes, ...]
    options: EngineOptions
    image: InputSpec
    limits: Limits
    timing_cache: str = ""

    @property
    def line(self) -> bytes:
        """The request as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Request:
        """Read what `line` gave."""
        data = json.loads(line)
        options = data["options"]
        return cls(
            **{
                **data,
                "profiles": tuple(_shapes(shapes) for shapes in data["profiles"]),
                "options": EngineOptions(**{**options, "compute_capabilities": tuple(options["compute_capabilities"])}),
                "image": InputSpec(**data["image"]),
                "limits": Limits(**data["limits"]),
            }
        )


def _shapes(data: Mapping[str, list[int]]) -> Shapes:
    return Shapes(*(tuple(data[name]) for name in ("minimum", "optimum", "maximum")))


@dataclass(frozen=True)
class NetworkTensor:
    """A tensor of the parsed network: its name, type such as `HALF`, and dims, -1 where they are free."""

    name: str
    dtype: str
    dims: Shape

    def takes(self, shape: Shape) -> bool:
        """Whether the tensor can have this shape."""
        same_rank = len(self.dims) == len(shape)
        return same_rank and all(dim in (-1, size) for dim, size in zip(self.dims, shape, strict=True))

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> NetworkTensor:
        """Read what JSON left of one."""
        return cls(data["name"], data["dtype"], tuple(data["dims"]))
