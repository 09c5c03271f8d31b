from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from batchproof.errors import StepFailedError
from batchproof.pipeline import landmarks, upright
from batchproof.pipeline.mean_face import mean_shape
from batchproof.runtime import Outputs, Runner
from batchproof.validate import landmark_parity as module
from batchproof.validate.face_oracle import OracleLandmarker
from batchproof.validate.face_sample import FaceSample
from batchproof.validate.landmark_parity import angle_shift, landmark_parity
from batchproof.validate.parity import ParitySettings
from batchproof.verdict import Status, Verdict
from batchproof.zoo.spec import ModelSpec
from tests.validate.tiny_faces import (
    HALF,
    SAMPLE,
    SETTINGS,
    TinyNetwork,
    by_check,
    failed,
    not_a_number,
    tiny_network,
)

FLAT = {"raw_landmarks", "landmark_points"}
DEEP = FLAT | {"head_pose"}


@pytest.fixture(scope="module", params=[(212, FLAT), (3309, DEEP)], ids=["2d106det", "1k3d68"])
def checked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyNetwork, set[str]]:
    values, checks = request.param
    return tiny_network(tmp_path_factory.mktemp("landmarks"), values), checks


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> TinyNetwork:
    """2d106det, normalised outside of its graph."""
    return tiny_network(tmp_path_factory.mktemp("landmarks"), 212, normalised=False)


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> TinyNetwork:
    return tiny_network(tmp_path_factory.mktemp("landmarks"), 3309)


def judged(
    network: TinyNetwork,
    runner: Runner | None = None,
    spec: ModelSpec | None = None,
    sample: FaceSample = SAMPLE,
    settings: ParitySettings = SETTINGS,
) -> dict[str, Verdict]:
    oracle = OracleLandmarker(network.original, network.spec)
    return by_check(landmark_parity(oracle, runner or network.runner(), spec or network.spec, sample, settings))


def test_a_faithful_network_passes_in_whole_batches(checked: tuple[TinyNetwork, set[str]]) -> None:
    network, checks = checked
    runner = network.runner()
    verdicts = judged(network, runner)
    assert failed(verdicts) == set()
    assert set(verdicts) == checks
    assert runner.batches == [5, 5, 5]
    assert "12 faces, in batches of 5" in verdicts["landmark_points"].reason


def test_half_precision_keeps_its_own_limits(checked: tuple[TinyNetwork, set[str]]) -> None:
    network, _ = checked
    assert failed(judged(network, network.half(), settings=HALF)) == set()
    assert failed(judged(network, network.half())) >= FLAT, "half precision cannot be this exact"


def test_normalisation_outside_of_the_graph_passes_too(flat: TinyNetwork) -> None:
    assert (flat.spec.input.mean, flat.spec.input.std) == (127.5, 128.0)
    assert failed(judged(flat)) == set()


@pytest.mark.parametrize("wrong", [{"std": 127.5}, {"mean": 127.0}, {"colour": "BGR"}])
def test_a_wrong_constant_of_the_input_fails_from_the_raw_outputs_on(
    flat: TinyNetwork, wrong: dict[str, object]
) -> None:
    assert failed(judged(flat, spec=flat.spec_with(**wrong))) == FLAT


def test_another_crop_fails_from_the_raw_outputs_on(
    checked: tuple[TinyNetwork, set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, checks = checked
    monkeypatch.setattr(upright, "FACE_CROP", 1.4)
    assert failed(judged(network)) == checks


def test_other_points_of_the_same_outputs_fail_in_the_picture(
    deep: TinyNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many points, but read one number too far on."""
    shifted = landmarks.decode_landmarks

    def late(raw: np.ndarray, matrices: np.ndarray, size: int) -> np.ndarray:
        return shifted(np.roll(raw, 1, axis=1), matrices, size)

    monkeypatch.setattr(landmarks, "decode_landmarks", late)
    assert failed(judged(deep)) == {"landmark_points", "head_pose"}


def test_a_pose_of_another_mean_face_fails_alone(deep: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    mirrored = mean_shape() * np.array([-1, 1, 1], np.float32)
    monkeypatch.setattr(module, "mean_shape", lambda: mirrored)
    assert failed(judged(deep)) == {"head_pose"}


def test_the_face_that_is_furthest_off_is_the_witness(checked: tuple[TinyNetwork, set[str]]) -> None:
    network, checks = checked

    def bend(outputs: Outputs) -> Outputs:
        rows = outputs["landmarks"].copy()
        rows[3] += np.linspace(0, 0.1, rows.shape[1], dtype=np.float32)
        return {"landmarks": rows}

    verdicts = judged(network, network.runner(bend), settings=ParitySettings("model", SETTINGS.limits, 12))
    assert failed(verdicts) == checks
    assert {verdict.witness for verdict in verdicts.values()} == {SAMPLE.faces[3].name}
    assert [verdicts[check].unit for check in ("landmark_points", *sorted(checks - FLAT))] == [
        "px",
        *["degrees"] * len(checks - FLAT),
    ]


def test_rows_of_other_faces_fail(checked: tuple[TinyNetwork, set[str]]) -> None:
    network, checks = checked
    runner = network.runner(lambda outputs: {"landmarks": outputs["landmarks"][::-1]})
    assert failed(judged(network, runner)) == checks


@pytest.mark.parametrize(
    ("value", "reason"),
    [(np.nan, "output 'landmarks' is NaN or infinite for picture 0"), (3e38, "is NaN or infinite for picture 0")],
)
def test_points_that_are_no_numbers_fail(deep: TinyNetwork, value: float, reason: str) -> None:
    runner = deep.runner(lambda outputs: {"landmarks": np.full_like(outputs["landmarks"], value)})
    with np.errstate(over="ignore", invalid="ignore"):
        (verdict,) = judged(deep, runner).values()
    assert (verdict.check, verdict.status) == ("parity.outputs", Status.FAIL)
    assert reason in verdict.reason


def test_an_output_of_one_row_fails_with_its_shape(flat: TinyNetwork) -> None:
    (verdict,) = judged(flat, flat.runner(lambda outputs: {"landmarks": outputs["landmarks"][:1]})).values()
    assert verdict.reason == "output 'landmarks' has shape [1, 212], expected [5, 212]"


def test_an_original_that_gives_no_numbers_is_told(deep: TinyNetwork, tmp_path: Path) -> None:
    broken = TinyNetwork(not_a_number(deep.original, tmp_path / "nan.onnx"), deep.repaired, deep.spec)
    with pytest.raises(StepFailedError, match=r"nan\.onnx: gives insightface NaN or infinite values"):
        judged(broken)


def test_without_faces_nothing_is_said(checked: tuple[TinyNetwork, set[str]]) -> None:
    network, checks = checked
    verdicts = judged(network, sample=FaceSample((), "no face anywhere"))
    assert set(verdicts) == checks
    assert {(verdict.status, verdict.reason) for verdict in verdicts.values()} == {(Status.NOT_RUN, "no face anywhere")}


def test_angles_are_compared_round_the_circle() -> None:
    first = np.array([[0, 0, 179.5], [10, 0, 0], [-180, 0, 0]], np.float32)
    second = np.array([[0, 0.25, -179.5], [10, -30, 0], [180, 0, 0]], np.float32)
    assert angle_shift(first, second).tolist() == [1.0, 30.0, 0.0]
