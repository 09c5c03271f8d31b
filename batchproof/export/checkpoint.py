"""The weights of a checkpoint from outside, in the form in which networks take them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from batchproof.artifacts.input_file import opened
from batchproof.errors import InputError
from batchproof.export.key_names import first_quoted
from batchproof.export.plain_tensors import is_plain
from batchproof.export.safetensors_file import read_safetensors
from batchproof.export.state_dict import find_state_dict
from batchproof.export.torch_file import SAVE_ALONE, read_torch

SAFETENSORS = ".safetensors"

# The largest known face checkpoint, iresnet200 with its optimiser's state, has 1.5 GB. Reading one needs more memory
# than the file has bytes, so anything far above is refused before it is read.
LARGEST_CHECKPOINT = 4 * 2**30

# The largest known network, vit_l, has 256 million weights. A file of few bytes can name the same ones many times, and
# as float32 each of them is a copy.
LARGEST_NETWORK = 2**28

# A constant of SCRFD's unused distribution loss, which every official checkpoint carries.
_IGNORED = frozenset({"bbox_head.integral.project"})


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
    needs code to be loaded, holds more weights than `LARGEST_NETWORK`, NaN or Inf, or holds the weights of one network
    more than once (raw and averaged).
    """
    found, remarks = find_state_dict(_load(path), path)
    stored = {key: tensor for key, tensor in found.items() if key not in _IGNORED}
    _require_plain(stored, path)
    _require_size(stored, path)
    weights = {key: _as_float32(tensor) for key, tensor in stored.items()}
    _require_finite(weights, path)
    return Checkpoint(weights, (*remarks, *_converted(stored)))


def _load(path: Path) -> object:
    with opened(path, largest=LARGEST_CHECKPOINT, too_large=SAVE_ALONE) as stream:
        read = read_safetensors if path.suffix.lower() == SAFETENSORS else read_torch
        return read(stream, path)


def _require_plain(weights: dict[str, Tensor], path: Path) -> None:
    if odd := [key for key, tensor in weights.items() if not is_plain(tensor)]:
        what = f"weights are sparse, nested, quantised, packed, complex or without data: {first_quoted(odd)}"
        raise InputError(what, where=path, remedy=SAVE_ALONE)


def _require_size(weights: dict[str, Tensor], path: Path) -> None:
    if (size := sum(tensor.numel() for tensor in weights.values())) > LARGEST_NETWORK:
        what = f"{size} weights are too many for a face model, {LARGEST_NETWORK} are allowed"
        raise InputError(what, where=path, remedy=SAVE_ALONE)


def _require_finite(weights: dict[str, Tensor], path: Path) -> None:
    if broken := [key for key, tensor in weights.items() if not tensor.isfinite().all()]:
        what = f"weights hold NaN or Inf: {first_quoted(broken)}"
        raise InputError(what, where=path, remedy="Take a checkpoint from before the training diverged")


def _converted(weights: dict[str, Tensor]) -> list[str]:
    types = {str(tensor.dtype).removeprefix("torch.") for tensor in weights.values() if tensor.is_floating_point()}
    others = sorted(types - {"float32"})
    return [f"stored as {', '.join(others)}, exported as float32"] if others else []


def _as_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
