"""Raw outputs of SCRFD-like detectors, made up: no network is run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batchproof.zoo.families import scrfd
from batchproof.zoo.spec import ModelSpec

THREE_LEVELS = scrfd()
BOXES_ONLY = scrfd(keypoints=False)
FIVE_LEVELS = scrfd(strides=(8, 16, 32, 64, 128), anchors_per_cell=1)
SIZE = (128, 256)
"""Width and height in pixels."""
ROW = (2 * (SIZE[0] // 16) + 4) * 2

Outputs = dict[str, NDArray[np.generic]]


def crowd(spec: ModelSpec = THREE_LEVELS, size: tuple[int, int] = SIZE, seed: int = 0) -> Outputs:
    """Overlapping faces everywhere, beyond the border too, with few different scores, so that many are tied."""
    random = np.random.default_rng(seed)
    outputs: Outputs = {}
    for output in spec.outputs:
        rows = output.rows(size[1], size[0], spec.anchors_per_cell) or 0
        drawn = random.random((rows, output.channels))
        values = {"score": np.round(drawn * 1.02, 2), "bbox": 0.2 + 2 * drawn, "kps": 4 * drawn - 2}[output.kind]
        outputs[output.name] = values.astype(np.float32)
    return outputs


def empty(spec: ModelSpec = THREE_LEVELS, size: tuple[int, int] = SIZE) -> Outputs:
    """No face: zero everywhere."""
    return {name: np.zeros_like(values) for name, values in crowd(spec, size).items()}


def one_face(score: float = 0.75) -> Outputs:
    """One face of 32 x 32 pixels around the anchor (64, 32), on `ROW` of stride 16; its points are at (72, 40)."""
    outputs = empty()
    outputs["score_16"][ROW] = score
    outputs["bbox_16"][ROW] = 1
    outputs["kps_16"][ROW] = 0.5
    return outputs
