"""The batched reference pipeline: insightface's arithmetic for a whole batch, on any backend; numpy and OpenCV only.

    from batchproof.pipeline import Detector, Embedder, FacePipeline, open_model

    pipeline = FacePipeline(Detector(*open_model(detector)), Embedder(*open_model(embedder)))
    for faces in pipeline.run(frames):
        print(faces.detections.boxes, faces.normed_embeddings)

Names are imported when they are first used, so that importing this costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batchproof.pipeline.attributes import AttributeReader, Attributes
    from batchproof.pipeline.decode import Detections, DetectionSettings
    from batchproof.pipeline.detect import Detector
    from batchproof.pipeline.embed import Embedder, normalised
    from batchproof.pipeline.face_pipeline import FacePipeline, Faces
    from batchproof.pipeline.landmarks import Landmarker, head_pose
    from batchproof.pipeline.mean_face import mean_shape
    from batchproof.pipeline.model import open_model

__all__ = [
    "AttributeReader",
    "Attributes",
    "DetectionSettings",
    "Detections",
    "Detector",
    "Embedder",
    "FacePipeline",
    "Faces",
    "Landmarker",
    "head_pose",
    "mean_shape",
    "normalised",
    "open_model",
]

_HOMES = {
    "AttributeReader": "attributes",
    "Attributes": "attributes",
    "DetectionSettings": "decode",
    "Detections": "decode",
    "Detector": "detect",
    "Embedder": "embed",
    "FacePipeline": "face_pipeline",
    "Faces": "face_pipeline",
    "Landmarker": "landmarks",
    "head_pose": "landmarks",
    "mean_shape": "mean_face",
    "normalised": "embed",
    "open_model": "model",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
