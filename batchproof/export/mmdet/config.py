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
from batchproof.zoo.spec import ModelSpec


@dataclass(frozen=True)
class Configured:
    """The network that a configuration describes, and what it promises."""

    variant: Variant
    spec: ModelSpec


def read_config(path: Path) -> Configured:
    """Read the configuration at `path` and what it builds upon, with `mmengine.Config`.

    mmengine runs such files as Python. So they are read once, checked to be plain data, and refused where they are
    more, or would become much larger than they are; mmengine reads copies of what was checked. Raises `InputError` for
    such files, for other models than SCRFD, for unknown options, for numbers that do not fit each other or are beyond
    any detector, and for preprocessing that is not one; `MissingDependencyError` without mmengine.
    """
    values = evaluated(read_plain(path))
    detector = validated(schema.Detector, values.get("model"), "model", path)
    if faults := contradictions(detector):
        raise refused("; ".join(faults), path)
    variant = variant_of(detector)
    head = variant.head
    spec = families.scrfd(keypoints=head.keypoints, strides=head.strides, anchors_per_cell=head.anchors)
    return Configured(variant, replace(spec, input=normalised(spec.input, values, path)))
