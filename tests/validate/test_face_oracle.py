from __future__ import annotations

import pickle
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from batchproof.errors import MissingDependencyError, StepFailedError, StepNotRunError
from batchproof.pipeline import mean_face
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.validate.face_oracle import OracleAttributes, OracleLandmarker
from tests.validate.tiny_faces import FACES, TinyNetwork, not_a_number, tiny_network

FACE = FACES[0]
Damage = Callable[[onnx.ModelProto], None]


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[int, TinyNetwork]:
    folder = tmp_path_factory.mktemp("networks")
    return {values: tiny_network(folder, values) for values in (212, 3309, 3)}


@pytest.mark.parametrize("values", [212, 3309])
def test_the_raw_outputs_are_those_before_insightface_reads_them(networks: dict[int, TinyNetwork], values: int) -> None:
    """It computes its points in place."""
    oracle = OracleLandmarker(networks[values].original, networks[values].spec)
    seen = oracle.observe(FACE.pixels, FACE.box)
    expected = OnnxRuntimeRunner(networks[values].original).infer(oracle._session.blob)["fc1"][0]
    np.testing.assert_array_equal(seen.raw, expected)
    assert seen.points.shape == ((106, 2) if values == 212 else (68, 3))
    assert (seen.pose is None) == (values == 212)


def test_an_observation_is_not_changed_by_the_next_one(networks: dict[int, TinyNetwork]) -> None:
    oracle = OracleLandmarker(networks[3309].original, networks[3309].spec)
    first = oracle.observe(FACE.pixels, FACE.box)
    kept = first.raw.copy(), first.points.copy()
    oracle.observe(FACES[-1].pixels, FACES[-1].box)
    np.testing.assert_array_equal(first.raw, kept[0])
    np.testing.assert_array_equal(first.points, kept[1])


def test_attributes_are_read_from_the_raw_outputs(networks: dict[int, TinyNetwork]) -> None:
    oracle = OracleAttributes(networks[3].original)
    seen = [oracle.observe(face.pixels, face.box) for face in FACES]
    assert {observed.male for observed in seen} == {True, False}
    for observed in seen:
        assert observed.male == (observed.raw[1] > observed.raw[0])
        assert observed.age == round(float(observed.raw[2] * np.float32(100)))


@pytest.mark.parametrize("values", [212, 3309, 3])
def test_outputs_that_are_no_numbers_never_reach_insightface(
    networks: dict[int, TinyNetwork], values: int, tmp_path: Path
) -> None:
    path, spec = not_a_number(networks[values].original, tmp_path / "nan.onnx"), networks[values].spec
    oracle = OracleAttributes(path) if values == 3 else OracleLandmarker(path, spec)
    with pytest.raises(StepFailedError, match=r"nan\.onnx: gives insightface NaN or infinite values"):
        oracle.observe(FACE.pixels, FACE.box)


def two_outputs(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Identity", ["fc1"], ["again"]))
    model.graph.output.append(helper.make_tensor_value_info("again", TensorProto.FLOAT, None))


def one_dimension(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("ReduceMax", ["fc1"], ["values"], axes=[1], keepdims=0))
    model.graph.output[0].name = "values"
    del model.graph.output[0].type.tensor_type.shape.dim[1]


@pytest.mark.parametrize("values", [212, 3])
@pytest.mark.parametrize(
    ("damage", "reason"),
    [(two_outputs, "one of its assertions does not hold"), (one_dimension, "list index out of range")],
)
def test_a_file_that_insightface_refuses_is_told_in_one_line(
    networks: dict[int, TinyNetwork], values: int, damage: Damage, reason: str, tmp_path: Path
) -> None:
    model = onnx.load(networks[values].original)
    damage(model)
    path = tmp_path / "refused.onnx"
    onnx.save(model, path)
    with pytest.raises(StepFailedError) as caught:
        OracleAttributes(path) if values == 3 else OracleLandmarker(path, networks[values].spec)
    assert caught.value.line() == f"{path}: insightface does not take this file ({reason})."


def test_without_a_mean_face_only_networks_of_three_dimensions_are_not_run(
    networks: dict[int, TinyNetwork],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    read = mean_face.read_shape
    monkeypatch.setattr(mean_face, "read_shape", lambda path: read(tmp_path / path.name))
    with pytest.raises(StepNotRunError, match=r"meanshape_68\.pkl: insightface gives no poses: cannot read the mean"):
        OracleLandmarker(networks[3309].original, networks[3309].spec)
    (tmp_path / "meanshape_68.pkl").write_bytes(pickle.dumps(np.zeros((67, 3), np.float32)))
    with pytest.raises(StepNotRunError, match="holds no mean face of 68 points"):
        OracleLandmarker(networks[3309].original, networks[3309].spec)
    flat = OracleLandmarker(networks[212].original, networks[212].spec)
    assert flat.observe(FACE.pixels, FACE.box).points.shape == (106, 2)
    assert capfd.readouterr() == ("", "")


def test_without_insightface_the_extra_is_named(
    networks: dict[int, TinyNetwork], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    with pytest.raises(MissingDependencyError, match=r"insightface is not installed.*batchproof\[validate\]"):
        OracleLandmarker(networks[212].original, networks[212].spec)
    with pytest.raises(MissingDependencyError):
        OracleAttributes(networks[3].original)
