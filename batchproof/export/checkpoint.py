"""Reading a PyTorch checkpoint from outside: tensors only, never the code that a pickle may carry."""

from __future__ import annotations

import os
import re
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from batchproof.errors import InputError
from batchproof.export.safetensors_file import read_safetensors
from batchproof.export.state_dict import SAVE_ALONE, find_state_dict, without_wrappers

SAFETENSORS = ".safetensors"

# The largest known face checkpoint, iresnet200 with its optimiser's state, has 1.5 GB. torch.load needs more memory
# than the file has bytes, so anything far above is refused before it is read.
LARGEST_CHECKPOINT = 4 * 2**30

# A constant of SCRFD's unused distribution loss, which every official checkpoint carries.
_IGNORED = frozenset({"bbox_head.integral.project"})

# How a pickle begins, and how torch's legacy format does, which is a pickle of a magic number first.
_PICKLE, _LEGACY_MAGIC = b"\x80", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."

_FETCH_AGAIN = "Fetch or save the checkpoint again"


@dataclass(frozen=True)
class Checkpoint:
    """The weights of a file, floating-point ones as float32, and in what they differ from what was stored."""

    weights: dict[str, Tensor]
    remarks: tuple[str, ...] = ()

    @property
    def remark(self) -> str:
        """Say what was unwrapped, left out and converted; nothing where the file is a plain float32 state dict."""
        return "".join(f"; {remark}" for remark in self.remarks)


def load_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the weights in `path` as `read_checkpoint` does."""
    return read_checkpoint(path).weights


def read_checkpoint(path: Path) -> Checkpoint:
    """Read the weights in `path`, on the CPU, floating-point ones as float32, by their keys in the bare network.

    Accepts a safetensors file, or torch's current and legacy formats with a state dict, or with a dictionary that has
    one under any key (mmdetection, Lightning, InsightFace). The prefixes of data-parallel training, torch.compile and
    other wrappers are taken off; where Lightning keeps the network under `model.`, its loss head beside it is left out.
    The remarks say so. Raises `InputError` when the file is missing, unreadable, too large, truncated, no checkpoint,
    needs code to be loaded, holds NaN or Inf, or holds the weights of one network more than once (raw and averaged).
    """
    stored, remarks = find_state_dict(_load(path), path)
    weights, taken_off = without_wrappers(stored)
    if odd := [key for key, tensor in weights.items() if not _is_plain(tensor)]:
        what = f"weights are sparse, nested, quantised, complex or without data: {', '.join(odd[:3])}"
        raise InputError(what, where=path, remedy=SAVE_ALONE)
    converted = _converted(weights)
    weights = {key: _as_float32(tensor) for key, tensor in weights.items() if key not in _IGNORED}
    if broken := [key for key, tensor in weights.items() if not tensor.isfinite().all()]:
        more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        what = f"weights hold NaN or Inf: {', '.join(broken[:3])}{more}"
        raise InputError(what, where=path, remedy="Take a checkpoint from before the training diverged")
    return Checkpoint(weights, (*remarks, *taken_off, *converted))


def _is_plain(tensor: Tensor) -> bool:
    if tensor.is_nested or tensor.layout is not torch.strided or tensor.is_meta:
        return False
    # An expanded tensor says that it is larger than the file can be.
    held = tensor.untyped_storage().nbytes() >= tensor.numel() * tensor.element_size()
    return held and not tensor.is_quantized and not tensor.is_complex()


def _load(path: Path) -> object:
    try:
        if not (path.is_dir() or stat.S_ISREG(path.stat().st_mode)):
            raise InputError("not a regular file", where=path, remedy="Name a checkpoint")
        with path.open("rb") as stream:
            _check_size(path, os.fstat(stream.fileno()).st_size)
            return read_safetensors(path) if path.suffix.lower() == SAFETENSORS else _unpickled(stream, path)
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror})", where=path, remedy="Check the path and its permissions"
        ) from error


def _check_size(path: Path, size: int) -> None:
    if size > LARGEST_CHECKPOINT:
        raise InputError(f"{size} bytes are too large for a face model", where=path, remedy=SAVE_ALONE)


def _unpickled(stream: BinaryIO, path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # doubts about the pickle, which either loads or does not
            return torch.load(stream, map_location="cpu", weights_only=True)
    except Exception as error:  # Foreign bytes reach torch's unpickler, which answers with nearly any exception.
        raise _not_loadable(path, str(error), bare=_is_bare_pickle(stream)) from error


def _is_bare_pickle(stream: BinaryIO) -> bool:
    stream.seek(0)
    start = stream.read(len(_LEGACY_MAGIC))
    return start.startswith(_PICKLE) and start != _LEGACY_MAGIC


def _not_loadable(path: Path, answer: str, *, bare: bool) -> InputError:
    """Tell code, bare pickles and TorchScript, which are whole files of the wrong kind, from damage."""
    if code := re.search(r"GLOBAL (\S+)", answer):
        what = f"refused: loading it would run code ({code[1]}), and code in a checkpoint can do anything"
        return InputError(what, where=path, remedy=SAVE_ALONE)
    if bare:
        what = "refused: a bare pickle, not a checkpoint of torch, and code in a pickle can do anything"
        return InputError(what, where=path, remedy=SAVE_ALONE)
    if "TorchScript" in answer:
        return InputError("a TorchScript program, not a checkpoint", where=path, remedy=SAVE_ALONE)
    return InputError("not a PyTorch checkpoint, or a truncated one", where=path, remedy=_FETCH_AGAIN)


def _converted(weights: dict[str, Tensor]) -> list[str]:
    types = {str(tensor.dtype).removeprefix("torch.") for tensor in weights.values() if tensor.is_floating_point()}
    others = sorted(types - {"float32"})
    return [f"stored as {', '.join(others)}, exported as float32"] if others else []


def _as_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
