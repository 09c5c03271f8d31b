"""The InsightFace models themselves, repaired by `batchproof.surgery`, against insightface on the original files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest

from batchproof.pipeline.decode import DetectionSettings
from batchproof.pipeline.detect import detect, prepare
from batchproof.pipeline.pictures import Picture, load_pictures
from batchproof.policy import load_policy
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.surgery.repair import repair
from batchproof.validate.crops import face_crops, whole_crops
from batchproof.validate.findings import verdicts
from batchproof.validate.oracle import OracleDetector, OracleEmbedder
from batchproof.validate.parity import ParitySettings, detector_parity, embedder_parity
from batchproof.validate.probe import ProbeSettings, probe
from batchproof.verdict import Status, Verdict
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import ModelSpec, Precision

DETECTORS = ["det_2.5g", "det_500m", "scrfd_500m_bnkps_batch1", "scrfd_500m_kps_shapeop"]
EMBEDDER = "mobilefacenet_112_batch1"
FACES = {"solvay_conference_1927.png": 29, "lumia.jpg": 154, "t1.jpg": 6}
POLICY = load_policy()


@dataclass(frozen=True)
class Batchable:
    """An original file, what it is, and the repaired model's bytes."""

    original: Path
    spec: ModelSpec
    repaired: bytes


@pytest.fixture(scope="module")
def pictures(test_data: Path) -> list[Picture]:
    return [*load_pictures(test_data / "images"), *load_pictures(None)]


def batchable(test_data: Path, name: str, precision: Precision = "fp32") -> Batchable:
    path = test_data / "models" / f"{name}.onnx"
    model = onnx.load(path)
    recognition = recognise(model)
    repaired = repair(model, recognition).model
    if precision == "fp16":
        repaired, _ = to_fp16(repaired)
    return Batchable(path, recognition.spec, repaired.SerializeToString())


def settings(precision: Precision = "fp32") -> ParitySettings:
    return ParitySettings("model", POLICY.limits(precision), 16)


def failures(found: list[Verdict]) -> list[Verdict]:
    return [verdict for verdict in found if verdict.status is not Status.PASS]


def test_every_face_is_found_again_in_one_batch_of_different_pictures(test_data: Path, pictures: list[Picture]) -> None:
    model = batchable(test_data, "det_2.5g")
    runner, detection = OnnxRuntimeRunner(model.repaired), DetectionSettings()
    found = detect(runner, model.spec, [picture.pixels for picture in pictures], detection)
    counts = {picture.name: len(faces) for picture, faces in zip(pictures, found, strict=True)}
    assert FACES.items() <= counts.items()
    judged = detector_parity(OracleDetector(model.original, model.spec), runner, model.spec, pictures, settings())
    figures = {verdict.check: verdict.figure for verdict in judged}
    assert len(figures) == 7
    assert failures(judged) == []
    assert figures["parity.faces"] == 0
    for check in ("parity.box_shift", "parity.landmark_shift"):
        figure = figures[check]
        assert figure is not None
        assert figure <= 0.05


@pytest.mark.parametrize("optimised", [True, False])
@pytest.mark.parametrize("name", DETECTORS)
def test_detectors_agree_with_insightface(test_data: Path, pictures: list[Picture], name: str, optimised: bool) -> None:
    model = batchable(test_data, name)
    runner = OnnxRuntimeRunner(model.repaired, optimised=optimised)
    oracle = OracleDetector(model.original, model.spec)
    assert failures(detector_parity(oracle, runner, model.spec, pictures, settings())) == []


@pytest.mark.parametrize("name", DETECTORS)
def test_half_precision_keeps_its_own_limits(test_data: Path, pictures: list[Picture], name: str) -> None:
    model = batchable(test_data, name, "fp16")
    oracle = OracleDetector(model.original, model.spec)
    judged = detector_parity(oracle, OnnxRuntimeRunner(model.repaired), model.spec, pictures, settings("fp16"))
    assert failures(judged) == []
    assert any((verdict.figure or 0) > 1e-4 for verdict in judged), "half precision cannot be this exact"


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_embeddings_agree_with_insightface(test_data: Path, pictures: list[Picture], precision: Precision) -> None:
    model, finder = batchable(test_data, EMBEDDER, precision), batchable(test_data, "det_500m")
    pixels = [picture.pixels for picture in pictures]
    faces = detect(OnnxRuntimeRunner(finder.repaired), finder.spec, pixels, DetectionSettings())
    crops = face_crops(pictures, faces, 112)
    assert len(crops) > 100
    runner = OnnxRuntimeRunner(model.repaired)
    judged = embedder_parity(OracleEmbedder(model.original), runner, model.spec, crops, settings(precision))
    assert len(judged) == 2
    assert failures(judged) == []


@pytest.mark.parametrize("optimised", [True, False])
@pytest.mark.parametrize("name", ["det_2.5g", "det_500m"])
def test_repaired_detectors_do_not_contaminate(
    test_data: Path, pictures: list[Picture], name: str, optimised: bool
) -> None:
    model = batchable(test_data, name)
    pool = prepare([picture.pixels for picture in pictures[:4]], model.spec.input, 96, 160).blob
    result = probe(OnnxRuntimeRunner(model.repaired, optimised=optimised), model.spec.input, pool, ProbeSettings())
    assert failures(verdicts(result, name, POLICY.fp32.probe)) == []
    assert len(result.contamination.largest) == 9
    assert result.heat_map is not None
    assert result.heat_map.changed == 0


def test_the_repaired_embedder_does_not_contaminate(test_data: Path, pictures: list[Picture]) -> None:
    model = batchable(test_data, EMBEDDER)
    crops = [crop.pixels for crop in whole_crops(pictures[:4], 112)]
    pool = prepare(crops, model.spec.input, 112, 112).blob
    result = probe(OnnxRuntimeRunner(model.repaired), model.spec.input, pool, ProbeSettings((2, 3)))
    assert failures(verdicts(result, EMBEDDER, POLICY.fp32.probe)) == []


def opened(path: Path) -> bytes:
    """The original with nothing changed but its declared shapes, the mistake that every user makes first."""
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    content: bytes = model.SerializeToString()
    return content


def test_opening_the_batch_of_the_official_file_interleaves_its_rows(test_data: Path, pictures: list[Picture]) -> None:
    model = batchable(test_data, "det_2.5g")
    pool = prepare([picture.pixels for picture in pictures[:3]], model.spec.input, 96, 160).blob
    result = probe(OnnxRuntimeRunner(opened(model.original)), model.spec.input, pool, ProbeSettings())
    assert result.broken is not None
    assert "[480, 1] for a batch of 1" in result.broken


def test_a_frozen_resize_lets_the_first_picture_into_all_others(test_data: Path, pictures: list[Picture]) -> None:
    path = test_data / "models" / "scrfd_500m_bnkps_batch1.onnx"
    model = onnx.load_from_string(opened(path))
    tails = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    for tensor in model.graph.initializer:
        if tensor.name in tails:
            channels = int(onnx.numpy_helper.to_array(tensor)[-1])
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.array([0, -1, channels]), tensor.name))
    spec = recognise(onnx.load(path)).spec
    pool = prepare([picture.pixels for picture in pictures[:2]], spec.input, 640, 640).blob
    result = probe(OnnxRuntimeRunner(model.SerializeToString()), spec.input, pool, ProbeSettings((2,)))
    assert result.broken is None
    assert result.contamination.worst is not None
    assert (result.contamination.worst.slot, result.contamination.worst.poisoned) == (1, (0,))
    assert result.heat_map is not None
    assert (result.heat_map.changes[1][0] > 0, result.heat_map.changes[0][1]) == (True, 0)
    assert {verdict.status for verdict in verdicts(result, "frozen", POLICY.fp32.probe)[1:]} == {Status.FAIL}
