"""What can be chosen about the file that a network becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Exporter = Literal["torchscript", "dynamo"]

OLDEST_OPSET, NEWEST_OPSET = 13, 21


@dataclass(frozen=True)
class ExportOptions:
    """Which of torch's exporters writes which opset; `unit_embedding` divides each embedding by its length."""

    exporter: Exporter = "torchscript"
    opset: int = 17
    unit_embedding: bool = False


DEFAULTS = ExportOptions()
