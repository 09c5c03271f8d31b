"""What an FP32 graph and its FP16 form are both run on to be compared: real pictures, or noise where there are none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from batchproof.pipeline.picture import Pixels
from batchproof.runtime import Blob, noise
from batchproof.zoo.spec import InputSpec

_IMAGES_OF_NOISE = 3


@dataclass(frozen=True)
class Samples:
    """The network's input `[N, 3, height, width]`, float32, the N scales that lead back to picture pixels, and a name.

    `name` is one phrase for reasons and plans: `7 pictures at 640x640`.
    """

    blob: Blob
    scales: tuple[float, ...]
    name: str

    @property
    def sha256(self) -> str:
        """Hash of every value of the blob, and of its shape."""
        digest = hashlib.sha256(repr(self.blob.shape).encode())
        digest.update(self.blob.tobytes())
        return digest.hexdigest()


def picture_samples(
    pictures: Sequence[Pixels], spec: InputSpec, size: tuple[int, int], of: int | None = None
) -> Samples:
    """Fit pictures of any size into the model's own size or, where that is free, into `size` (height, width).

    Crops that already have the model's size stay as they are. Raises `InputError` for unusable pictures or sizes.
    """
    from batchproof.pipeline.detect import prepare  # needs OpenCV, and noise does not

    _, _, height, width = spec.shape(len(pictures), *size)
    prepared = prepare(pictures, spec, height, width)
    what = "1 picture" if len(pictures) == 1 else f"{len(pictures)} pictures"
    what += f" (of {of})" if of is not None and of > len(pictures) else ""
    return Samples(prepared.blob, prepared.scales, f"{what} at {height}x{width}")


def noise_samples(spec: InputSpec, size: tuple[int, int]) -> Samples:
    """Make a few images of noise, the same every time, of the model's own size or of `size` (height, width)."""
    blob = noise(spec, _IMAGES_OF_NOISE, *size)
    _, _, height, width = blob.shape
    return Samples(blob, (1.0,) * len(blob), f"{len(blob)} images of noise at {height}x{width}")
