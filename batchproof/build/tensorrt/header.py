"""The first bytes of an engine file, which name the TensorRT that wrote it: readable without TensorRT or a GPU.

Enterprise engines begin with `ftrt`, as trtexec --getPlanVersionOnly reads them, those of TensorRT-RTX 1.7 with `vtrt`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from batchproof.artifacts.input_file import opened
from batchproof.build.tensorrt.compat import NAMES, Backend
from batchproof.errors import InputError

_TAGS: dict[bytes, Backend] = {b"ftrt": "tensorrt", b"vtrt": "rtx"}
_SERIALISATION = slice(4, 8)
_VERSION = slice(24, 28)


@dataclass(frozen=True)
class EngineHeader:
    """Which TensorRT wrote an engine: the product, and its version such as `10.9.0.34`."""

    backend: Backend
    version: str


def read_header(path: Path) -> EngineHeader:
    """Read who wrote the engine at `path`; raises `InputError` when it is no engine of a layout that is known."""
    with opened(path) as stream:
        head = stream.read(_VERSION.stop)
    backend = _TAGS.get(head[:4])
    if backend is None or len(head) < _VERSION.stop or any(head[_SERIALISATION]):
        remedy = "Name the engine file that the builder wrote, or build it again"
        raise InputError("is no TensorRT engine, or a truncated one", where=path, remedy=remedy)
    return EngineHeader(backend, ".".join(map(str, head[_VERSION])))


def require_version(path: Path, backend: Backend, installed: str) -> None:
    """Raise `InputError` when the engine at `path` was not written by this very `installed` build of `backend`.

    TensorRT's own sentence speaks of serialization versions and magic tags.
    """
    header = read_header(path)
    if header.backend != backend or not _is_release(header.version, installed):
        written = f"{NAMES[header.backend]} {header.version}"
        raise InputError(
            f"was written by {written}, and {NAMES[backend]} {installed} is installed",
            where=path,
            remedy=f"Build it again with what is installed, or use {written}",
        )


def _is_release(written: str, installed: str) -> bool:
    """Compare number by number: packages say `10.0.0b6` or leave the last number away."""
    return all(one == other for one, other in zip(written.split("."), re.findall(r"\d+", installed), strict=False))
