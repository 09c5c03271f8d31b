"""What is compared at each stage, in which unit, and by which threshold: the rows of the chain's table, as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from batchproof.pipeline.decode import Detections, Floats
from batchproof.validate.chain.gap import Gap, Pairing, array_gap, count_gap, face_gap, order_gap
from batchproof.validate.chain.limits import Limits
from batchproof.validate.chain.trace import Trace, landmarks
from batchproof.zoo.spec import ModelSpec, OutputKind

PerPicture = Literal["canvases", "blob"]
PerFace = Literal["crops", "crop_blob", "embeddings", "unit", "cosines"]


@dataclass(frozen=True)
class Sides:
    """insightface's results and ours, and the names of the pictures and faces that their rows are about.

    `pair` finds the same faces of both; they lie within `reach` pixels. Below the score `decided` one may be missing.
    """

    theirs: Trace
    ours: Trace
    pictures: Sequence[str]
    faces: Sequence[str]
    pair: Pairing
    reach: float
    decided: float


@dataclass(frozen=True)
class Measure:
    """One row: the stage, the field of the trace that it is about, how to compare, and what is allowed.

    `alone` is the threshold given insightface's inputs (None: what is no stage of its own), `flow` the one end to end.
    """

    stage: str
    field: str
    unit: str
    alone: float | None
    flow: float
    gap: Callable[[Sides], Gap]


def measures(detector: ModelSpec, embedder: ModelSpec, limits: Limits) -> list[Measure]:
    """List all rows in the order of the stages."""
    return [
        *_input_measures(limits),
        *_head_measures(detector, limits),
        *_face_measures(limits),
        *_crop_measures(embedder, limits),
    ]


def _input_measures(limits: Limits) -> list[Measure]:
    grey, unit = limits.alone.grey_levels, limits.alone.unit
    return [
        Measure("letterbox", "canvases", "grey levels", grey, grey, partial(_per_picture, "canvases")),
        Measure("letterbox_scale", "canvases", "", unit, unit, _scale),
        Measure("blob", "blob", "", unit, unit, partial(_per_picture, "blob")),
    ]


def _head_measures(spec: ModelSpec, limits: Limits) -> list[Measure]:
    raw = limits.models.detector
    by_kind: dict[OutputKind, float] = {"score": raw.raw_score, "bbox": raw.raw_bbox, "kps": raw.raw_kps}
    return [
        Measure(output.name, "outputs", "", by_kind[output.kind], by_kind[output.kind], partial(_head, output.name))
        for output in spec.outputs
    ]


def _face_measures(limits: Limits) -> list[Measure]:
    near, moved = limits.alone, limits.models.detector
    most, of = moved.unmatched_faces, partial(partial, _of_candidates)
    return [
        Measure("decode_count", "candidates", "candidates", most, most, _candidates),
        Measure("decode_box", "candidates", "px", near.pixels, moved.box_shift_px, of(_boxes)),
        Measure("decode_score", "candidates", "", near.unit, moved.score_shift, of(_scores)),
        Measure("nms", "survivors", "faces", most, most, _survivors),
        Measure("select", "faces", "ranks", most, most, _ordered),
        Measure("landmarks", "candidates", "px", near.pixels, moved.landmark_shift_px, of(_landmarks)),
    ]


def _crop_measures(spec: ModelSpec, limits: Limits) -> list[Measure]:
    alone, flow, embedding = limits.alone, limits.models.chain, limits.models.embedder
    blob = max(alone.unit, flow.grey_levels / spec.input.std)
    return [
        Measure("alignment", "matrices", "px", alone.pixels, flow.aligned_px, _aligned),
        Measure("crop", "crops", "grey levels", alone.grey_levels, flow.grey_levels, partial(_per_face, "crops")),
        Measure("crop_blob", "crop_blob", "", alone.unit, blob, partial(_per_face, "crop_blob")),
        Measure("embedding", "embeddings", "", embedding.max_abs, flow.max_abs, partial(_per_face, "embeddings")),
        Measure("normalised", "unit", "", alone.unit, flow.unit, partial(_per_face, "unit")),
        Measure("cosine", "cosines", "", alone.unit, flow.cosine, partial(_per_face, "cosines")),
        Measure("decision", "cosines", "pairs", None, 0, partial(_decisions, alone.same_person, flow.cosine)),
    ]


def _per_picture(field: PerPicture, sides: Sides) -> Gap:
    return array_gap(sides.theirs[field], sides.ours[field], sides.pictures)


def _per_face(field: PerFace, sides: Sides) -> Gap:
    return array_gap(sides.theirs[field], sides.ours[field], sides.faces)


def _decisions(same_person: float, noise: float, sides: Sides) -> Gap:
    """Count the pairs of faces that only one side takes for one person; within `noise` of it nothing is decided."""
    theirs, ours = sides.theirs["cosines"], sides.ours["cosines"]
    if theirs.shape != ours.shape or len(theirs) < 2:
        return array_gap(theirs, ours, sides.faces)
    differ = ((theirs > same_person) != (ours > same_person)) & (np.abs(theirs - same_person) > noise)
    pairs = np.argwhere(np.triu(differ, 1))
    return Gap(float(len(pairs)), " and ".join(sides.faces[face] for face in pairs[0]) if len(pairs) else None)


def _scale(sides: Sides) -> Gap:
    """Only of pictures with candidates: insightface says nothing of the others' scale."""
    theirs, ours = np.array(sides.theirs["scales"]), np.array(sides.ours["scales"])
    known = np.isfinite(theirs)
    labels = [name for name, shown in zip(sides.pictures, known, strict=True) if shown]
    return array_gap(theirs[known], ours[known], labels)


def _head(output: str, sides: Sides) -> Gap:
    return array_gap(sides.theirs["outputs"][output], sides.ours["outputs"][output], sides.pictures)


def _candidates(sides: Sides) -> Gap:
    """How many there are; where they are is the next row's business."""
    return count_gap(sides.theirs["candidates"], sides.ours["candidates"], sides.pictures, sides.pair, sides.decided)


def _survivors(sides: Sides) -> Gap:
    return count_gap(
        sides.theirs["survivors"], sides.ours["survivors"], sides.pictures, sides.pair, sides.decided, sides.reach
    )


def _ordered(sides: Sides) -> Gap:
    return order_gap(sides.theirs["faces"], sides.ours["faces"], sides.pictures, sides.reach)


def _of_candidates(values: Callable[[Detections], Floats], sides: Sides) -> Gap:
    return face_gap(sides.theirs["candidates"], sides.ours["candidates"], values, sides.pictures, sides.pair)


def _boxes(faces: Detections) -> Floats:
    return faces.boxes


def _scores(faces: Detections) -> Floats:
    return faces.scores


def _landmarks(faces: Detections) -> Floats:
    """Of all candidates: a selected face is one of them, and takes its landmarks along."""
    return landmarks([faces])


def _aligned(sides: Sides) -> Gap:
    """Where the corners of insightface's crop lie in ours, for entries of a matrix have no common unit."""
    theirs, ours = sides.theirs["matrices"], sides.ours["matrices"]
    if theirs.shape != ours.shape:
        return array_gap(theirs, ours, sides.faces)
    side = float(sides.theirs["crops"].shape[1])
    corners = np.array([[0, side, 0, side], [0, 0, side, side], [1, 1, 1, 1]])
    bottom = np.broadcast_to([[[0.0, 0.0, 1.0]]], (len(theirs), 1, 3))
    moved = ours @ np.linalg.inv(np.concatenate([theirs, bottom], axis=1)) @ corners
    return array_gap(np.broadcast_to(corners[:2], moved.shape), moved, sides.faces)
