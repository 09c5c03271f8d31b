"""Pictures in, faces out: one batch through any backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batchproof.errors import InputError
from batchproof.pipeline.blob import to_blob
from batchproof.pipeline.decode import Detections, DetectionSettings, decode
from batchproof.pipeline.letterbox import letterbox
from batchproof.pipeline.picture import Pixels
from batchproof.runtime import Blob, Runner
from batchproof.zoo.spec import InputSpec, ModelSpec


@dataclass(frozen=True)
class Prepared:
    """The network's input `[N, 3, height, width]`, float32, and the N scales that lead back to picture pixels."""

    blob: Blob
    scales: tuple[float, ...]


def prepare(pictures: Sequence[Pixels], spec: InputSpec, height: int, width: int) -> Prepared:
    """Letterbox pictures of any size to `height` x `width` and stack them.

    Raises `InputError` when the size does not suit the model or a picture cannot be fitted into it.
    """
    step = spec.multiple_of
    if height < step or width < step or height % step or width % step:
        raise InputError(
            f"{width}x{height} pixels do not suit this model", remedy=f"Choose positive multiples of {step} pixels"
        )
    boxed = [letterbox(picture, height, width) for picture in pictures]
    return Prepared(to_blob([box.pixels for box in boxed], spec), tuple(box.scale for box in boxed))


def detect(
    runner: Runner, spec: ModelSpec, pictures: Sequence[Pixels], settings: DetectionSettings
) -> list[Detections]:
    """Find the faces of every picture in one batch; the pictures may differ in size.

    Raises `InputError` for unusable pictures or sizes, `StepFailedError` for outputs that do not fit `spec`.
    """
    prepared = prepare(pictures, spec.input, settings.height, settings.width)
    return decode(runner.infer(prepared.blob), spec, settings, prepared.scales)
