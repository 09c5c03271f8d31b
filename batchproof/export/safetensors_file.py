"""Reading weights in the safetensors format: a header and numbers, which can carry no code."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from torch import Tensor

from batchproof.errors import InputError, MissingDependencyError


def read_safetensors(stream: BinaryIO, path: Path) -> dict[str, Tensor]:
    """Read every tensor of `stream`, the open file at `path`, on the CPU, in the type in which it is stored.

    The format's own library checks that the header is JSON of at most 100 MB and that the tensors fill the file without
    gap or overlap. Raises `InputError` with its sentence where they do not.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load
    except ImportError as error:
        raise MissingDependencyError.for_extra("safetensors", "export") from error
    try:
        weights: dict[str, Tensor] = load(stream.read())
    except (SafetensorError, KeyError, ValueError) as error:  # KeyError: a type that torch has no word for
        what = f"not a safetensors file, or a damaged one ({error})"
        raise InputError(what, where=path, remedy="Fetch or save the file again") from error
    return weights
