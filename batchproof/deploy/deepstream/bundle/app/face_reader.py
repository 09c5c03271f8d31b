"""DeepStream's metadata of a batch of frames as records of faces.

Read as DeepStream 9.1's bindings of pyservicemaker give it. An embedding hangs on one of two things: where
nvdspreprocess made the input, on its regions of the batch (8.0, 9.1), or on the object itself (6.2, nvinferserver).
Both are looked at, by the id of the embedder's nvinfer. All that is returned is copied: the metadata ends with its
buffer.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_error import FAILED, FaceAppError
from face_record import FaceRecord, Floats, frame_landmarks, unit
from tensor_copy import host_copy

_FACE_CLASS = 0
_UNTRACKED = 2**64 - 1
Raw = NDArray[np.floating[Any]]


@dataclass
class Tally:
    """What has gone by; `broken` embeddings were zero or not finite, of an engine that cannot be trusted."""

    frames: int = 0
    faces: int = 0
    embedded: int = 0
    broken: int = 0

    def __str__(self) -> str:
        """Say it in words."""
        text = f"{self.frames} frames, {self.faces} faces, {self.embedded} embeddings"
        return text + (f", {self.broken} broken: zero or not finite" if self.broken else "")


@dataclass
class FaceReader:
    """Reads batches; `embedder_id` is the gie-unique-id of the embedder, `embedding` the name of its output."""

    embedder_id: int
    embedding: str
    tally: Tally = field(default_factory=Tally)

    def read(self, batch: Any) -> list[FaceRecord]:
        """Return the faces of a batch, frame by frame, as `read_frames` does."""
        return [record for _, records in self.read_frames(batch) for record in records]

    def read_frames(self, batch: Any) -> Iterator[tuple[int, list[FaceRecord]]]:
        """Return the source's number and the faces of each frame of a batch, in the order of the metadata.

        Raises `FaceAppError` when the embedder gives no output of the name that the manifest has.
        """
        regions = dict(self._of_regions(batch))
        for frame in batch.frame_items:
            self.tally.frames += 1
            faces = [face for face in frame.object_items if face.class_id == _FACE_CLASS]
            yield frame.source_id, [self._record(frame, face, regions.get(_identity(frame, face))) for face in faces]

    def _of_regions(self, batch: Any) -> Iterator[tuple[Hashable, Raw]]:
        for item in batch.preprocess_batch_items:
            crops = item.as_preprocess_batch()
            if not crops:
                continue
            for region in crops.rois:
                raw = self._output(region.tensor_items)
                if raw is not None:
                    yield _identity(region.frame_meta, region.object_meta), raw

    def _output(self, items: Iterable[Any]) -> Raw | None:
        """Copy the embedder's output from what hangs on a region or an object."""
        for item in items:
            output = item.as_tensor_output()
            if not output or output.unique_id != self.embedder_id:
                continue
            layers = output.get_layers()
            if self.embedding not in layers:
                raise FaceAppError(f"the embedder gives no {self.embedding!r}, but {', '.join(layers)}", FAILED)
            return host_copy(layers[self.embedding])
        return None

    def _record(self, frame: Any, face: Any, of_region: Raw | None) -> FaceRecord:
        raw = self._output(face.tensor_items) if of_region is None else of_region
        embedding = None if raw is None else unit(raw)
        self.tally.faces += 1
        self.tally.embedded += embedding is not None
        self.tally.broken += raw is not None and embedding is None
        return FaceRecord(
            stream=frame.source_id,
            frame=frame.frame_number,
            time_ns=frame.buffer_pts,
            track=None if face.object_id == _UNTRACKED else face.object_id,
            score=face.confidence if face.confidence >= 0 else None,
            box=_box(face.rect_params),
            landmarks=frame_landmarks(face.mask_params.mask_array, frame.pipeline_width, frame.pipeline_height),
            embedding=embedding,
        )


def _identity(frame: Any, face: Any) -> Hashable:
    """Tell a face by what it holds: the bindings wrap the same object anew each time."""
    rect = face.rect_params
    return frame.batch_id, face.object_id, rect.left, rect.top, rect.width, rect.height


def _box(rect: Any) -> Floats:
    left, top, width, height = np.array([rect.left, rect.top, rect.width, rect.height], np.float32)
    return np.array([left, top, left + width, top + height], np.float32)
