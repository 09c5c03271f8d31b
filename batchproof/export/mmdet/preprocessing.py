"""How a configuration says that pixels are normalised: in a pipeline of its test data, or beside the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, with_config

from batchproof.export.mmdet.schema import Deviation, Flag, Level, Truly
from batchproof.export.mmdet.validated import refused, validated
from batchproof.zoo.spec import InputSpec

_PIPELINES = ("test_pipeline", "data.test", "test_dataloader")
_PREPROCESSORS = ("model.data_preprocessor", "data_preprocessor")  # mmengine takes the second where the first is absent


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Normalize:
    """The step of a pipeline that normalises pixels, of each colour by itself."""

    type: Literal["Normalize"]
    mean: tuple[Level, Level, Level]
    std: tuple[Deviation, Deviation, Deviation]
    to_rgb: Flag = True


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class DataPreprocessor:
    """What mmdet 3 does to a batch of BGR images; fields of type `Any` pad, augment or convert annotations."""

    type: Literal["DetDataPreprocessor"]
    mean: tuple[Level, Level, Level]
    std: tuple[Deviation, Deviation, Deviation]
    bgr_to_rgb: Flag = False
    rgb_to_bgr: Annotated[Literal[False], Truly] = False
    pad_size_divisor: Any = None
    pad_value: Any = None
    pad_mask: Any = None
    mask_pad_value: Any = None
    pad_seg: Any = None
    seg_pad_value: Any = None
    boxtype2tensor: Any = None
    non_blocking: Any = None
    batch_augments: Any = None

    @property
    def to_rgb(self) -> bool:
        """Whether the network sees RGB, by the name that pipelines have for it."""
        return self.bgr_to_rgb


def normalised(image: InputSpec, values: Mapping[str, object], path: Path) -> InputSpec:
    """Return `image` with the preprocessing that the configuration at `path` tests with; unchanged where it has none.

    Read are `test_pipeline`, `data.test` and `test_dataloader` with all that is in them, and mmdet 3's
    `data_preprocessor`. Raises `InputError` where they disagree, and where not all colours are treated alike.
    """
    ways = {name: _alike(image, step, name, path) for name, step in _steps(values, path)}
    if len({*ways.values()}) > 1:
        raise refused(f"pixels are normalised in more than one way: {'; '.join(map(_told, ways, ways.values()))}", path)
    return next(iter(ways.values()), image)


def _steps(values: Mapping[str, object], path: Path) -> Iterator[tuple[str, Normalize | DataPreprocessor]]:
    for place in _PIPELINES:
        for number, step in enumerate(_normalising(_at(values, place)), 1):
            name = f"{place}.Normalize" if number == 1 else f"{place}.Normalize ({number})"
            yield name, validated(Normalize, step, name, path)
    for place in _PREPROCESSORS:
        found = _at(values, place)
        if isinstance(found, Mapping) and (found.get("mean"), found.get("std")) != (None, None):
            yield place, validated(DataPreprocessor, found, place, path)


def _at(values: object, place: str) -> object:
    for key in place.split("."):
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _normalising(value: object) -> Iterator[Mapping[str, object]]:
    """Find every step of type Normalize, of whichever package, however deep it stands."""
    if isinstance(value, Mapping):
        if str(value.get("type")).rpartition(".")[2] == "Normalize":
            yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _normalising(part)


def _alike(image: InputSpec, step: Normalize | DataPreprocessor, name: str, path: Path) -> InputSpec:
    if len({*step.mean}) > 1 or len({*step.std}) > 1:
        raise refused(f"{name}: not all colours have one mean and one std", path)
    return replace(image, mean=step.mean[0], std=step.std[0], colour="RGB" if step.to_rgb else "BGR")


def _told(name: str, way: InputSpec) -> str:
    return f"{name} has mean {way.mean}, std {way.std}, {way.colour}"
