"""What the build stage wrote of an engine beside its job: `MODEL.io.json`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from batchproof.artifacts.input_file import read_bytes
from batchproof.errors import StoreError
from batchproof.profile import EngineProfiles, Shapes
from batchproof.zoo.spec import ModelSpec

_LARGEST = 2**20  # bytes; nine outputs have a few thousand
_FLOAT = "FLOAT"
_REMEDY = "Run the build stage again"


@with_config(ConfigDict(extra="ignore"))
@dataclass(frozen=True)
class DescribedTensor:
    """One tensor of an engine, with its shapes in each profile: FP32 is what all pipelines send and take."""

    name: str
    mode: str
    dtype: str
    shapes: tuple[Shapes, ...]


@with_config(ConfigDict(extra="ignore"))
@dataclass(frozen=True)
class DescribedOptions:
    """What a server must be told of how the engine will have been built."""

    version_compatible: bool = False


@with_config(ConfigDict(extra="ignore"))
@dataclass(frozen=True)
class EngineDescription:
    """The profiles and the tensors of an engine that is still to be built."""

    profiles: tuple[str, ...]
    tensors: tuple[DescribedTensor, ...]
    options: DescribedOptions = DescribedOptions()

    def engine_profiles(self) -> EngineProfiles:
        """Read the profiles; raises `InputError` for what is none."""
        return EngineProfiles.parse("+".join(self.profiles))


def read_description(path: Path, spec: ModelSpec) -> EngineDescription:
    """Read the description of the engine of a model.

    Raises `InputError` where there is none, `StoreError` when it is not one or its tensors are not those of `spec`.
    """
    try:
        found: EngineDescription = TypeAdapter[Any](EngineDescription).validate_json(read_bytes(path, largest=_LARGEST))
    except ValidationError as error:
        first = error.errors()[0]
        what = f"is no description of an engine ({first['msg']} at '{'.'.join(map(str, first['loc']))}')"
        raise StoreError(what, where=path, remedy=_REMEDY) from error
    _require_tensors(found, spec, path)
    _require_ranks(found, path)
    return found


def _require_ranks(found: EngineDescription, path: Path) -> None:
    for tensor in found.tensors:
        shapes = [shape for one in tensor.shapes for shape in (one.minimum, one.optimum, one.maximum)]
        if len({len(shape) for shape in shapes}) != 1:
            raise StoreError(f"has no shapes of one rank for '{tensor.name}'", where=path, remedy=_REMEDY)


def _require_tensors(found: EngineDescription, spec: ModelSpec, path: Path) -> None:
    named = [(tensor.mode, tensor.name, tensor.dtype) for tensor in found.tensors]
    wanted = [("input", spec.input.name, _FLOAT), *(("output", output.name, _FLOAT) for output in spec.outputs)]
    if named != wanted:
        different = next((pair for pair in zip(named, wanted, strict=False) if pair[0] != pair[1]), None)
        detail = f"has {different[0]}, expected {different[1]}" if different else f"has {len(named)} tensors"
        raise StoreError(f"is of another model: {detail}", where=path, remedy=_REMEDY)
