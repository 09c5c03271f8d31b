"""What a configuration's pipelines of test data do to pixels: all steps are known, and at most one normalises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, with_config

from batchproof.export.mmdet.schema import Deviation, Flag, Level
from batchproof.export.mmdet.validated import refused, validated

_PIPELINES = ("test_pipeline", "val_pipeline")
_DATA = ("data.test", "data.val", "test_dataloader", "val_dataloader")  # of mmdet 2 and of mmdet 3

# They move, pad or pack pixels and leave their levels and the order of their colours.
_HARMLESS = (
    *("LoadAnnotations", "Resize", "FixShapeResize", "RandomFlip", "Pad"),
    *("ImageToTensor", "DefaultFormatBundle", "Collect", "PackDetInputs"),
)


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
class LoadImageFromFile:
    """The step that reads an image as BGR with levels of 0..255; fields of type `Any` concern files and types."""

    type: Literal["LoadImageFromFile"]
    color_type: Literal["color", "color_ignore_orientation"] = "color"
    channel_order: Literal["bgr"] = "bgr"
    imdecode_backend: Literal["cv2", "turbojpeg", "pillow"] | None = None
    to_float32: Any = None
    ignore_empty: Any = None
    file_client_args: Any = None
    backend_args: Any = None


def normalising_steps(values: Mapping[str, object], path: Path) -> dict[str, Normalize | None]:
    """Return the step that normalises of every pipeline of test and validation data, by the pipeline's name.

    None stands for a pipeline that leaves pixels as they are read. Raises `InputError` for a pipeline that normalises
    more than once, and for a step that is not known to leave pixels alone.
    """
    return {name: _normalising(steps, name, path) for name, steps in _pipelines(values, path)}


def entry_at(values: object, place: str) -> object:
    """Return what stands at `place`, `data.test` for one, in nested dictionaries; None where there is nothing."""
    for key in place.split("."):
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _pipelines(values: Mapping[str, object], path: Path) -> Iterator[tuple[str, object]]:
    yield from ((name, values[name]) for name in _PIPELINES if values.get(name) is not None)
    for place in _DATA:
        yield from _within(entry_at(values, place), place, path)


def _within(value: object, name: str, path: Path) -> Iterator[tuple[str, object]]:
    """Find the pipelines of all datasets that there are, however deep they stand."""
    if isinstance(value, Mapping):
        inner = [found for key in value if key != "pipeline" for found in _within(value[key], f"{name}.{key}", path)]
        if "pipeline" in value and inner:
            raise refused(f"{name}.pipeline comes on top of {inner[0][0]}, and only single ones are known", path)
        yield from [(f"{name}.pipeline", value["pipeline"])] if "pipeline" in value else inner
    if isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from _within(part, f"{name}.{number}", path)


def _normalising(steps: object, name: str, path: Path) -> Normalize | None:
    found = list(_checked(steps, name, path))
    if len(found) > 1:
        raise refused(f"{name} normalises pixels {len(found)} times, one time is known", path)
    return found[0] if found else None


def _checked(steps: object, name: str, path: Path) -> Iterator[Normalize]:
    """Let through steps that leave pixels alone, and yield those that normalise."""
    if not isinstance(steps, list | tuple):
        raise refused(f"{name}: is no list of steps", path)
    for step in steps:
        kind = step.get("type") if isinstance(step, Mapping) else None
        if kind == "MultiScaleFlipAug":
            yield from _checked(step.get("transforms"), f"{name}.{kind}", path)
        elif kind == "LoadImageFromFile":
            validated(LoadImageFromFile, step, f"{name}.{kind}", path)
        elif kind == "Normalize":
            yield validated(Normalize, step, f"{name}.{kind}", path)
        elif kind not in _HARMLESS:
            raise refused(f"{name} has a step of type {kind!r:.40}, which may change pixels", path)
