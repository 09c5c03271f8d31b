"""What a parser lists, held against insightface's decoding of the same outputs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from batchproof.zoo.spec import ModelSpec
from tests.deploy.deepstream.parser.insightface_decode import ReplayedScrfd
from tests.deploy.deepstream.parser.nvinfer_layers import Layer
from tests.deploy.deepstream.parser.parser_library import Parsers

_BOX = ("left", "top", "width", "height")


def require_insightface_faces(
    parsers: Parsers,
    spec: ModelSpec,
    outputs: Mapping[str, NDArray[np.generic]],
    size: tuple[int, int],
    threshold: float = 0.5,
    iou: float = 0.4,
) -> int:
    """Both parsers must list insightface's faces to the bit, clipped to the network; return how many there are."""
    faces = ReplayedScrfd(spec, *size).detect(outputs, threshold, iou)
    layers = [Layer.of(name, values) for name, values in outputs.items()]
    objects = parsers.boxes(layers, size, [threshold])
    carriers, masks = parsers.masks(layers, size, [threshold])
    left_top, right_bottom = (np.clip(half, 0, np.array(size, np.float32)) for half in np.split(faces.boxes, 2, axis=1))
    expected = np.hstack([left_top, right_bottom - left_top])
    for listed in (objects, carriers):
        np.testing.assert_array_equal(listed["score"], faces.scores)
        np.testing.assert_array_equal(np.stack([listed[side] for side in _BOX], axis=1), expected)
        assert not listed["class_id"].any()
    if faces.keypoints is not None:
        triples = masks[:, :15].reshape(-1, 5, 3)
        np.testing.assert_array_equal(triples[..., :2], faces.keypoints)
        np.testing.assert_array_equal(triples[..., 2], faces.scores[:, None].repeat(5, axis=1))
    return len(faces)
