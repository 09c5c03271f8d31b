"""Aligned crops in, embeddings out, in full batches through any backend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batchproof.pipeline.decode import Floats
from batchproof.pipeline.face_network import infer_crops, require_role
from batchproof.pipeline.picture import Pixels
from batchproof.runtime import Runner
from batchproof.zoo.spec import ModelSpec


@dataclass(frozen=True)
class Embedder:
    """An ArcFace-like embedder on any backend, for any number of aligned crops.

    `spec` describes the model that `runner` executes; no batch is larger than `largest_batch`. Beyond 8, ONNX Runtime's
    CPU gets slower; engines take what they were built for. Raises `InputError` when `spec` is of no embedder.
    """

    runner: Runner
    spec: ModelSpec
    largest_batch: int = 8

    def __post_init__(self) -> None:
        require_role(self.spec, "embedder", self.largest_batch)

    @property
    def crop_size(self) -> int:
        """Side of the crops in pixels."""
        return self.spec.input.height or 0

    def embed(self, crops: Pixels) -> Floats:
        """Embed crops `[n, crop_size, crop_size, 3]`, uint8, BGR: `[n, channels]`, float32, as the network gives them.

        Raises `InputError` for crops of another size, and `StepFailedError` for outputs that do not fit `spec` or are
        not finite.
        """
        return infer_crops(self.runner, self.spec, crops, self.largest_batch)


def normalised(embeddings: Floats) -> Floats:
    """Scale embeddings `[n, channels]` to length 1, float32, as insightface does; a row of zeros stays zeros.

    The products of such rows are the cosines between faces.
    """
    # One row at a time: a length along an axis is summed in another order, and differs in the last bit.
    lengths = np.array([np.linalg.norm(embedding) for embedding in embeddings], np.float32)
    lengths[lengths == 0] = 1
    unit: Floats = embeddings / lengths[:, None]
    return unit
