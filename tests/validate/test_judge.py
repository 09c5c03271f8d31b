"""A tiny pack of one detector and the three networks that take upright faces, judged against insightface."""

from __future__ import annotations

import pytest

from batchproof.errors import InputError
from batchproof.pipeline.decode import DetectionSettings
from batchproof.pipeline.pictures import Picture
from batchproof.policy import load_policy
from batchproof.validate.judge import judge_parity
from batchproof.validate.oracle import OracleDetector
from batchproof.validate.parity import ParitySettings
from batchproof.verdict import Status
from tests.pipeline.tiny_scrfd import SPEC, picture, tiny_scrfd
from tests.validate.tiny_faces import TinyNetwork, by_check, failed, tiny_network

PICTURES = [Picture(f"{seed}.png", picture(120, 100 + seed * 30, seed)) for seed in range(3)]
SETTINGS = ParitySettings("model", load_policy().fp32, 4, DetectionSettings(64, 96))
BLIND = ParitySettings("model", load_policy().fp32, 4, DetectionSettings(64, 96, threshold=1.0))
CHECKS = {
    212: ["raw_landmarks", "landmark_points"],
    3309: ["raw_landmarks", "landmark_points", "head_pose"],
    3: ["raw_attributes", "gender", "age"],
}


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> OracleDetector:
    return OracleDetector(tiny_scrfd(tmp_path_factory.mktemp("finder") / "det.onnx"), SPEC)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> dict[int, TinyNetwork]:
    folder = tmp_path_factory.mktemp("pack")
    return {values: tiny_network(folder, values) for values in CHECKS}


@pytest.mark.parametrize("values", CHECKS)
def test_the_faces_of_the_finder_are_judged(pack: dict[int, TinyNetwork], values: int, finder: OracleDetector) -> None:
    network = pack[values]
    found = judge_parity(network.original, network.runner(), network.spec, PICTURES, SETTINGS, finder)
    verdicts = by_check(found)
    assert list(verdicts) == CHECKS[values]
    assert failed(verdicts) == set()
    assert "faces that insightface finds in the 3 pictures" in found[0].reason
    assert int(found[0].reason.split(", ")[1].split()[0]) > 5


@pytest.mark.parametrize("values", CHECKS)
def test_without_a_finder_whole_pictures_are_judged(pack: dict[int, TinyNetwork], values: int) -> None:
    network = pack[values]
    found = judge_parity(network.original, network.runner(), network.spec, PICTURES, SETTINGS, None)
    assert failed(by_check(found)) == set()
    assert "3 whole pictures" in found[0].reason


@pytest.mark.parametrize("values", CHECKS)
def test_pictures_without_faces_are_not_run(pack: dict[int, TinyNetwork], values: int, finder: OracleDetector) -> None:
    network = pack[values]
    found = judge_parity(network.original, network.runner(), network.spec, PICTURES, BLIND, finder)
    assert [verdict.check for verdict in found] == [f"parity.{check}" for check in CHECKS[values]]
    assert {verdict.status for verdict in found} == {Status.NOT_RUN}
    assert {verdict.reason for verdict in found} == {"insightface finds no face in the 3 pictures"}


def test_the_original_of_another_landmark_network_is_refused(pack: dict[int, TinyNetwork]) -> None:
    with pytest.raises(InputError, match="gives 3309 values, the batched model 212"):
        judge_parity(pack[3309].original, pack[212].runner(), pack[212].spec, PICTURES, SETTINGS, None)
    with pytest.raises(InputError, match="is of the family genderage, the batched model is of landmarks"):
        judge_parity(pack[3].original, pack[212].runner(), pack[212].spec, PICTURES, SETTINGS, None)
