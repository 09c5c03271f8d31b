"""What engines are timed on."""

from __future__ import annotations

import numpy as np

from batchproof.profile_text import Size
from batchproof.runtime import Blob, noise
from batchproof.zoo.spec import InputSpec

_DIFFERENT = 4


def repeated_noise(spec: InputSpec, largest: int, size: Size) -> Blob:
    """Make noise for the largest batch, of which the others are the beginning; it repeats, which no time depends on."""
    different = noise(spec, min(largest, _DIFFERENT), *size)
    blob: Blob = np.resize(different, (largest, *different.shape[1:]))
    return blob
