from __future__ import annotations

import numpy as np
import pytest

from batchproof.pipeline.decode import Detections
from batchproof.policy import load_policy
from batchproof.validate.face_parity import FaceShift, face_shift, face_verdicts
from batchproof.verdict import Status

LIMITS = load_policy().fp32.detector
SQUARES = np.array([[0, 0, 20, 20], [100, 0, 140, 40], [0, 200, 30, 230]], np.float32)


def faces(boxes: np.ndarray, scores: list[float] | None = None) -> Detections:
    corners = boxes.reshape(-1, 2, 2)
    points = np.concatenate([corners, corners, corners[:, :1]], axis=1)
    return Detections(boxes, np.array(scores or [0.9] * len(boxes), np.float32), points)


def shift(picture: str, matched: int = 3, unmatched: int = 0, box: float = 0.0) -> FaceShift:
    return FaceShift(picture, matched, unmatched, box, landmark=0.0, score=0.0)


def test_the_moves_are_measured_in_pixels() -> None:
    moved = SQUARES.copy()
    moved[1, 2] += 0.5
    found = face_shift("a.jpg", faces(SQUARES), faces(moved, [0.9, 0.9, 0.7]), decided=0.5)
    assert (found.matched, found.unmatched, found.box, found.landmark) == (3, 0, 0.5, 0.5)
    assert found.score == pytest.approx(0.2)


def test_lost_and_invented_faces_count_unless_their_score_is_at_the_threshold() -> None:
    original = faces(SQUARES[:2], [0.9, 0.505])
    batched = faces(SQUARES[[0, 2]], [0.9, 0.6])
    assert face_shift("a.jpg", original, batched, decided=0.5).unmatched == 2
    assert face_shift("a.jpg", original, batched, decided=0.51).unmatched == 1
    assert face_shift("a.jpg", faces(SQUARES), faces(SQUARES[:0]), decided=0.5).unmatched == 3


def test_without_landmarks_nothing_is_said_about_them() -> None:
    plain = Detections(SQUARES, np.full(3, 0.9, np.float32), None)
    found = face_shift("a.jpg", plain, plain, decided=0.5)
    checks = [verdict.check for verdict in face_verdicts([found], "model", LIMITS, landmarks=False)]
    assert checks == ["parity.faces", "parity.box_shift", "parity.score_shift"]


def test_the_worst_picture_is_the_witness() -> None:
    verdicts = face_verdicts([shift("a.jpg", box=0.01), shift("b.jpg", box=0.2)], "model", LIMITS, landmarks=True)
    by_check = {verdict.check: verdict for verdict in verdicts}
    assert by_check["parity.box_shift"].status is Status.FAIL
    assert by_check["parity.box_shift"].witness == "b.jpg"
    assert by_check["parity.box_shift"].figure == 0.2
    assert by_check["parity.landmark_shift"].status is Status.PASS
    assert by_check["parity.faces"].status is Status.PASS


def test_one_lost_face_fails() -> None:
    verdicts = face_verdicts([shift("a.jpg"), shift("b.jpg", unmatched=1)], "model", LIMITS, landmarks=True)
    assert (verdicts[0].status, verdicts[0].figure, verdicts[0].witness) == (Status.FAIL, 1, "b.jpg")


def test_pictures_without_faces_prove_nothing() -> None:
    verdicts = face_verdicts([shift("a.jpg", matched=0)], "model", LIMITS, landmarks=True)
    assert {verdict.status for verdict in verdicts} == {Status.NOT_RUN}


def test_when_every_face_is_lost_only_the_count_can_be_judged() -> None:
    verdicts = face_verdicts([shift("a.jpg", matched=0, unmatched=2)], "model", LIMITS, landmarks=True)
    assert [verdict.status for verdict in verdicts] == [Status.FAIL, *[Status.NOT_RUN] * 3]
