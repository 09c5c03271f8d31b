"""Where everything lies in a store: the contract between the stages, and with whoever reads a store from outside."""

from __future__ import annotations

from batchproof.zoo.spec import Precision

_SUFFIXES = {"ort": "ort", "rtx": "engine", "tensorrt": "engine"}


def exported(model: str) -> str:
    """The original that everything is measured against."""
    return f"export/{model}.onnx"


def repaired(model: str, precision: Precision) -> str:
    """The batch-safe graph."""
    return f"surgery/{model}.{precision}.onnx"


def built(model: str, precision: Precision, backend: str) -> str:
    """The session file of `ort`, the engine of `rtx` and `tensorrt`."""
    return f"build/{backend}/{model}.{precision}.{_SUFFIXES[backend]}"
