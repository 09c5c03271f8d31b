"""From what a request brings to pictures."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from batchproof.deploy.triton.serving.contract import FRAME, IMAGE
from batchproof.deploy.triton.serving.parameters import Parameters
from batchproof.errors import InputError
from batchproof.pipeline.letterbox import fitted_size
from batchproof.pipeline.picture import Pixels, check_picture
from batchproof.pipeline.picture_file import check_size, decode_picture

_REMEDY = f"Send either '{FRAME.name}', BGR pixels [n, height, width, 3], or '{IMAGE.name}', whole files [n, 1]"


def pictures_of(frame: NDArray[Any] | None, image: NDArray[Any] | None, parameters: Parameters) -> list[Pixels]:
    """Return the pictures of one request, `[height, width, 3]`, uint8, BGR, from whichever input it has.

    Raises `InputError` for both inputs or none, and, by its number, for a picture that cannot be decoded, has too many
    pixels, or leaves nothing when it is fitted into the detector's input.
    """
    if frame is not None and image is not None:
        raise InputError("the request has two inputs", remedy=_REMEDY)
    if frame is not None:
        return [_checked(pixels, f"frame {index}", parameters) for index, pixels in enumerate(frame)]
    if image is not None:
        return [_decoded(content, f"image {index}", parameters) for index, content in enumerate(image.ravel())]
    raise InputError("the request has no input", remedy=_REMEDY)


def _decoded(content: bytes, where: str, parameters: Parameters) -> Pixels:
    return _checked(decode_picture(content, where, parameters.max_pixels), where, parameters)


def _checked(pixels: Pixels, where: str, parameters: Parameters) -> Pixels:
    """Return `pixels` when the pipeline can take them: one that cannot would make its neighbours run twice."""
    check_picture(pixels, where)
    check_size(pixels, parameters.max_pixels, where)
    fitted_size(pixels.shape[0], pixels.shape[1], parameters.height, parameters.width, where)
    return pixels
