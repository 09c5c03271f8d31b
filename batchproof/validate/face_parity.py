"""The last stage of a detector's parity: the faces themselves, found again or not, and how far they have moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batchproof.pipeline.decode import Detections
from batchproof.pipeline.matching import match_faces
from batchproof.policy import DetectorLimits
from batchproof.verdict import Verdict, at_most, not_run


@dataclass(frozen=True)
class FaceShift:
    """One picture: faces found again, lost or invented, and the largest moves of those found again.

    `box` and `landmark` are in pixels of the picture, `score` is absolute; 0 when nothing was found again.
    """

    picture: str
    matched: int
    unmatched: int
    box: float
    landmark: float
    score: float


def face_shift(picture: str, original: Detections, batched: Detections, decided: float) -> FaceShift:
    """Compare the faces of one picture; a face without partner counts only when its score is at least `decided`.

    Below that, the score is so near to the detection threshold that rounding alone can take a face across it.
    """
    first, second = match_faces(original, batched)
    lost = np.delete(original.scores, first)
    extra = np.delete(batched.scores, second)
    ours, theirs = batched.take(second), original.take(first)
    return FaceShift(
        picture=picture,
        matched=len(first),
        unmatched=int((lost >= decided).sum() + (extra >= decided).sum()),
        box=_largest(ours.boxes - theirs.boxes),
        landmark=0.0
        if ours.keypoints is None or theirs.keypoints is None
        else _largest(ours.keypoints - theirs.keypoints),
        score=_largest(ours.scores - theirs.scores),
    )


def face_verdicts(shifts: Sequence[FaceShift], subject: str, limits: DetectorLimits, landmarks: bool) -> list[Verdict]:
    """Judge all pictures together; what no face can tell is `not_run`."""
    matched = sum(shift.matched for shift in shifts)
    unmatched = sum(shift.unmatched for shift in shifts)
    checks = ["box_shift", "score_shift", *(["landmark_shift"] if landmarks else [])]
    nothing = f"insightface finds no face in the {len(shifts)} pictures that the batched model finds too"
    if matched + unmatched == 0:
        return [not_run(f"parity.{check}", subject, nothing) for check in ["faces", *checks]]
    worst = max(shifts, key=lambda shift: shift.unmatched)
    counted = at_most(
        "parity.faces",
        subject,
        unmatched,
        limits.unmatched_faces,
        f"{matched} faces of insightface found again in {len(shifts)} pictures; lost or invented",
        unit="faces",
        witness=worst.picture if worst.unmatched else None,
    )
    if matched == 0:
        return [counted, *(not_run(f"parity.{check}", subject, nothing) for check in checks)]
    return [counted, *_shift_verdicts(shifts, subject, limits, landmarks)]


def _shift_verdicts(
    shifts: Sequence[FaceShift], subject: str, limits: DetectorLimits, landmarks: bool
) -> list[Verdict]:
    box = max(shifts, key=lambda shift: shift.box)
    landmark = max(shifts, key=lambda shift: shift.landmark)
    score = max(shifts, key=lambda shift: shift.score)
    moved = "furthest move of a {} that insightface and the batched model both found"
    found = [
        at_most(
            "parity.box_shift",
            subject,
            box.box,
            limits.box_shift_px,
            moved.format("box edge"),
            unit="px",
            witness=box.picture,
        ),
        at_most(
            "parity.score_shift", subject, score.score, limits.score_shift, moved.format("score"), witness=score.picture
        ),
    ]
    if landmarks:
        found.append(
            at_most(
                "parity.landmark_shift",
                subject,
                landmark.landmark,
                limits.landmark_shift_px,
                moved.format("landmark"),
                unit="px",
                witness=landmark.picture,
            )
        )
    return found


def _largest(difference: NDArray[np.float32]) -> float:
    return float(np.abs(difference).max(initial=0.0))
