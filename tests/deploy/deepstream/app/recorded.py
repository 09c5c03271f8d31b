"""Real faces as DeepStream would see them, as far as that can be had without it.

Detections are those of a real detector on real pictures; what nvinfer and nvdspreprocess do with them is done by its
rules: boxes are mapped by nvinfer's letterbox, landmarks travel as the parser's masks, crops are the aligner's own, by
the C++ of the bundle. Embeddings are those of a real embedder on these crops.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from batchproof.pipeline import Detector, Embedder
from batchproof.pipeline.decode import Detections, Floats, decode
from batchproof.pipeline.detect import prepare
from batchproof.pipeline.letterbox import fitted_size
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.pictures import load_pictures
from tests.deploy.deepstream.align.frames import rgba
from tests.deploy.deepstream.align.native import Native
from tests.deploy.deepstream.align.test_letterbox import scales_of
from tests.deploy.deepstream.app.service_maker_stand_in import Face, Frame
from tests.deploy.deepstream.app.shim import Shim

NETWORK = 640
_ROOM = {"TH.png": 60}  # a face that fills its picture is found only with room around it


@dataclass(frozen=True)
class Seen:
    """One picture: the faces that insightface's rule makes of it, and the frame that DeepStream would hand on.

    `scale` is insightface's of the letterbox, `scales` are nvinfer's in x and y: network pixels per frame pixel.
    """

    name: str
    pixels: Pixels
    faces: Detections
    frame: Frame
    scale: float
    scales: tuple[float, float]


def record(detector: Detector, network: Embedder, images: Path, shim: Shim, native: Native) -> list[Seen]:
    """Look at all pictures in `images`; stream i is picture i."""
    loaded = load_pictures(images)
    names = [picture.name for picture in loaded]
    pictures = [_with_room(picture.pixels, picture.name) for picture in loaded]
    prepared = prepare(pictures, detector.spec.input, NETWORK, NETWORK)
    outputs = detector.runner.infer(prepared.blob)
    expected = decode(outputs, detector.spec, detector.settings, prepared.scales)
    # In pixels of the network's input, as a parser of nvinfer does.
    found = decode(outputs, detector.spec, detector.settings, [1.0] * len(pictures))
    seen = []
    for stream, (name, pixels, faces, detections) in enumerate(zip(names, pictures, expected, found, strict=True)):
        height, width = pixels.shape[:2]
        scales = scales_of(width, height, NETWORK, NETWORK)
        assert scales is not None
        frame = _frame(stream, pixels, detections, scales, network, shim, native)
        scale = fitted_size(height, width, NETWORK, NETWORK)[0] / height
        seen.append(Seen(name, pixels, faces, frame, scale, scales))
    return seen


def _with_room(pixels: Pixels, name: str) -> Pixels:
    """Make an even number of rows and columns, as frames have, with room around what needs it."""
    room = _ROOM.get(name, 0)
    pixels = pixels[: pixels.shape[0] & ~1, : pixels.shape[1] & ~1]
    padded: Pixels = np.pad(pixels, ((room, room), (room, room), (0, 0)))
    return padded


def _frame(
    stream: int,
    pixels: Pixels,
    detections: Detections,
    scales: tuple[float, float],
    network: Embedder,
    shim: Shim,
    native: Native,
) -> Frame:
    """Do what nvinfer, nvdspreprocess and the second nvinfer do with the detections of one frame."""
    assert detections.keypoints is not None
    size = pixels.shape[1], pixels.shape[0]
    boxes = detections.boxes.clip(0, NETWORK) / np.array([*scales, *scales], np.float32)
    masks = [shim.mask(points, float(s)) for points, s in zip(detections.keypoints, detections.scores, strict=True)]
    placed = [native.place(box, mask, size) for box, mask in zip(boxes, masks, strict=True)]
    assert all(outcome == "aligned" for outcome, _ in placed)
    embeddings = _embedded(network, native, pixels, np.array([matrix for _, matrix in placed]).reshape(-1, 2, 3))
    faces = [
        Face((left, top, right - left, bottom - top), float(score), track, 0, mask, embedding)
        for track, ((left, top, right, bottom), score, mask, embedding) in enumerate(
            zip(boxes, detections.scores, masks, embeddings, strict=True)
        )
    ]
    return Frame(faces, stream, 0, 0, *size)


def _embedded(network: Embedder, native: Native, pixels: Pixels, to_frame: Floats) -> Floats:
    """Embed the aligner's tensor as it is: it is normalised already."""
    if not len(to_frame):
        return np.empty((0, 512), np.float32)
    image = network.spec.input
    tensor = native.warp(rgba(pixels), to_frame, network.crop_size, mean=image.mean, std=image.std, bgr=False)
    assert tensor is not None
    embeddings: Floats = network.runner.infer(tensor)[network.spec.outputs[0].name]
    return embeddings
