"""All faces of all real pictures, detected once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from batchproof.artifacts import onnx_file
from batchproof.pipeline import Detector, Embedder, open_model
from batchproof.pipeline.decode import Detections, Floats
from batchproof.pipeline.embed import normalised
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.pictures import load_pictures
from batchproof.surgery.repair import repair
from batchproof.zoo.recognise import recognise

DETECTOR, EMBEDDER = "det_2.5g", "mobilefacenet_112_batch1"
NETWORK = 640
_NO_ROOM = "TH.png"  # a face that fills its picture is found only with room around it


@dataclass(frozen=True)
class Scene:
    """One picture and its faces, in pixels of the picture."""

    name: str
    picture: Pixels
    boxes: Floats
    keypoints: Floats


def repaired(model: Path, folder: Path) -> Path:
    """Write the model with its batch axis repaired into `folder`."""
    original, path = onnx_file.read(model), folder / model.name
    onnx.save(repair(original, recognise(original)).model, path)
    return path


def scenes(models: Path, images: Path | None, folder: Path) -> list[Scene]:
    """Detect the faces of the pictures in `images` and of insightface's own; those without faces are left out."""
    detector = Detector(*open_model(repaired(models / f"{DETECTOR}.onnx", folder)))
    found = []
    for picture in [*load_pictures(images), *([] if images is None else load_pictures(None))]:
        room = 60 if picture.name == _NO_ROOM else 0
        pixels = np.pad(picture.pixels, ((room, room), (room, room), (0, 0)))
        (faces,) = detector.detect([pixels])
        if len(faces):
            found.append(Scene(picture.name, pixels, faces.boxes, _keypoints(faces)))
    return found


def embedder(models: Path, folder: Path) -> Embedder:
    """Open the embedder."""
    return Embedder(*open_model(repaired(models / f"{EMBEDDER}.onnx", folder)))


def cosines(network: Embedder, crops: Pixels, others: Pixels) -> Floats:
    """Return the cosine between the embeddings of each pair of crops, `[n]`."""
    pairs: Floats = (normalised(network.embed(crops)) * normalised(network.embed(others))).sum(axis=1)
    return pairs


def _keypoints(faces: Detections) -> Floats:
    if faces.keypoints is None:
        raise ValueError("this detector finds no landmarks")
    return faces.keypoints
