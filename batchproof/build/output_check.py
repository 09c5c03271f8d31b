"""What is asked of the outputs of a built model: rows, numbers, and the distance to what they should be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batchproof.runtime import Outputs

Array = NDArray[np.float32]


def problem(outputs: Outputs, batch: int) -> str | None:
    """Say which output has not `batch` rows first, or holds NaN or Inf; None when all are well."""
    return next(filter(None, (_problem(name, array, batch) for name, array in outputs.items())), None)


def largest_difference(found: Outputs, expected: Outputs) -> tuple[float, str]:
    """Return the largest difference of any output, and that output's name; one of another shape is infinitely far.

    Outputs above 1 are measured in parts of their largest value: AdaFace's norms reach 80, where half has one digit
    behind the point.
    """
    differences = {name: _difference(found.get(name), array) for name, array in expected.items()}
    witness = max(differences, key=lambda name: differences[name])
    return differences[witness], witness


def _problem(name: str, array: Array, batch: int) -> str | None:
    if array.ndim == 0 or array.shape[0] != batch:
        return f"output '{name}' is {list(array.shape)} for {batch} images"
    if not np.isfinite(array).all():
        return f"output '{name}' holds NaN or Inf for {batch} images"
    return None


def _difference(found: Array | None, expected: Array) -> float:
    if found is None or found.shape != expected.shape or not np.isfinite(expected).all():
        return float("inf")
    peak = max(1.0, float(np.abs(expected).max(initial=0)))
    return float(np.abs(found - expected).max(initial=0)) / peak
