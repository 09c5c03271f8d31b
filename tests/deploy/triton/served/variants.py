"""Many different pictures made of a few: cut, turned and scaled, with faces in most of them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.pictures import Picture

_SHORTEST, _LONGEST = 0.45, 0.8


def variants(pictures: Sequence[Picture], number: int) -> list[Pixels]:
    """Make `number` pictures, no two alike; the same ones every time."""
    random = np.random.default_rng(8)
    return [_variant(pictures[index % len(pictures)].pixels, random) for index in range(number)]


def _variant(pixels: Pixels, random: np.random.Generator) -> Pixels:
    height, width = (int(side * random.uniform(_SHORTEST, _LONGEST)) for side in pixels.shape[:2])
    top, left = (int(random.integers(side - part)) for side, part in zip(pixels.shape, (height, width), strict=False))
    part = pixels[top : top + height, left : left + width]
    scale = random.uniform(0.5, 1.5)
    scaled = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(scaled[:, :: random.choice([-1, 1])])
