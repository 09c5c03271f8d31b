from __future__ import annotations

import numpy as np
import pytest

from batchproof.pipeline.decode import Detections, DetectionSettings
from batchproof.surgery.fp16.face_moves import ExactFaces, face_moves

SETTINGS = DetectionSettings()
SLACK = 0.01
FIRST, RIVAL, ELSEWHERE = (10.0, 10.0, 50.0, 50.0), (12.0, 13.0, 52.0, 53.0), (200.0, 10.0, 240.0, 50.0)


def faces(*found: tuple[tuple[float, float, float, float], float]) -> Detections:
    boxes = np.array([box for box, _ in found], np.float32).reshape(-1, 4)
    points = np.repeat(boxes[:, None, :2], 5, axis=1)
    return Detections(boxes, np.array([score for _, score in found], np.float32), points)


def moved(box: tuple[float, float, float, float], pixels: float) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    return left + pixels, top, right, bottom


def figures(before: Detections, after: Detections, candidates: Detections | None = None) -> dict[str, float]:
    exact = ExactFaces(SETTINGS, [before], [before if candidates is None else candidates])
    return face_moves(exact, [after], SLACK)


def test_the_furthest_move_of_any_face_counts() -> None:
    before = faces((FIRST, 0.9), (ELSEWHERE, 0.8))
    after = faces((moved(FIRST, 0.5), 0.898), (moved(ELSEWHERE, -0.75), 0.803))
    found = figures(before, after)
    assert found == {
        "matched_faces": 2,
        "unmatched_faces": 0,
        "swapped_faces": 0,
        "box_shift_px": pytest.approx(0.75),
        "landmark_shift_px": pytest.approx(0.75),
        "score_shift": pytest.approx(0.003, abs=1e-6),
    }


@pytest.mark.parametrize(("score", "unmatched"), [(0.505, 0), (0.52, 1)])
def test_a_face_lost_or_invented_counts_unless_it_is_at_the_threshold(score: float, unmatched: int) -> None:
    both, one = faces((FIRST, 0.9), (ELSEWHERE, score)), faces((FIRST, 0.9))
    assert figures(both, one)["unmatched_faces"] == unmatched
    assert figures(one, both)["unmatched_faces"] == unmatched


def test_another_anchor_that_was_tied_is_compared_with_itself() -> None:
    before, candidates = faces((FIRST, 0.9)), faces((FIRST, 0.9), (RIVAL, 0.895))
    found = figures(before, faces((moved(RIVAL, 0.25), 0.894)), candidates)
    assert (found["swapped_faces"], found["unmatched_faces"]) == (1, 0)
    assert found["box_shift_px"] == pytest.approx(0.25)
    assert found["score_shift"] == pytest.approx(0.001, abs=1e-6)


def test_another_anchor_that_was_clearly_worse_is_a_move() -> None:
    before, candidates = faces((FIRST, 0.9)), faces((FIRST, 0.9), (RIVAL, 0.8))
    found = figures(before, faces((RIVAL, 0.9)), candidates)
    assert found["swapped_faces"] == 0
    assert found["box_shift_px"] == pytest.approx(3.0)


NEAR, BESIDE, BETWEEN = (0.0, 0.0, 40.0, 40.0), (18.0, 0.0, 58.0, 40.0), (10.0, 0.0, 50.0, 40.0)


def test_a_tied_anchor_that_suppression_would_not_merge_is_no_rival() -> None:
    found = figures(faces((NEAR, 0.9)), faces((BETWEEN, 0.9)), faces((NEAR, 0.9), (BESIDE, 0.9)))
    assert (found["box_shift_px"], found["swapped_faces"]) == (10, 0)


def test_one_face_is_not_found_again_for_two() -> None:
    found = figures(faces((NEAR, 0.9), (BESIDE, 0.8)), faces((BETWEEN, 0.9)))
    assert (found["matched_faces"], found["unmatched_faces"]) == (1, 1)


def test_a_tied_face_elsewhere_is_no_rival() -> None:
    before = faces((FIRST, 0.9), (ELSEWHERE, 0.9))
    assert figures(before, faces((moved(FIRST, 2), 0.9), (ELSEWHERE, 0.9)))["box_shift_px"] == pytest.approx(2)


def test_boxes_inside_out_find_themselves_again() -> None:
    untrained = faces(((50.0, 50.0, 10.0, 10.0), 0.9))
    assert figures(untrained, untrained)["matched_faces"] == 1


def test_without_faces_nothing_can_have_moved() -> None:
    assert figures(faces(), faces()) == {"matched_faces": 0, "unmatched_faces": 0, "swapped_faces": 0}
    assert figures(faces(), faces((FIRST, 0.9)))["unmatched_faces"] == 1
