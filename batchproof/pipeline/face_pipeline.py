"""Frames in, everything about their faces out: detection, alignment and embedding, each in full batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from batchproof.errors import InputError
from batchproof.pipeline.align import norm_crops
from batchproof.pipeline.attributes import AttributeReader, Attributes
from batchproof.pipeline.decode import Detections, Floats
from batchproof.pipeline.detect import Detector
from batchproof.pipeline.embed import Embedder, normalised
from batchproof.pipeline.landmarks import Landmarker
from batchproof.pipeline.picture import Pixels


@dataclass(frozen=True)
class Faces:
    """The n faces of one frame; row i of everything here is about face i.

    `detections` are the boxes, scores and five landmarks, in pixels of the frame, in the detector's order. `crops` are
    the aligned faces `[n, size, size, 3]`, uint8, BGR, and `embeddings` `[n, channels]`, float32, what the embedder
    makes of them; None without an embedder. `landmarks` has one array for each landmarker of the pipeline, `[n, points,
    2 or 3]`, float32, in pixels of the frame. `attributes` are gender and age; None without their network.
    """

    detections: Detections
    crops: Pixels | None = None
    embeddings: Floats | None = None
    landmarks: tuple[Floats, ...] = ()
    attributes: Attributes | None = None

    def __len__(self) -> int:
        """Count the faces."""
        return len(self.detections)

    @property
    def normed_embeddings(self) -> Floats | None:
        """The embeddings at length 1, `[n, channels]`, float32; the products of two rows are their cosine."""
        return None if self.embeddings is None else normalised(self.embeddings)


@dataclass(frozen=True)
class FacePipeline:
    """insightface's `FaceAnalysis` for many frames at once, on any backend.

    Its arithmetic is that of insightface 2.1 with one fixed detection size: letterbox, blob, decoding, suppression,
    `max_num`, alignment and crops equal it to the bit, networks as far as the backend's rounding goes. Everything after
    the detector may be left out. Raises `InputError` for an embedder behind a detector without landmarks.
    """

    detector: Detector
    embedder: Embedder | None = None
    landmarkers: Sequence[Landmarker] = ()
    attributes: AttributeReader | None = None

    def __post_init__(self) -> None:
        if self.embedder is not None and not self.detector.spec.has_keypoints:
            raise InputError(
                "a detector without landmarks finds no faces that can be aligned",
                remedy="Take one with landmarks, or leave the embedder out",
            )

    def run(self, frames: Iterable[Pixels]) -> list[Faces]:
        """Find and describe the faces of each frame, `[height, width, 3]`, uint8, BGR; frames may differ in size.

        Returns one `Faces` a frame, in the order of the frames; nothing for no frames. The faces of all frames go
        through the other networks together, so that their batches are full. Raises `InputError` for a frame that
        cannot be used, by its number, and `StepFailedError` for outputs that do not fit the specs or are not finite.
        """
        pictures = list(frames)
        found = self.detector.detect(pictures)
        boxes = [detections.boxes for detections in found]
        crops, embeddings = self._embedded(pictures, found)
        landmarks = [landmarker.find(pictures, boxes) for landmarker in self.landmarkers]
        attributes = None if self.attributes is None else self.attributes.read(pictures, boxes)
        return [
            Faces(
                detections,
                None if crops is None else crops[part],
                None if embeddings is None else embeddings[part],
                tuple(points[part] for points in landmarks),
                None if attributes is None else attributes.take(part),
            )
            for detections, part in zip(found, _parts(found), strict=True)
        ]

    def _embedded(
        self, pictures: Sequence[Pixels], found: Sequence[Detections]
    ) -> tuple[Pixels, Floats] | tuple[None, None]:
        if self.embedder is None:
            return None, None
        keypoints = [detections.keypoints for detections in found if detections.keypoints is not None]
        crops = norm_crops(pictures, keypoints, self.embedder.crop_size)
        return crops, self.embedder.embed(crops)


def _parts(found: Sequence[Detections]) -> list[slice]:
    """Where the faces of each frame are among those of all frames."""
    borders = accumulate((len(detections) for detections in found), initial=0)
    return [slice(start, stop) for start, stop in pairwise(borders)]
