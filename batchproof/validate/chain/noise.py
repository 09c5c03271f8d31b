"""Seeded random pictures for the chain: they reach arithmetic that photographs spare, and need no files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.pictures import Picture
from batchproof.validate.chain.original import WatchedDetector
from batchproof.validate.chain.trace import Scene
from batchproof.zoo.spec import ModelSpec

# Small ones: there a box is a few pixels wide, and the pixel that insightface adds to its sides decides what is kept.
# On the test photographs, whose faces are larger, suppression without it gives the same faces.
_SIZES = ((48, 64), (41, 23), (33, 80))
_CANDIDATES = 50


def noise_scene(detector: WatchedDetector, spec: ModelSpec, like: Scene) -> Scene:
    """Return noise of several sizes and patch sizes, the same every time, otherwise `like` the given scene.

    No network sees a face there, so the threshold is put where each picture keeps `_CANDIDATES` anchors or more.
    """
    random = np.random.default_rng(6)
    pictures = [Picture(f"noise {index}", _patches(random, *size, 2**index)) for index, size in enumerate(_SIZES)]
    scene = replace(like, pictures=pictures)
    thresholds = [_threshold(detector, spec, picture, scene) for picture in pictures]
    return replace(scene, detection=replace(scene.detection, threshold=min(thresholds)))


def _patches(random: np.random.Generator, height: int, width: int, side: int) -> Pixels:
    patches = random.integers(0, 256, (height // side + 1, width // side + 1, 3), dtype=np.uint8)
    return np.ascontiguousarray(patches.repeat(side, axis=0).repeat(side, axis=1)[:height, :width])


def _threshold(detector: WatchedDetector, spec: ModelSpec, picture: Picture, scene: Scene) -> float:
    outputs = detector.watch(picture.pixels, scene).outputs
    scores = np.concatenate([outputs[output.name].ravel() for output in spec.outputs if output.kind == "score"])
    return float(np.sort(scores)[-_CANDIDATES])
