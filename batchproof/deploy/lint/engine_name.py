"""The name under which nvinfer writes an engine that it builds, beside the ONNX, and under which it is found again."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

_PATTERN = re.compile(r"(?P<onnx>.+)_b(?P<batch>\d{1,6})_gpu(?P<gpu>\d{1,3})_(?P<mode>fp32|int8|fp16|best)\.engine")
# By network-mode.
MODES = ("fp32", "int8", "fp16", "best")


@dataclass(frozen=True)
class EngineName:
    """`<ONNX file>_b<batch>_gpu<GPU>_<mode>.engine`, nvdsinfer's own pattern."""

    onnx: str
    batch: int
    gpu: int
    mode: str

    @classmethod
    def read(cls, path: str) -> EngineName | None:
        """Read the last part of a path; None for a name of another pattern."""
        found = _PATTERN.fullmatch(posixpath.basename(path))
        return cls(found["onnx"], int(found["batch"]), int(found["gpu"]), found["mode"]) if found else None

    @property
    def text(self) -> str:
        """The name."""
        return f"{self.onnx}_b{self.batch}_gpu{self.gpu}_{self.mode}.engine"
