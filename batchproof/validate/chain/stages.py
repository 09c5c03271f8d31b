"""Our side of the chain: the pipeline's own functions, one for a stage, from pictures to cosines."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import BatchproofError
from batchproof.pipeline.align import arcface_template, similarities
from batchproof.pipeline.blob import to_blob
from batchproof.pipeline.decode import Detections, DetectionSettings, Floats, check_outputs, decode
from batchproof.pipeline.embed import normalised
from batchproof.pipeline.letterbox import Letterboxed, letterbox
from batchproof.pipeline.nms import Boxes, nms
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.select import select
from batchproof.pipeline.warp import Matrices, warp
from batchproof.runtime import Blob, Outputs, Runner
from batchproof.validate.chain.trace import Scene, Trace, landmarks
from batchproof.zoo.spec import InputSpec, ModelSpec


@dataclass(frozen=True)
class Model:
    """A batched model on any backend, what it is, and the size of its batches."""

    runner: Runner
    spec: ModelSpec
    batch: int = 1

    def infer(self, blob: Blob) -> Outputs:
        """Run `blob` in batches and put the rows together; raises `StepFailedError` for outputs that do not fit."""
        parts = []
        for start in range(0, len(blob), self.batch):
            part = blob[start : start + self.batch]
            parts.append(self.runner.infer(part))
            check_outputs(parts[-1], self.spec, len(part), *part.shape[2:])
        return {output.name: np.concatenate([part[output.name] for part in parts]) for output in self.spec.outputs}


def cosines(unit: Floats) -> Floats:
    """Compare all faces with all, `[n, n]`: the products of embeddings `[n, channels]` of length 1."""
    products: Floats = unit @ unit.T
    return products


@dataclass(frozen=True)
class Stages:
    """The models to judge, and the function of each stage; any of them may be exchanged to see where that shows."""

    detector: Model
    embedder: Model
    letterbox: Callable[[Pixels, int, int], Letterboxed] = letterbox
    blob: Callable[[Pixels, InputSpec], Blob] = to_blob
    decode: Callable[[Outputs, ModelSpec, DetectionSettings, Sequence[float]], list[Detections]] = decode
    nms: Callable[[Boxes, float], NDArray[np.intp]] = nms
    select: Callable[[Detections, int, int, int], Detections] = select
    align: Callable[[Floats, Floats], Matrices] = similarities
    warp: Callable[[Sequence[Pixels], Matrices, int], Pixels] = warp
    crop_blob: Callable[[Pixels, InputSpec], Blob] = to_blob
    normalise: Callable[[Floats], Floats] = normalised
    cosine: Callable[[Floats], Floats] = cosines

    @property
    def crop_size(self) -> int:
        """Side of the embedder's crops in pixels."""
        return self.embedder.spec.input.height or 0


@dataclass(frozen=True)
class Walk:
    """How far a walk came: the `trace`, and by the name of the field why a stage gave nothing."""

    trace: Trace
    failed: Mapping[str, str]


def walk(ours: Stages, scene: Scene) -> Walk:
    """Take `scene` from end to end, each stage on what ours before it gave; ends where a stage fails."""
    trace = Trace()
    for name in STEPS:
        failure = _attempt(name, ours, scene, trace, trace)
        if failure is not None:
            return Walk(trace, {name: failure})
    return Walk(trace, {})


def isolated(ours: Stages, scene: Scene, given: Trace) -> Walk:
    """Run each stage on what insightface's stage before it gave, so that no fault reaches the next one."""
    trace = Trace()
    failures = {name: _attempt(name, ours, scene, given, trace) for name in STEPS}
    return Walk(trace, {name: failure for name, failure in failures.items() if failure is not None})


def _attempt(name: str, ours: Stages, scene: Scene, before: Trace, result: Trace) -> str | None:
    """Add to `result` what the stage gives; return why it gives nothing, where that is an error that users meet."""
    try:
        result.update(STEPS[name](ours, scene, before))
    except BatchproofError as error:
        return error.what
    return None


def _letterbox(ours: Stages, scene: Scene, _: Trace) -> Trace:
    size = scene.detection.height, scene.detection.width
    boxed = [ours.letterbox(picture.pixels, *size) for picture in scene.pictures]
    return Trace(canvases=np.stack([box.pixels for box in boxed]), scales=tuple(box.scale for box in boxed))


def _blob(ours: Stages, _: Scene, before: Trace) -> Trace:
    return Trace(blob=ours.blob(before["canvases"], ours.detector.spec.input))


def _heads(ours: Stages, _: Scene, before: Trace) -> Trace:
    return Trace(outputs=ours.detector.infer(before["blob"]))


def _decode(ours: Stages, scene: Scene, before: Trace) -> Trace:
    unsuppressed = replace(scene.detection, iou=math.inf)
    return Trace(candidates=ours.decode(before["outputs"], ours.detector.spec, unsuppressed, before["scales"]))


def _nms(ours: Stages, scene: Scene, before: Trace) -> Trace:
    return Trace(survivors=[faces.take(ours.nms(faces.boxes, scene.detection.iou)) for faces in before["candidates"]])


def _select(ours: Stages, scene: Scene, before: Trace) -> Trace:
    sizes = [picture.pixels.shape[:2] for picture in scene.pictures]
    return Trace(
        faces=[
            ours.select(faces, height, width, scene.max_num)
            for faces, (height, width) in zip(before["survivors"], sizes, strict=True)
        ]
    )


def _align(ours: Stages, _: Scene, before: Trace) -> Trace:
    points = landmarks(before["faces"])
    template = arcface_template(ours.crop_size)
    return Trace(matrices=ours.align(points, template) if len(points) else np.empty((0, 2, 3)))


def _crop(ours: Stages, scene: Scene, before: Trace) -> Trace:
    owners = zip(scene.pictures, before["faces"], strict=True)
    sources = [picture.pixels for picture, faces in owners for _ in faces.scores]
    return Trace(crops=ours.warp(sources, before["matrices"], ours.crop_size))


def _crop_blob(ours: Stages, _: Scene, before: Trace) -> Trace:
    crops = before["crops"]
    nothing = np.empty((0, 3, ours.crop_size, ours.crop_size), np.float32)
    return Trace(crop_blob=ours.crop_blob(crops, ours.embedder.spec.input) if len(crops) else nothing)


def _embed(ours: Stages, _: Scene, before: Trace) -> Trace:
    output = ours.embedder.spec.outputs[0]
    if not len(before["crop_blob"]):
        return Trace(embeddings=np.empty((0, output.channels), np.float32))
    return Trace(embeddings=ours.embedder.infer(before["crop_blob"])[output.name])


def _normalise(ours: Stages, _: Scene, before: Trace) -> Trace:
    return Trace(unit=ours.normalise(before["embeddings"]))


def _cosines(ours: Stages, _: Scene, before: Trace) -> Trace:
    return Trace(cosines=ours.cosine(before["unit"]))


STEPS: Mapping[str, Callable[[Stages, Scene, Trace], Trace]] = MappingProxyType(
    {
        "canvases": _letterbox,
        "blob": _blob,
        "outputs": _heads,
        "candidates": _decode,
        "survivors": _nms,
        "faces": _select,
        "matrices": _align,
        "crops": _crop,
        "crop_blob": _crop_blob,
        "embeddings": _embed,
        "unit": _normalise,
        "cosines": _cosines,
    }
)
"""The stages in their order, by the field of the trace that each gives."""
