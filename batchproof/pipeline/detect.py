"""Pictures in, faces out, a batch at a time through any backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from batchproof.errors import InputError
from batchproof.pipeline.blob import to_blob
from batchproof.pipeline.decode import Detections, DetectionSettings, decode
from batchproof.pipeline.face_network import require_role
from batchproof.pipeline.letterbox import fitted_size, letterbox
from batchproof.pipeline.picture import Pixels, check_picture
from batchproof.pipeline.select import Metric, select
from batchproof.runtime import Blob, Runner
from batchproof.zoo.spec import InputSpec, ModelSpec


@dataclass(frozen=True)
class Prepared:
    """The network's input `[N, 3, height, width]`, float32, and the N scales that lead back to picture pixels."""

    blob: Blob
    scales: tuple[float, ...]


@dataclass(frozen=True)
class Detector:
    """A detector on any backend, for any number of frames.

    `spec` describes the model that `runner` executes, and `settings` its input size and thresholds. No batch is larger
    than `largest_batch`; the last one may be smaller. 1 is fastest on ONNX Runtime's CPU, engines take what they were
    built for. `max_num` above 0 keeps that many faces a frame, the most
    important ones by `metric` (see `select`). Raises `InputError` when `spec` is of no detector.
    """

    runner: Runner
    spec: ModelSpec
    settings: DetectionSettings = field(default_factory=DetectionSettings)
    largest_batch: int = 1
    max_num: int = 0
    metric: Metric = "default"

    def __post_init__(self) -> None:
        require_role(self.spec, "detector", self.largest_batch)

    def detect(self, frames: Sequence[Pixels]) -> list[Detections]:
        """Find the faces of each frame, `[height, width, 3]`, uint8, BGR; frames may differ in size.

        Returns one `Detections` a frame, in pixels of that frame; nothing for no frames. Raises `InputError` for a
        frame that cannot be used, by its number, and `StepFailedError` for outputs that do not fit `spec`.
        """
        height, width = self.settings.height, self.settings.width
        for index, frame in enumerate(frames):
            check_picture(frame, where=f"frame {index}")
            fitted_size(frame.shape[0], frame.shape[1], height, width, where=f"frame {index}")
        found: list[Detections] = []
        for start in range(0, len(frames), self.largest_batch):
            found += detect(self.runner, self.spec, frames[start : start + self.largest_batch], self.settings)
        return [
            select(faces, frame.shape[0], frame.shape[1], self.max_num, self.metric)
            for faces, frame in zip(found, frames, strict=True)
        ]


def prepare(pictures: Sequence[Pixels], spec: InputSpec, height: int, width: int) -> Prepared:
    """Letterbox pictures of any size to `height` x `width` and stack them.

    Raises `InputError` when the size does not suit the model or a picture cannot be fitted into it.
    """
    check_input_size(spec, height, width)
    boxed = [letterbox(picture, height, width) for picture in pictures]
    return Prepared(to_blob([box.pixels for box in boxed], spec), tuple(box.scale for box in boxed))


def check_input_size(spec: InputSpec, height: int, width: int) -> None:
    """Raise `InputError` when the model cannot take images of `height` x `width` pixels."""
    step = spec.multiple_of
    if height < step or width < step or height % step or width % step:
        raise InputError(
            f"{width}x{height} pixels do not suit this model", remedy=f"Choose positive multiples of {step} pixels"
        )


def detect(
    runner: Runner, spec: ModelSpec, pictures: Sequence[Pixels], settings: DetectionSettings
) -> list[Detections]:
    """Find the faces of every picture in one batch; the pictures may differ in size.

    Raises `InputError` for unusable pictures or sizes, `StepFailedError` for outputs that do not fit `spec`.
    """
    prepared = prepare(pictures, spec.input, settings.height, settings.width)
    return decode(runner.infer(prepared.blob), spec, settings, prepared.scales)
