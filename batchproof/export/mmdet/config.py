"""From an mmdet configuration of SCRFD to the network's numbers: the dataclass that the published variants use too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from batchproof.export.mmdet import schema
from batchproof.export.mmdet.evaluated import evaluated
from batchproof.export.mmdet.literal import read_plain
from batchproof.export.mmdet.preprocessing import normalised
from batchproof.export.mmdet.shapes import contradictions, variant_of
from batchproof.export.mmdet.validated import refused, validated
from batchproof.export.networks.scrfd import Variant
from batchproof.zoo import families
from batchproof.zoo.pack import ConfigFile
from batchproof.zoo.spec import InputSpec, ModelSpec


@dataclass(frozen=True)
class Configured:
    """The network that a configuration describes, what it promises, and the files that say so, as they were read.

    The first file is the configuration, the others are those that it builds upon, each once. `remark` goes on in a
    sentence with what was assumed; it is empty where the files say everything.
    """

    variant: Variant
    spec: ModelSpec
    files: tuple[ConfigFile, ...]
    remark: str = ""


def read_config(path: Path) -> Configured:
    """Read the configuration at `path` and what it builds upon, with `mmengine.Config`.

    mmengine runs such files as Python. So they are read once, checked to be plain data, and refused where they are
    more, or would become much larger than they are; mmengine reads copies of what was checked. Raises `InputError` for
    such files, for other models than SCRFD, for unknown options, for numbers that do not fit each other or are beyond
    any detector, and for preprocessing that is unknown or not one; `MissingDependencyError` without mmengine.
    """
    plain = read_plain(path)
    values = evaluated(plain)
    detector = validated(schema.Detector, values.get("model"), "model", path)
    if faults := contradictions(detector):
        raise refused("; ".join(faults), path)
    variant = variant_of(detector)
    head = variant.head
    spec = families.scrfd(keypoints=head.keypoints, strides=head.strides, anchors_per_cell=head.anchors)
    image = normalised(spec.input, values, path)
    if image is None:
        return Configured(variant, spec, plain.files, _assumed(spec.input))
    return Configured(variant, replace(spec, input=image), plain.files)


def _assumed(image: InputSpec) -> str:
    way = f"{image.colour}, (pixel - {image.mean}) / {image.std}"
    return f"; the configuration does not say how it tests: SCRFD's own preprocessing is assumed, {way}"
