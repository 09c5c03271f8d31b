"""Our stages with one mistake each that people make, for `dataclasses.replace` on `Stages`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from batchproof.pipeline.align import similarities
from batchproof.pipeline.blob import to_blob
from batchproof.pipeline.decode import Detections, DetectionSettings, Floats, decode
from batchproof.pipeline.embed import normalised
from batchproof.pipeline.letterbox import Letterboxed, letterbox
from batchproof.pipeline.nms import Boxes
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.select import select
from batchproof.pipeline.warp import Matrices, warp
from batchproof.runtime import Blob, Outputs, Runner
from batchproof.validate.chain.stages import Model
from batchproof.zoo.spec import InputSpec, ModelSpec


def std_of_128(pictures: Pixels, spec: InputSpec) -> Blob:
    return to_blob(pictures, replace(spec, std=128.0))


def colours_swapped(pictures: Pixels, spec: InputSpec) -> Blob:
    return to_blob(np.ascontiguousarray(pictures[..., ::-1]), spec)


def centred(picture: Pixels, height: int, width: int) -> Letterboxed:
    boxed = letterbox(picture, height, width)
    rows, columns = round(picture.shape[0] * boxed.scale), round(picture.shape[1] * boxed.scale)
    shift = (max(height - rows, 0) // 2, max(width - columns, 0) // 2)
    return Letterboxed(np.roll(boxed.pixels, shift, axis=(0, 1)), boxed.scale)


def scale_of_the_widths(picture: Pixels, height: int, width: int) -> Letterboxed:
    return replace(letterbox(picture, height, width), scale=width / picture.shape[1])


def anchors_in_the_middle(
    outputs: Outputs, spec: ModelSpec, settings: DetectionSettings, scales: Sequence[float]
) -> list[Detections]:
    found = decode(outputs, spec, settings, scales)
    return [
        replace(faces, boxes=faces.boxes + np.float32(4 / scale)) for faces, scale in zip(found, scales, strict=True)
    ]


def landmarks_in_pixels_of_the_canvas(
    outputs: Outputs, spec: ModelSpec, settings: DetectionSettings, scales: Sequence[float]
) -> list[Detections]:
    canvas = decode(outputs, spec, settings, [1.0] * len(scales))
    found = decode(outputs, spec, settings, scales)
    return [replace(faces, keypoints=other.keypoints) for faces, other in zip(found, canvas, strict=True)]


def nms_without_plus_one(boxes: Boxes, iou: float) -> NDArray[np.intp]:
    kept, waiting = [], np.arange(len(boxes))
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        others = boxes[waiting]
        sides = np.minimum(boxes[best, 2:], others[:, 2:]) - np.maximum(boxes[best, :2], others[:, :2])
        shared = np.maximum(sides, 0).prod(axis=1)
        area, areas = ((b[..., 2:] - b[..., :2]).prod(axis=-1) for b in (boxes[best], others))
        waiting = waiting[shared / (area + areas - shared) <= iou]
    return np.array(kept, np.intp)


def largest_first(faces: Detections, height: int, width: int, max_num: int) -> Detections:
    return select(faces, height, width, max_num, "max")


def template_of_112_for_96(source: Floats, target: Floats) -> Matrices:
    """The older template, eight pixels to the left."""
    return similarities(source, target - np.array([8, 0], np.float32))


def nearest(sources: Sequence[Pixels], matrices: Matrices, size: int) -> Pixels:
    crops = warp(sources, matrices, size)
    for crop, picture, matrix in zip(crops, sources, matrices, strict=True):
        cv2.warpAffine(picture, matrix, (size, size), dst=crop, flags=cv2.INTER_NEAREST)
    return crops


def length_of_two(embeddings: Floats) -> Floats:
    doubled: Floats = normalised(embeddings) * np.float32(2)
    return doubled


def distances(unit: Floats) -> Floats:
    products: Floats = 1 - unit @ unit.T
    return products


class Bent:
    """A runner whose output `name` is multiplied by 1.01."""

    name = "bent"

    def __init__(self, inner: Runner, output: str) -> None:
        self.inner, self.output = inner, output

    def infer(self, images: Blob) -> Outputs:
        found = self.inner.infer(images)
        return {**found, self.output: found[self.output] * np.float32(1.01)}


def bent(model: Model, output: str) -> Model:
    return replace(model, runner=Bent(model.runner, output))


MISTAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "1/128 for the embedder": ("crop_blob", {"crop_blob": std_of_128}),
    "BGR for the detector": ("blob", {"blob": colours_swapped}),
    "BGR for the embedder": ("crop_blob", {"crop_blob": colours_swapped}),
    "padding on all sides": ("letterbox", {"letterbox": centred}),
    "scale of the widths": ("letterbox_scale", {"letterbox": scale_of_the_widths}),
    "anchors in the middle of their cells": ("decode_box", {"decode": anchors_in_the_middle}),
    "NMS without the +1": ("nms", {"nms": nms_without_plus_one}),
    "selection by area": ("select", {"select": largest_first}),
    "landmarks not scaled": ("landmarks", {"decode": landmarks_in_pixels_of_the_canvas}),
    "another template": ("alignment", {"align": template_of_112_for_96}),
    "nearest neighbour": ("crop", {"warp": nearest}),
    "another length": ("normalised", {"normalise": length_of_two}),
    "distances for cosines": ("cosine", {"cosine": distances}),
}
"""The stage that each must be found at, and what it exchanges."""
