"""From an mmdet configuration of SCRFD to the network's numbers: the dataclass that the published variants use too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from batchproof.errors import InputError, MissingDependencyError
from batchproof.export.mmdet import schema
from batchproof.export.mmdet.literal import check_plain
from batchproof.export.mmdet.shapes import contradictions, variant_of
from batchproof.export.networks.scrfd import Variant
from batchproof.zoo import families
from batchproof.zoo.spec import InputSpec, ModelSpec

Checked = TypeVar("Checked")

_REMEDY = "Known are SCRFD's own configurations, with any blocks, planes, widths and depths"


@dataclass(frozen=True)
class Configured:
    """The network that a configuration describes, and what it promises."""

    variant: Variant
    spec: ModelSpec


def read_config(path: Path) -> Configured:
    """Read the configuration at `path` and what it builds upon, with `mmengine.Config`.

    mmengine runs such files as Python. So they are first checked to be plain data, and refused where they are more, or
    would become much larger than they are. Raises `InputError` for such files, for other models than SCRFD, for
    unknown options and for numbers that do not fit each other; `MissingDependencyError` without mmengine.
    """
    values = _run(check_plain(path)[0])
    detector = _validated(schema.Detector, values.get("model"), "model", path)
    if faults := contradictions(detector):
        raise _refused("; ".join(faults), path)
    variant = variant_of(detector)
    head = variant.head
    spec = families.scrfd(keypoints=head.keypoints, strides=head.strides, anchors_per_cell=head.anchors)
    return Configured(variant, replace(spec, input=_normalised(spec.input, values, path)))


def _run(checked: Path) -> Mapping[str, object]:
    try:
        from mmengine import Config
    except ImportError as error:
        raise MissingDependencyError.for_extra("mmengine", "mmdet") from error
    try:
        config = Config.fromfile(
            checked,
            lazy_import=False,
            # What would bring text or code from elsewhere into the checked files.
            import_custom_modules=False,
            use_predefined_variables=False,
            use_environment_variables=False,
        )
    except Exception as error:  # whatever the file's own sums and mmengine's merging may raise
        what = f"mmengine cannot read it ({type(error).__name__}: {error})"
        raise InputError(what, where=checked, remedy="Check the file with mmengine.Config.fromfile") from error
    values: Mapping[str, object] = config.to_dict()
    return values


def _validated(kind: type[Checked], value: object, name: str, path: Path) -> Checked:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, (name, *fault['loc'])))}: {fault['msg']}" for fault in error.errors()[:3])
        raise _refused("; ".join(faults), path) from error


def _normalised(image: InputSpec, values: Mapping[str, object], path: Path) -> InputSpec:
    """Take the preprocessing from the pipeline that the model was tested with, where there is one."""
    steps = list(_normalising(values.get("test_pipeline")))
    found = {_validated(schema.Normalize, step, "test_pipeline.Normalize", path) for step in steps}
    if not found:
        return image
    step, *others = found
    if others or len({*step.mean}) > 1 or len({*step.std}) > 1:
        raise _refused("test_pipeline normalises in more than one way, or not all colours alike", path)
    return replace(image, mean=step.mean[0], std=step.std[0], colour="RGB" if step.to_rgb else "BGR")


def _normalising(value: object) -> Iterator[Mapping[str, object]]:
    """Find every step of type Normalize, however deep it stands in the pipeline."""
    if isinstance(value, Mapping):
        if value.get("type") == "Normalize":
            yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _normalising(part)


def _refused(faults: str, path: Path) -> InputError:
    return InputError(f"configuration refused: {faults}", where=path, remedy=_REMEDY)
