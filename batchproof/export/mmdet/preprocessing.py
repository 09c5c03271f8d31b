"""How a configuration says that pixels are normalised: in pipelines of its test data, or beside the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, with_config

from batchproof.export.mmdet.pipelines import Normalize, entry_at, normalising_steps
from batchproof.export.mmdet.schema import Deviation, Flag, Level, Truly
from batchproof.export.mmdet.validated import refused, validated
from batchproof.zoo.spec import InputSpec

_PREPROCESSORS = ("model.data_preprocessor", "data_preprocessor")  # mmengine takes the second where the first is absent


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class DataPreprocessor:
    """What mmdet 3 does to a batch of BGR images; fields of type `Any` pad, augment or convert annotations."""

    type: Literal["DetDataPreprocessor"]
    mean: tuple[Level, Level, Level] | None = None
    std: tuple[Deviation, Deviation, Deviation] | None = None
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


def normalised(image: InputSpec, values: Mapping[str, object], path: Path) -> InputSpec | None:
    """Return `image` with the preprocessing that the configuration at `path` tests with; None where it has none.

    Read are all pipelines of test and validation data, and mmdet 3's `data_preprocessor`, which comes after them.
    Where these leave pixels alone, the network sees them as mmdet reads them: BGR with mean 0 and std 1. Raises
    `InputError` where they disagree, where both a pipeline and the preprocessor change pixels, where not all colours
    are treated alike, and for steps of a pipeline that are not known.
    """
    raw = replace(image, mean=0.0, std=1.0, colour="BGR")
    in_pipelines = {name: _way(raw, step, name, path) for name, step in normalising_steps(values, path).items()}
    beside = {name: _way(raw, step, name, path) for name, step in _preprocessors(values, path).items()}
    layers = [ways for ways in (in_pipelines, beside) if ways]
    for ways in layers:
        if len({*ways.values()}) > 1:
            raise refused(f"pixels are normalised in more than one way: {_told(ways)}", path)
    acting = [ways for ways in layers if raw not in ways.values()]
    if len(acting) > 1:
        raise refused(f"pixels are normalised twice: {_told(in_pipelines)}; and after that {_told(beside)}", path)
    return next((way for ways in acting or layers for way in ways.values()), None)


def _preprocessors(values: Mapping[str, object], path: Path) -> dict[str, DataPreprocessor]:
    found = {place: entry_at(values, place) for place in _PREPROCESSORS}
    return {place: validated(DataPreprocessor, step, place, path) for place, step in found.items() if step is not None}


def _way(raw: InputSpec, step: Normalize | DataPreprocessor | None, name: str, path: Path) -> InputSpec:
    """Return what the network sees after `step` alone."""
    if step is None:
        return raw
    image = replace(raw, colour="RGB" if step.to_rgb else "BGR")
    if step.mean is None and step.std is None:
        return image
    if step.mean is None or step.std is None:
        raise refused(f"{name}: mean and std belong together, and one is missing", path)
    if len({*step.mean}) > 1 or len({*step.std}) > 1:
        raise refused(f"{name}: not all colours have one mean and one std", path)
    return replace(image, mean=step.mean[0], std=step.std[0])


def _told(ways: Mapping[str, InputSpec]) -> str:
    return "; ".join(f"{name} has mean {way.mean}, std {way.std}, {way.colour}" for name, way in ways.items())
