"""Gender and age by genderage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batchproof.pipeline.decode import Floats
from batchproof.pipeline.face_network import infer_crops, require_role
from batchproof.pipeline.nms import Boxes
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.upright import upright_crops
from batchproof.runtime import Runner
from batchproof.zoo.spec import ModelSpec


@dataclass(frozen=True)
class Attributes:
    """What genderage says of n faces: `male` `[n]`, bool, and `age` in whole years `[n]`, int64."""

    male: NDArray[np.bool_]
    age: NDArray[np.int64]

    def take(self, part: slice) -> Attributes:
        """Return a run of the faces."""
        return Attributes(self.male[part], self.age[part])


@dataclass(frozen=True)
class AttributeReader:
    """The network genderage on any backend, for any number of faces.

    `spec` describes the model that `runner` executes; no batch is larger than `largest_batch`. Raises `InputError`
    when `spec` is of no attribute network.
    """

    runner: Runner
    spec: ModelSpec
    largest_batch: int = 8

    def __post_init__(self) -> None:
        require_role(self.spec, "attributes", self.largest_batch)

    def read(self, pictures: Sequence[Pixels], boxes: Sequence[Boxes]) -> Attributes:
        """Judge all faces; `boxes` has for each picture its faces, `[faces, 4]` in picture pixels.

        Raises `InputError` for boxes without extent, and `StepFailedError` for outputs that do not fit `spec` or are
        not finite.
        """
        crops, _ = upright_crops(pictures, boxes, self.spec.input.height or 0)
        return decode_attributes(infer_crops(self.runner, self.spec, crops, self.largest_batch))


def decode_attributes(raw: Floats) -> Attributes:
    """Read raw outputs `[n, 3]`: a value for female, one for male (equal ones say female), and age / 100."""
    return Attributes(raw[:, 1] > raw[:, 0], np.round(raw[:, 2] * np.float32(100)).astype(np.int64))
