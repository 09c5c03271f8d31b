"""How far two answers about the same pictures are apart, and what the policy says of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batchproof.deploy.triton.client.served_faces import LANDMARKS, ServedFaces
from batchproof.deploy.triton.serving.contract import AGES, MALE
from batchproof.pipeline.decode import Detections
from batchproof.pipeline.face_pipeline import Faces
from batchproof.pipeline.matching import match_faces
from batchproof.policy import PrecisionLimits
from batchproof.validate.face_parity import FaceShift, face_shift
from batchproof.verdict import Verdict, at_least, at_most, not_run


@dataclass(frozen=True)
class Compared:
    """One picture: how its faces differ, and the smallest cosine of two embeddings of one face; 1 without a face.

    `heads` has what the other networks say differently: of each landmark network's output the furthest move of a point
    in pixels, of `male` the faces that have changed, of `ages` the most years; infinite where one answer lacks it.
    """

    shift: FaceShift
    cosine: float
    heads: Mapping[str, float]


def as_served(faces: Faces, landmarkers: Sequence[str]) -> ServedFaces:
    """Put what the pipeline gives into the form in which it is served; `landmarkers` are the networks' names."""
    found, unit, attributes = faces.detections, faces.normed_embeddings, faces.attributes
    if found.keypoints is None or unit is None:
        raise ValueError("a served pipeline has landmarks and embeddings")
    return ServedFaces(
        found.boxes,
        found.scores,
        found.keypoints,
        normed_embeddings=unit,
        landmarks=dict(zip(landmarkers, faces.landmarks, strict=True)),
        male=None if attributes is None else attributes.male,
        ages=None if attributes is None else attributes.age.astype(np.int32),
    )


def compared(name: str, theirs: ServedFaces, ours: ServedFaces, decided: float) -> Compared:
    """Compare two answers about the picture `name`; a face below the score `decided` need not have a partner."""
    first, second = (Detections(faces.boxes, faces.scores, faces.keypoints) for faces in (theirs, ours))
    first_of, second_of = match_faces(first, second)
    return Compared(
        face_shift(name, first, second, decided),
        _smallest_cosine(theirs, ours, first_of, second_of),
        _differences(_heads(theirs, first_of), _heads(ours, second_of)),
    )


def _heads(faces: ServedFaces, chosen: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
    """What landmark and attribute networks say of the `chosen` faces, by the names of their outputs."""
    found = {f"{LANDMARKS}{name}": points for name, points in faces.landmarks.items()}
    told = {**found, MALE.name: faces.male, AGES.name: faces.ages}
    return {name: values[chosen].astype(np.float64) for name, values in told.items() if values is not None}


def _differences(
    theirs: Mapping[str, NDArray[np.float64]], ours: Mapping[str, NDArray[np.float64]]
) -> dict[str, float]:
    found = dict.fromkeys([*theirs, *ours], math.inf)
    for name in theirs.keys() & ours.keys():
        moved = np.abs(theirs[name] - ours[name])
        found[name] = float(moved.sum() if name == MALE.name else moved.max(initial=0.0))
    return found


def _smallest_cosine(theirs: ServedFaces, ours: ServedFaces, first: np.ndarray, second: np.ndarray) -> float:
    if theirs.normed_embeddings is None or ours.normed_embeddings is None:
        raise ValueError("both answers need embeddings of length 1")
    pairs = theirs.normed_embeddings[first].astype(np.float64), ours.normed_embeddings[second].astype(np.float64)
    return float((pairs[0] * pairs[1]).sum(axis=1).min(initial=1.0))


def judged(
    found: Sequence[Compared], check: str, subject: str, limits: PrecisionLimits, against: str
) -> Iterator[Verdict]:
    """Judge all pictures together, as `check.faces`, `check.box_shift`; `against` says what they are compared with."""
    shifts = [one.shift for one in found]
    faces = sum(shift.matched for shift in shifts)
    lost = max(shifts, key=lambda shift: shift.unmatched)
    counted = f"{faces} faces in {len(found)} pictures found again {against}; lost or invented"
    total = sum(shift.unmatched for shift in shifts)
    witness = lost.picture if lost.unmatched else None
    yield at_most(
        f"{check}.faces", subject, total, limits.detector.unmatched_faces, counted, unit="faces", witness=witness
    )
    if not faces:
        yield not_run(
            f"{check}.box_shift", subject, f"the {len(found)} pictures have no faces: give others by --images"
        )
        return
    detector = limits.detector
    for name, limit, unit in (
        ("box", detector.box_shift_px, "px"),
        ("landmark", detector.landmark_shift_px, "px"),
        ("score", detector.score_shift, ""),
    ):
        worst = max(shifts, key=lambda shift: float(getattr(shift, name)))
        reason = f"furthest move of a {name} {against}"
        figure = float(getattr(worst, name))
        yield at_most(f"{check}.{name}_shift", subject, figure, limit, reason, unit=unit, witness=worst.picture)
    least = min(found, key=lambda one: one.cosine)
    reason = f"smallest cosine of an embedding {against}"
    yield at_least(
        f"{check}.embedding_cosine",
        subject,
        least.cosine,
        limits.embedder.min_cosine,
        reason,
        witness=least.shift.picture,
    )
    yield from _judged_heads(found, check, subject, limits, against)


def _judged_heads(
    found: Sequence[Compared], check: str, subject: str, limits: PrecisionLimits, against: str
) -> Iterator[Verdict]:
    for name in found[0].heads:
        worst = max(found, key=lambda one: one.heads[name])
        figure, witness = worst.heads[name], worst.shift.picture
        if name == MALE.name:
            total, limit = sum(one.heads[name] for one in found), limits.attributes.changed_genders
            yield at_most(f"{check}.{name}", subject, total, limit, f"changed {against}", unit="faces", witness=witness)
        elif name == AGES.name:
            # A year more: what is served is rounded, and half a year is near for some of a thousand faces.
            limit, reason = limits.attributes.age_years + 1, f"largest change of an age {against}"
            yield at_most(f"{check}.{name}", subject, figure, limit, reason, unit="years", witness=witness)
        else:
            limit, reason = limits.landmarks.point_shift_px, f"furthest move of a point {against}"
            yield at_most(f"{check}.{name}", subject, figure, limit, reason, unit="px", witness=witness)
