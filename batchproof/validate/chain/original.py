"""insightface itself, watched at every step: what each stage was given and gave, not what we believe it does."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from batchproof.errors import InputError
from batchproof.pipeline.decode import Detections, Floats
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.warp import Matrices
from batchproof.runtime import Blob, Outputs
from batchproof.validate.chain.trace import Scene, Trace, landmarks
from batchproof.validate.oracle import OracleDetector, OracleEmbedder
from batchproof.zoo.spec import ModelSpec


def original_trace(detector: WatchedDetector, embedder: WatchedEmbedder, scene: Scene) -> Trace:
    """Take `scene` through insightface, one picture and one face at a time, and return what every stage gave."""
    seen = [detector.watch(picture.pixels, scene) for picture in scene.pictures]
    faces = [one.faces for one in seen]
    sources = [picture.pixels for picture, found in zip(scene.pictures, faces, strict=True) for _ in found.scores]
    matrices, crops = _aligned(sources, landmarks(faces), embedder.size)
    crop_blob, embeddings = embedder.watch(crops)
    return Trace(
        canvases=np.stack([one.canvas for one in seen]),
        scales=tuple(one.scale for one in seen),
        blob=np.concatenate([one.blob for one in seen]),
        outputs={name: np.concatenate([one.outputs[name] for one in seen]) for name in seen[0].outputs},
        candidates=[one.candidates for one in seen],
        survivors=[one.survivors for one in seen],
        faces=faces,
        matrices=matrices,
        crops=crops,
        crop_blob=crop_blob,
        embeddings=embeddings,
        unit=_normed(embeddings),
        cosines=embedder.cosines(embeddings),
    )


@dataclass(frozen=True)
class WatchedPicture:
    """What insightface's detector made of one picture, stage by stage; `scale` is NaN when it found no candidate."""

    canvas: Pixels
    scale: float
    blob: Blob
    outputs: Outputs
    candidates: Detections
    survivors: Detections
    faces: Detections


class WatchedDetector(OracleDetector):
    """The oracle's detector; raises `InputError` for a model without landmarks, for the chain goes on to alignment."""

    def __init__(self, original: Path, spec: ModelSpec) -> None:
        """Open `original` as `OracleDetector` does."""
        super().__init__(original, spec)
        if not spec.has_keypoints:
            raise InputError("a detector without landmarks has no chain to an embedding", where=original)
        self._forward = _Watch(self._detector, "forward")
        self._candidates = _Watch(self._detector, "_detect_candidates")
        self._nms = _Watch(self._detector, "nms")

    def watch(self, picture: Pixels, scene: Scene) -> WatchedPicture:
        """Detect in one picture, at the size of `scene` or the model's own."""
        wanted = scene.resized(self.own_size).detection
        self._detector.nms_thresh = wanted.iou
        found, keypoints = self._detector.detect(
            picture, (wanted.width, wanted.height), max_num=scene.max_num, det_thresh=wanted.threshold
        )
        candidates = _faces(*self._candidates.result)
        kept = np.array(self._nms.result if len(candidates) else [], np.intp)
        _, boxes, _ = self._forward.result
        return WatchedPicture(
            canvas=self._forward.given[0],
            scale=_scale(np.concatenate(boxes), candidates.boxes, picture.shape[0]),
            blob=self._session.blob,
            outputs={
                output.name: array.reshape(1, -1, output.channels)
                for output, array in zip(self._spec.outputs, self._session.results, strict=True)
            },
            candidates=candidates,
            survivors=candidates.take(kept),
            faces=_faces(found, keypoints),
        )


class WatchedEmbedder(OracleEmbedder):
    """The oracle's embedder."""

    def __init__(self, original: Path) -> None:
        """Open `original` as `OracleEmbedder` does."""
        super().__init__(original)
        self._run = _Watch(self._embedder.session, "run")

    @property
    def size(self) -> int:
        """Side of the crops in pixels."""
        return int(self._embedder.input_size[0])

    def watch(self, crops: Pixels) -> tuple[Blob, Floats]:
        """Embed crops one at a time: the network's inputs `[n, 3, size, size]`, and the embeddings `[n, channels]`."""
        blobs, embeddings = [np.empty((0, 3, self.size, self.size), np.float32)], []
        for crop in crops:
            embeddings.append(self.embed(crop))
            blobs.extend(self._run.given[1].values())
        channels = int(self._embedder.output_shape[-1])
        return np.concatenate(blobs), np.array(embeddings, np.float32).reshape(len(crops), channels)

    def cosines(self, embeddings: Floats) -> Floats:
        """Compare all faces with all, `[n, n]`, by insightface's own `compute_sim`."""
        count = len(embeddings)
        pairs = [self._embedder.compute_sim(first, second) for first in embeddings for second in embeddings]
        return np.array(pairs, np.float32).reshape(count, count)


class _Watch:
    """Stands in for a method of an object of insightface, calls it, and keeps what it was last given and gave."""

    def __init__(self, owner: Any, method: str) -> None:
        self._method: Callable[..., Any] = getattr(owner, method)
        self.given: tuple[Any, ...] = ()
        self.result: Any = None
        setattr(owner, method, self)

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.given, self.result = given, self._method(*given, **named)
        return self.result


def _faces(found: Floats, keypoints: Floats) -> Detections:
    return Detections(found[:, :4], found[:, 4], keypoints)


def _scale(on_canvas: Floats, in_picture: Floats, rows: int) -> float:
    """Read the scale from the boxes before and after the division by it; it is a whole number of canvas rows."""
    largest = np.abs(in_picture).max(initial=0)
    return round(float(np.abs(on_canvas).max() / largest) * rows) / rows if largest > 0 else math.nan


def _aligned(sources: Sequence[Pixels], points: Floats, size: int) -> tuple[Matrices, Pixels]:
    from insightface.utils.face_align import norm_crop2

    matrices, crops = np.empty((len(points), 2, 3)), np.empty((len(points), size, size, 3), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # insightface calls what scikit-image is about to rename
        for index, (picture, face) in enumerate(zip(sources, points, strict=True)):
            crops[index], matrices[index] = norm_crop2(picture, face, size)
    return matrices, crops


def _normed(embeddings: Floats) -> Floats:
    from insightface.app.common import Face

    unit = [Face(embedding=embedding).normed_embedding for embedding in embeddings]
    return np.array(unit, np.float32).reshape(embeddings.shape)
