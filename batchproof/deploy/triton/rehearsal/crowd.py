"""What a crowd of clients asks for: many different pictures made of a few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from batchproof.pipeline.opencv import cv2
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.pictures import Picture

_SHORTEST, _LONGEST = 0.45, 0.8  # of the sides of a picture
_SMALLEST, _LARGEST = 0.5, 1.5  # of its scale
_LONGEST_SIDE = 1600  # pixels; a rehearsal is about batches, not about bandwidth


def crowd(pictures: Sequence[Picture], number: int) -> list[Picture]:
    """Make `number` pictures, no two alike, with faces in most where the originals have some; the same every time.

    Each is a part of an original, scaled, and turned round in every other case.
    """
    random = np.random.default_rng(8)
    chosen = (pictures[index % len(pictures)] for index in range(number))
    return [
        Picture(f"{picture.name}, part {index}", _part(picture.pixels, random)) for index, picture in enumerate(chosen)
    ]


def _part(pixels: Pixels, random: np.random.Generator) -> Pixels:
    height, width = (max(1, int(side * random.uniform(_SHORTEST, _LONGEST))) for side in pixels.shape[:2])
    top, left = (
        int(random.integers(side - part + 1)) for side, part in zip(pixels.shape, (height, width), strict=False)
    )
    part = pixels[top : top + height, left : left + width]
    scale = min(random.uniform(_SMALLEST, _LARGEST), _LONGEST_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    scaled = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(scaled[:, :: random.choice([-1, 1])])
