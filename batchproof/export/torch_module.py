"""Whether PyTorch is there, asked without importing it."""

from __future__ import annotations

from importlib.util import find_spec

from batchproof.errors import MissingDependencyError


def require_torch() -> None:
    """Raise `MissingDependencyError` when PyTorch is not installed: before any module that imports it."""
    if find_spec("torch") is None:
        raise MissingDependencyError.for_extra("torch", "export")
