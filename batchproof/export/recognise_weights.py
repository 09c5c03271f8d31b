"""Which architecture a state dict belongs to, decided by its keys and shapes alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from torch import Tensor

from batchproof.errors import InputError
from batchproof.export.deviations import Shapes, deviations
from batchproof.export.key_names import first_quoted
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.zoo.spec import ModelSpec

_NEAR = 0.5  # how well the entries must fit for a file to count as a variant or a fragment of an architecture


@dataclass(frozen=True)
class CheckpointRecognition:
    """The architecture of a state dict, its spec, and the sentence that says why."""

    architecture: str
    spec: ModelSpec
    reason: str


def recognise_checkpoint(weights: Mapping[str, Tensor], where: Path | None = None) -> CheckpointRecognition:
    """Recognise the one architecture that `weights` fill exactly.

    Raises `InputError` when there is none: with the entries that differ when one is near, else with the known names.
    """
    shapes = _shapes(weights)
    nearest = _nearest(shapes)
    wanted = _wanted(nearest)
    if shapes == wanted:
        reason = f"all {len(wanted)} entries have the names and shapes of {nearest}"
        return CheckpointRecognition(nearest, CATALOGUE[nearest].spec, reason)
    if _fit(wanted, shapes) < _NEAR:
        raise InputError(
            f"no known face model: holds {len(shapes)} entries ({first_quoted(sorted(shapes)) or 'nothing'})",
            where=where,
            remedy=f"Known architectures are {', '.join(CATALOGUE)}",
        )
    raise InputError(
        f"nearly a {nearest}, but {deviations(wanted, shapes)}",
        where=where,
        remedy="Take the checkpoint of an unmodified network, whole",
    )


def resembles_known(weights: Mapping[str, Tensor]) -> bool:
    """Say whether `weights` are those of an architecture, or of a variant or a fragment of one."""
    shapes = _shapes(weights)
    return _fit(_wanted(_nearest(shapes)), shapes) >= _NEAR


def _shapes(weights: Mapping[str, Tensor]) -> Shapes:
    return {key: tuple(tensor.shape) for key, tensor in weights.items()}


def _nearest(shapes: Shapes) -> str:
    return max(CATALOGUE, key=lambda name: _fit(_wanted(name), shapes))


@cache
def _wanted(name: str) -> Shapes:
    return {key: tuple(tensor.shape) for key, tensor in CATALOGUE[name].skeleton().state_dict().items()}


def _fit(wanted: Shapes, shapes: Shapes) -> float:
    """Entries of either side that the other has, half for the name and half for the shape: 1 for equal sets.

    Names count by themselves because other widths of a known network should be told as what they are.
    """
    common = wanted.keys() & shapes.keys()
    agreeing = sum(wanted[key] == shapes[key] for key in common)
    return (len(common) + agreeing) / 2 / len(wanted.keys() | shapes.keys())
