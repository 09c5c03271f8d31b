"""From the raw outputs of an SCRFD-like detector to faces in picture coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import StepFailedError
from batchproof.pipeline.nms import Boxes, nms
from batchproof.runtime import Outputs
from batchproof.zoo.spec import ModelSpec, OutputKind

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class DetectionSettings:
    """Input size in pixels, smallest score of a face, and largest overlap of two faces; insightface's defaults."""

    height: int = 640
    width: int = 640
    threshold: float = 0.5
    iou: float = 0.4


@dataclass(frozen=True)
class Detections:
    """The faces of one picture, best first, in pixels of the picture; boxes may reach beyond its border.

    `boxes` is `[n, 4]` (left, top, right, bottom), `scores` `[n]`, `keypoints` `[n, 5, 2]` (x, y of both eyes, nose
    and both corners of the mouth, as seen from left to right) or None for models without landmarks; all float32.
    """

    boxes: Boxes
    scores: Floats
    keypoints: Floats | None

    def __len__(self) -> int:
        """Count the faces."""
        return len(self.scores)

    def take(self, index: NDArray[np.intp]) -> Detections:
        """Return the faces at `index`, in that order."""
        keypoints = None if self.keypoints is None else self.keypoints[index]
        return Detections(self.boxes[index], self.scores[index], keypoints)


def decode(outputs: Outputs, spec: ModelSpec, settings: DetectionSettings, scales: Sequence[float]) -> list[Detections]:
    """Decode one batch: `outputs` by the spec's names, each `[N, rows, channels]`; `scales` of the N letterboxes.

    Anchors are the top-left corners of the cells; boxes and landmarks are distances from there in strides (SCRFD's
    distance coding). Divided by the scale, sorted by score (ties in row order), and suppressed, in insightface's
    float32 arithmetic. Raises `StepFailedError` when an output is missing, has another shape, or is not finite.
    """
    check_outputs(outputs, spec, len(scales), settings.height, settings.width)
    levels = [_candidates(outputs, spec, settings, stride) for stride in spec.strides]
    image = np.concatenate([indices for indices, _ in levels])
    scale = np.array(scales, np.float32)[image]
    boxes = np.concatenate([faces.boxes for _, faces in levels]) / scale[:, None]
    points = [faces.keypoints for _, faces in levels if faces.keypoints is not None]
    keypoints = np.concatenate(points) / scale[:, None, None] if points else None
    faces = Detections(boxes, np.concatenate([faces.scores for _, faces in levels]), keypoints)
    return [_suppressed(faces.take(np.flatnonzero(image == index)), settings.iou) for index in range(len(scales))]


def check_outputs(outputs: Outputs, spec: ModelSpec, batch: int, height: int, width: int) -> None:
    """Raise `StepFailedError` unless every output of `spec` is there, one block of finite scores a picture."""
    for output in spec.outputs:
        if output.name not in outputs:
            raise StepFailedError(f"output '{output.name}' is missing, the model gives {', '.join(outputs)}")
        found = outputs[output.name]
        rows = output.rows(height, width, spec.anchors_per_cell)
        expected = (batch, output.channels) if rows is None else (batch, rows, output.channels)
        if found.shape != expected:
            raise StepFailedError(f"output '{output.name}' has shape {list(found.shape)}, expected {list(expected)}")
        if output.kind == "score":
            require_finite(output.name, found, np.arange(batch))


def _candidates(
    outputs: Outputs, spec: ModelSpec, settings: DetectionSettings, stride: int
) -> tuple[NDArray[np.intp], Detections]:
    """Faces of one level above the threshold in canvas pixels, all pictures together, and the picture of each."""
    scores = outputs[_name(spec, "score", stride)][..., 0]
    image, row = np.nonzero(scores >= np.float32(settings.threshold))
    centres = _anchor_centres(row, settings.width // stride, stride, spec.anchors_per_cell)
    distances = _distances(outputs, _name(spec, "bbox", stride), image, row, stride)
    boxes = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
    keypoints = None
    if spec.has_keypoints:
        offsets = _distances(outputs, _name(spec, "kps", stride), image, row, stride)
        keypoints = centres[:, None] + offsets.reshape(-1, 5, 2)
    return image, Detections(boxes, scores[image, row], keypoints)


def _anchor_centres(row: NDArray[np.intp], columns: int, stride: int, anchors: int) -> Floats:
    """Canvas coordinates `[n, 2]` (x, y) of the anchors in these rows: cells line by line, `anchors` rows a cell."""
    cell = row // anchors
    return (np.stack([cell % columns, cell // columns], axis=1) * stride).astype(np.float32)


def _distances(outputs: Outputs, name: str, image: NDArray[np.intp], row: NDArray[np.intp], stride: int) -> Floats:
    found = outputs[name][image, row]
    require_finite(name, found, image)
    distances: Floats = found * np.float32(stride)
    return distances


def require_finite(name: str, found: Floats, image: NDArray[np.intp]) -> None:
    """Raise `StepFailedError` for NaN and Inf in the rows of `found`; `image` says which picture each row is of.

    Comparisons would drop such faces without a word, and suppression their rivals.
    """
    bad = ~np.isfinite(found).all(axis=tuple(range(1, found.ndim)))
    if bad.any():
        raise StepFailedError(f"output '{name}' is NaN or infinite for picture {image[bad][0]} of the batch")


def _suppressed(faces: Detections, iou: float) -> Detections:
    ranked = faces.take(np.argsort(-faces.scores, kind="stable"))
    return ranked.take(nms(ranked.boxes, iou))


def _name(spec: ModelSpec, kind: OutputKind, stride: int) -> str:
    return next(output.name for output in spec.outputs if output.kind == kind and output.stride == stride)
