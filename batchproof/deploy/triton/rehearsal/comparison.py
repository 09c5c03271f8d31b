"""How far two answers about the same pictures are apart, and what the policy says of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from batchproof.deploy.triton.client.served_faces import ServedFaces
from batchproof.pipeline.decode import Detections
from batchproof.pipeline.face_pipeline import Faces
from batchproof.pipeline.matching import match_faces
from batchproof.policy import PrecisionLimits
from batchproof.validate.face_parity import FaceShift, face_shift
from batchproof.verdict import Verdict, at_least, at_most, not_run


@dataclass(frozen=True)
class Compared:
    """One picture: how its faces differ, and the smallest cosine of two embeddings of one face; 1 without a face."""

    shift: FaceShift
    cosine: float


def as_served(faces: Faces) -> ServedFaces:
    """Put what the pipeline gives into the form in which it is served."""
    found, unit = faces.detections, faces.normed_embeddings
    if found.keypoints is None or unit is None:
        raise ValueError("a served pipeline has landmarks and embeddings")
    return ServedFaces(found.boxes, found.scores, found.keypoints, normed_embeddings=unit)


def compared(name: str, theirs: ServedFaces, ours: ServedFaces, decided: float) -> Compared:
    """Compare two answers about the picture `name`; a face below the score `decided` need not have a partner."""
    first, second = (Detections(faces.boxes, faces.scores, faces.keypoints) for faces in (theirs, ours))
    pairs = match_faces(first, second)
    return Compared(face_shift(name, first, second, decided), _smallest_cosine(theirs, ours, *pairs))


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
