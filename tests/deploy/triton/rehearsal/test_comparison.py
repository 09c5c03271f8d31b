from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from batchproof.deploy.triton.client.served_faces import ServedFaces
from batchproof.deploy.triton.rehearsal.comparison import Compared, as_served, compared, judged
from batchproof.pipeline.decode import Detections
from batchproof.pipeline.face_pipeline import Faces
from batchproof.policy import load_policy
from batchproof.verdict import Status, Verdict

LIMITS = load_policy().fp32
DECIDED = 0.51
NONE = ServedFaces(
    np.empty((0, 4), np.float32),
    np.empty(0, np.float32),
    np.empty((0, 5, 2), np.float32),
    normed_embeddings=np.empty((0, 4), np.float32),
)


def faces(count: int = 3) -> ServedFaces:
    corners = np.arange(count, dtype=np.float32)[:, None] * 100 + np.array([0, 0, 50, 60], np.float32)
    keypoints = np.repeat(corners[:, None, :2], 5, axis=1) + 20
    scores = np.linspace(0.9, 0.6, count, dtype=np.float32)
    return ServedFaces(corners, scores, keypoints, normed_embeddings=np.eye(4, dtype=np.float32)[:count])


def verdicts(*found: Compared) -> dict[str, Verdict]:
    return {verdict.check: verdict for verdict in judged(found, "check", "bundle", LIMITS, "alone")}


def test_the_same_answer_passes_in_every_respect() -> None:
    found = verdicts(compared("a.jpg", faces(), faces(), DECIDED))
    kinds = ("faces", "box_shift", "landmark_shift", "score_shift", "embedding_cosine")
    assert list(found) == [f"check.{kind}" for kind in kinds]
    assert {verdict.status for verdict in found.values()} == {Status.PASS}
    assert found["check.faces"].reason.startswith("3 faces in 1 pictures")


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        ("box_shift", replace(faces(), boxes=faces().boxes + np.float32(0.1))),
        ("landmark_shift", replace(faces(), keypoints=faces().keypoints + np.float32(0.1))),
        ("score_shift", replace(faces(), scores=faces().scores - np.float32(1e-3))),
        ("embedding_cosine", replace(faces(), normed_embeddings=np.eye(4, dtype=np.float32)[[1, 0, 2]])),
    ],
)
def test_each_difference_fails_alone_and_names_its_picture(check: str, changed: ServedFaces) -> None:
    found = verdicts(compared("a.jpg", faces(), faces(), DECIDED), compared("b.jpg", faces(), changed, DECIDED))
    failed = {name for name, verdict in found.items() if verdict.status is Status.FAIL}
    assert failed == {f"check.{check}"}
    assert found[f"check.{check}"].witness == "b.jpg"


def described() -> ServedFaces:
    points = np.zeros((3, 106, 2), np.float32)
    male, ages = np.array([True, False, True]), np.array([20, 30, 40], np.int32)
    return replace(faces(), landmarks={"2d106det": points}, male=male, ages=ages)


def test_what_other_networks_say_is_judged() -> None:
    found = verdicts(compared("a.jpg", described(), described(), DECIDED))
    heads = {"check.landmarks_2d106det", "check.male", "check.ages"}
    assert heads <= set(found)
    assert {verdict.status for verdict in found.values()} == {Status.PASS}


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        ("landmarks_2d106det", replace(described(), landmarks={"2d106det": np.full((3, 106, 2), 0.1, np.float32)})),
        ("landmarks_2d106det", replace(described(), landmarks={})),
        ("male", replace(described(), male=np.array([True, True, True]))),
        ("male", replace(described(), male=None)),
        ("ages", replace(described(), ages=np.array([20, 32, 40], np.int32))),
    ],
)
def test_each_network_fails_alone(check: str, changed: ServedFaces) -> None:
    for pair in ((described(), changed), (changed, described())):
        found = verdicts(compared("a.jpg", described(), described(), DECIDED), compared("b.jpg", *pair, DECIDED))
        assert {name for name, verdict in found.items() if verdict.status is Status.FAIL} == {f"check.{check}"}
        assert found[f"check.{check}"].witness == "b.jpg"


def test_a_lost_face_fails_unless_its_score_is_at_the_threshold() -> None:
    lost = verdicts(compared("a.jpg", faces(3), faces(2), DECIDED))["check.faces"]
    assert (lost.status, lost.figure, lost.witness) == (Status.FAIL, 1, "a.jpg")
    near = replace(faces(3), scores=np.array([0.9, 0.8, 0.505], np.float32))
    assert verdicts(compared("a.jpg", near, faces(2), DECIDED))["check.faces"].figure == 0


def test_pictures_without_faces_decide_nothing_but_the_count() -> None:
    found = verdicts(compared("a.jpg", NONE, NONE, DECIDED))
    assert {name: verdict.status for name, verdict in found.items()} == {
        "check.faces": Status.PASS,
        "check.box_shift": Status.NOT_RUN,
    }


def test_what_the_pipeline_gives_is_compared_as_it_is_served() -> None:
    wanted = faces()
    embeddings = np.eye(4, dtype=np.float32)[:3] * 5
    given = Faces(Detections(wanted.boxes, wanted.scores, wanted.keypoints), embeddings=embeddings)
    assert verdicts(compared("a.jpg", wanted, as_served(given, []), DECIDED))["check.embedding_cosine"].figure == 1
    with pytest.raises(ValueError, match="embeddings"):
        as_served(Faces(Detections(wanted.boxes, wanted.scores, wanted.keypoints)), [])
