from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batchproof.errors import StepFailedError
from batchproof.pipeline import attributes, upright
from batchproof.pipeline.attributes import Attributes
from batchproof.policy import AttributeLimits
from batchproof.runtime import Outputs, Runner
from batchproof.validate.attribute_parity import attribute_parity
from batchproof.validate.face_oracle import OracleAttributes
from batchproof.validate.face_sample import FaceSample
from batchproof.validate.parity import ParitySettings
from batchproof.verdict import Status, Verdict
from batchproof.zoo.spec import ModelSpec
from tests.validate.tiny_faces import (
    HALF,
    SAMPLE,
    SETTINGS,
    Change,
    TinyNetwork,
    by_check,
    failed,
    not_a_number,
    tiny_network,
)

CHECKS = {"raw_attributes", "gender", "age"}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> TinyNetwork:
    return tiny_network(tmp_path_factory.mktemp("attributes"), 3)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> TinyNetwork:
    """Normalised outside of its graph."""
    return tiny_network(tmp_path_factory.mktemp("attributes"), 3, normalised=False)


def judged(
    network: TinyNetwork,
    runner: Runner | None = None,
    spec: ModelSpec | None = None,
    sample: FaceSample = SAMPLE,
    settings: ParitySettings = SETTINGS,
) -> dict[str, Verdict]:
    oracle = OracleAttributes(network.original)
    return by_check(attribute_parity(oracle, runner or network.runner(), spec or network.spec, sample, settings))


def within(raw: float) -> ParitySettings:
    """Settings that allow the raw outputs this difference."""
    limits = replace(SETTINGS.limits, attributes=AttributeLimits(raw, changed_genders=0, age_years=0))
    return ParitySettings("model", limits, 12)


def moved(column: int, by: float | np.ndarray) -> Change:
    def change(outputs: Outputs) -> Outputs:
        rows = outputs["attributes"].copy()
        rows[:, column] += np.float32(by)
        return {"attributes": rows}

    return change


def originals(network: TinyNetwork) -> np.ndarray:
    oracle = OracleAttributes(network.original)
    return np.stack([oracle.observe(face.pixels, face.box).raw for face in SAMPLE.faces])


def test_a_faithful_network_passes_in_whole_batches(network: TinyNetwork) -> None:
    runner = network.runner()
    verdicts = judged(network, runner)
    assert failed(verdicts) == set()
    assert set(verdicts) == CHECKS
    assert runner.batches == [5, 5, 5]


def test_half_precision_keeps_its_own_limits(network: TinyNetwork) -> None:
    assert failed(judged(network, network.half(), settings=HALF)) == set()
    assert "raw_attributes" in failed(judged(network, network.half())), "half precision cannot be this exact"


@pytest.mark.parametrize("wrong", [{"std": 127.5}, {"mean": 127.0}, {"colour": "BGR"}])
def test_a_wrong_constant_of_the_input_fails_from_the_raw_outputs_on(
    outside: TinyNetwork, wrong: dict[str, object]
) -> None:
    assert failed(judged(outside)) == set()
    assert "raw_attributes" in failed(judged(outside, spec=outside.spec_with(**wrong)))


def test_another_crop_fails_from_the_raw_outputs_on(network: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upright, "FACE_CROP", 1.4)
    assert {"raw_attributes", "age"} <= failed(judged(network))


def test_men_for_women_fails_the_gender_alone(network: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = attributes.decode_attributes

    def swapped(raw: np.ndarray) -> Attributes:
        found = decode(raw)
        return Attributes(~found.male, found.age)

    monkeypatch.setattr(attributes, "decode_attributes", swapped)
    verdicts = judged(network)
    assert failed(verdicts) == {"gender"}
    assert (verdicts["gender"].figure, verdicts["gender"].unit) == (12, "faces")
    assert verdicts["gender"].witness == SAMPLE.faces[0].name


def test_years_that_are_cut_off_fail_the_age_alone(network: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = attributes.decode_attributes

    def cut(raw: np.ndarray) -> Attributes:
        return Attributes(decode(raw).male, np.floor(raw[:, 2] * np.float32(100)).astype(np.int64))

    monkeypatch.setattr(attributes, "decode_attributes", cut)
    verdicts = judged(network)
    assert failed(verdicts) == {"age"}
    assert verdicts["age"].measured == "1 years (limit 0)"


def test_a_decision_that_is_too_close_is_not_counted(network: TinyNetwork) -> None:
    raw = originals(network)
    gaps = raw[:, 0] - raw[:, 1]
    closest = int(np.abs(gaps).argmin())
    gap = float(np.abs(gaps[closest]))
    across = np.zeros(12)
    across[closest] = gaps[closest] * 1.01

    def cross(limit: float) -> dict[str, Verdict]:
        return judged(network, network.runner(moved(1, across)), settings=within(limit))

    assert cross(gap * 0.51)["gender"].status is Status.PASS
    assert "of which 1 are too close to call" in cross(gap * 0.51)["gender"].reason
    counted = cross(gap * 0.49)["gender"]
    assert (counted.status, counted.figure, counted.witness) == (Status.FAIL, 1, SAMPLE.faces[closest].name)


def test_a_year_that_rounding_decides_is_not_counted(network: TinyNetwork) -> None:
    years = originals(network)[:, 2].astype(np.float64) * 100
    from_half = np.floor(years) + 0.5 - years
    closest = int(np.abs(from_half).argmin())
    distance = float(np.abs(from_half[closest])) / 100
    across = np.zeros(12)
    across[closest] = from_half[closest] / 100 + np.sign(from_half[closest]) * 1e-4

    def cross(limit: float, by: np.ndarray = across) -> Verdict:
        return judged(network, network.runner(moved(2, by)), settings=within(limit))["age"]

    assert cross(distance + 1e-5).status is Status.PASS
    counted = cross(distance - 1e-5)
    assert (counted.status, counted.figure, counted.witness) == (Status.FAIL, 1, SAMPLE.faces[closest].name)
    assert cross(distance + 1e-5, across + np.sign(across) * 0.01).figure == 1, "two years are more than rounding"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_fail(network: TinyNetwork, value: float) -> None:
    (verdict,) = judged(network, network.runner(moved(2, value))).values()
    assert (verdict.check, verdict.status) == ("parity.outputs", Status.FAIL)
    assert "output 'attributes' is NaN or infinite for picture 0" in verdict.reason


def test_an_original_that_gives_no_numbers_is_told(network: TinyNetwork, tmp_path: Path) -> None:
    broken = TinyNetwork(not_a_number(network.original, tmp_path / "nan.onnx"), network.repaired, network.spec)
    with pytest.raises(StepFailedError, match=r"nan\.onnx: gives insightface NaN or infinite values"):
        judged(broken)


def test_without_faces_nothing_is_said(network: TinyNetwork) -> None:
    verdicts = judged(network, sample=FaceSample((), "no face anywhere"))
    assert set(verdicts) == CHECKS
    assert {(verdict.status, verdict.reason) for verdict in verdicts.values()} == {(Status.NOT_RUN, "no face anywhere")}
