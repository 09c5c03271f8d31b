"""What the server answers is what insightface answers, by the limits of the stage `validate`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from batchproof.deploy.triton.server.server import RunningServer
from batchproof.pipeline.decode import Detections, DetectionSettings
from batchproof.pipeline.matching import match_faces
from batchproof.pipeline.pictures import Picture
from batchproof.policy import load_policy
from batchproof.validate.face_oracle import OracleAttributes, OracleLandmarker
from batchproof.validate.face_parity import FaceShift, face_shift, face_verdicts
from batchproof.validate.oracle import OracleDetector, OracleEmbedder
from batchproof.verdict import Status
from tests.deploy.triton.packs import ServedPack
from tests.deploy.triton.served.asking import Answer, ask, ask_frame, files

# insightface calls what scikit-image has renamed.
pytestmark = [pytest.mark.served, pytest.mark.filterwarnings("ignore:`estimate` is deprecated:FutureWarning")]
LIMITS = load_policy().fp32


class Insightface:
    """The originals of a pack, and what they find in a picture."""

    def __init__(self, pack: ServedPack) -> None:
        served, originals = pack.pipeline, pack.originals
        self.detector = OracleDetector(originals[served.detector.name], served.detector.spec)
        self.embedder = OracleEmbedder(originals[served.embedder.name])
        self.landmarker = OracleLandmarker(originals["2d106det"], served.landmarkers[0].spec)
        self.attributes = OracleAttributes(originals["genderage"])

    def faces(self, picture: Picture) -> Detections:
        return self.detector.observe(picture.pixels, DetectionSettings()).detections

    def embedding(self, picture: Picture, faces: Detections, index: int) -> NDArray[np.float32]:
        from insightface.utils.face_align import norm_crop

        assert faces.keypoints is not None
        return self.embedder.embed(norm_crop(picture.pixels, faces.keypoints[index]))


@pytest.fixture(scope="module")
def original(pack: ServedPack) -> Insightface:
    return Insightface(pack)


@pytest.fixture(scope="module")
def answers(server: RunningServer, pictures: list[Picture]) -> dict[str, Answer]:
    return {picture.name: ask_frame(server, picture.pixels) for picture in pictures}


def detections(answer: Answer, row: int = 0) -> Detections:
    count = int(answer["num_faces"][row, 0])
    return Detections(*(answer[name][row, :count] for name in ("boxes", "scores", "keypoints")))


def test_every_picture_has_the_faces_of_insightface(
    original: Insightface, pictures: list[Picture], answers: dict[str, Answer]
) -> None:
    decided = DetectionSettings().threshold + LIMITS.detector.score_shift
    shifts: list[FaceShift] = [
        face_shift(picture.name, original.faces(picture), detections(answers[picture.name]), decided)
        for picture in pictures
    ]
    judged = face_verdicts(shifts, "served", LIMITS.detector, landmarks=True)
    assert len(judged) == 4
    assert {verdict.status for verdict in judged} == {Status.PASS}
    assert sum(shift.matched for shift in shifts) > 100


def test_every_face_has_the_embedding_of_insightface(
    original: Insightface, pictures: list[Picture], answers: dict[str, Answer]
) -> None:
    """From the frame on: by insightface's own landmarks and its own alignment."""
    for picture in pictures:
        seen, answer = original.faces(picture), answers[picture.name]
        pairs = zip(*match_faces(seen, detections(answer)), strict=True)
        for first, second in pairs:
            theirs = original.embedding(picture, seen, first)
            ours, unit = answer["embeddings"][0, second], answer["normed_embeddings"][0, second]
            assert np.abs(ours - theirs).max() <= LIMITS.chain.max_abs
            assert unit @ (theirs / np.linalg.norm(theirs)) >= LIMITS.embedder.min_cosine
            np.testing.assert_allclose(unit, ours / np.linalg.norm(ours), rtol=0, atol=1e-6)


def test_every_face_has_the_points_and_attributes_of_insightface(
    original: Insightface, pictures: list[Picture], answers: dict[str, Answer]
) -> None:
    for picture in pictures:
        answer = answers[picture.name]
        for face, box in enumerate(answer["boxes"][0]):
            points = original.landmarker.observe(picture.pixels, box).points
            shift = np.abs(answer["landmarks_2d106det"][0, face] - points).max()
            assert shift <= LIMITS.landmarks.point_shift_px
            seen = original.attributes.observe(picture.pixels, box)
            assert (answer["male"][0, face], answer["ages"][0, face]) == (seen.male, seen.age)


def test_a_file_is_answered_like_its_frame(
    server: RunningServer, test_data: Path, pictures: list[Picture], answers: dict[str, Answer]
) -> None:
    for picture in pictures:
        content = (test_data / "images" / picture.name).read_bytes()
        answer = ask(server, image=files(content))
        for name, frame in answers[picture.name].items():
            np.testing.assert_array_equal(answer[name], frame)


def test_files_of_one_request_may_differ_in_size(
    server: RunningServer, test_data: Path, pictures: list[Picture], answers: dict[str, Answer]
) -> None:
    contents = [(test_data / "images" / picture.name).read_bytes() for picture in pictures]
    answer = ask(server, image=files(*contents))
    counts = answer["num_faces"][:, 0]
    assert answer["boxes"].shape == (len(pictures), max(counts), 4)
    for row, picture in enumerate(pictures):
        alone, count = answers[picture.name], counts[row]
        assert count == alone["num_faces"][0, 0]
        np.testing.assert_array_equal(answer["boxes"][row, :count], alone["boxes"][0])
        ours, limit = answer["embeddings"][row, :count], LIMITS.probe.non_invariance
        np.testing.assert_allclose(ours, alone["embeddings"][0], rtol=0, atol=limit)
        assert not any(answer[name][row, count:].any() for name in ("boxes", "scores", "embeddings", "male", "ages"))


def test_frames_of_one_request_are_a_batch(server: RunningServer, pictures: list[Picture]) -> None:
    pixels = pictures[0].pixels
    turned = np.ascontiguousarray(pixels[:, ::-1])
    answer = ask(server, frame=np.stack([pixels, turned, np.zeros_like(pixels)]))
    assert answer["num_faces"].shape == (3, 1)
    assert answer["num_faces"][2, 0] == 0
    for row, frame in enumerate((pixels, turned)):
        alone = detections(ask_frame(server, frame))
        np.testing.assert_array_equal(detections(answer, row).boxes, alone.boxes)


def test_only_what_is_asked_for_is_answered(server: RunningServer, pictures: list[Picture]) -> None:
    answer = ask(server, ["boxes", "num_faces"], frame=pictures[0].pixels[None])
    assert set(answer) == {"boxes", "num_faces"}
