"""How far faces move between an FP32 graph and its FP16 form, and which of them only one of the two finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from batchproof.pipeline.decode import Detections, DetectionSettings, decode
from batchproof.pipeline.matching import match_faces, upright
from batchproof.pipeline.nms import overlaps
from batchproof.runtime import Outputs
from batchproof.zoo.spec import ModelSpec

_KEEP_ALL = 2.0  # an overlap that no two boxes have: nothing is suppressed


@dataclass(frozen=True)
class ExactFaces:
    """The faces that the FP32 graph finds in each picture, and everything it found before suppression."""

    settings: DetectionSettings
    faces: Sequence[Detections]
    candidates: Sequence[Detections]


def exact_faces(outputs: Outputs, spec: ModelSpec, settings: DetectionSettings, scales: Sequence[float]) -> ExactFaces:
    """Decode the outputs of the FP32 graph; raises `StepFailedError` for outputs that do not fit `spec`."""
    everything = replace(settings, iou=_KEEP_ALL)
    return ExactFaces(settings, decode(outputs, spec, settings, scales), decode(outputs, spec, everything, scales))


def face_moves(exact: ExactFaces, after: Sequence[Detections], slack: float) -> dict[str, float]:
    """Compare the faces of the same pictures; boxes and landmarks in pixels of the picture, scores absolute.

    Scores that differ by no more than `slack` are a tie that rounding may decide. So a face without a partner counts
    only when its score is that far above the detection threshold, and where another anchor of the same face has won
    (`swapped_faces`), it is compared with what the FP32 graph says of that anchor, if the two were tied there. When no
    face has a partner there is nothing that could have moved, and no such figure.
    """
    figures = {"matched_faces": 0.0, "unmatched_faces": 0.0, "swapped_faces": 0.0}
    iou, decided = exact.settings.iou, exact.settings.threshold + slack
    for before, candidates, found in zip(exact.faces, exact.candidates, after, strict=True):
        pairs = list(zip(*match_faces(before, found), strict=True))
        figures["matched_faces"] += len(pairs)
        figures["unmatched_faces"] += _unmatched(before, found, pairs, decided)
        for first, second in pairs:
            face, partner = _single(before, first), _single(found, second)
            same = _same_anchor(face, partner, candidates, iou, slack)
            figures["swapped_faces"] += not np.array_equal(same.boxes, face.boxes)
            for name, move in _moves(same, partner).items():
                figures[name] = max(figures.get(name, 0.0), move)
    return figures


def _unmatched(before: Detections, found: Detections, pairs: Sequence[tuple[int, int]], decided: float) -> int:
    lost = np.delete(before.scores, [first for first, _ in pairs])
    invented = np.delete(found.scores, [second for _, second in pairs])
    return int((lost >= decided).sum() + (invented >= decided).sum())


def _single(faces: Detections, index: int) -> Detections:
    return faces.take(np.array([index], np.intp))


def _same_anchor(face: Detections, partner: Detections, candidates: Detections, iou: float, slack: float) -> Detections:
    """Return the candidate nearest to `partner` among those tied with `face` that suppression takes for the same."""
    tied = np.abs(candidates.scores - face.scores) <= slack
    rivals = np.flatnonzero(tied & (overlaps(upright(face.boxes), upright(candidates.boxes)) > iou))
    if not len(rivals):
        return face
    distances = np.abs(candidates.boxes[rivals] - partner.boxes).max(axis=1)
    return candidates.take(rivals[[int(distances.argmin())]])


def _moves(first: Detections, second: Detections) -> dict[str, float]:
    moves = {"box_shift_px": first.boxes - second.boxes, "score_shift": first.scores - second.scores}
    if first.keypoints is not None and second.keypoints is not None:
        moves["landmark_shift_px"] = first.keypoints - second.keypoints
    return {name: float(np.abs(difference).max()) for name, difference in moves.items()}
