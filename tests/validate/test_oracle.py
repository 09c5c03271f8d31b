from __future__ import annotations

from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from batchproof.errors import InputError, MissingDependencyError
from batchproof.pipeline.decode import DetectionSettings
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.validate.oracle import OracleDetector, OracleEmbedder
from tests.pipeline.tiny_scrfd import BOXES_ONLY, SPEC, picture, tiny_scrfd
from tests.validate.tiny_embedder import tiny_embedder


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    return tiny_scrfd(tmp_path / "detector.onnx")


def test_an_observation_holds_what_went_in_and_what_came_out(detector: Path) -> None:
    pixels = picture(96, 64)
    seen = OracleDetector(detector, SPEC).observe(pixels, DetectionSettings(96, 64))
    np.testing.assert_array_equal(
        seen.blob, cv2.dnn.blobFromImage(pixels, 1 / 128, (64, 96), (127.5,) * 3, swapRB=True)
    )
    expected = OnnxRuntimeRunner(detector).infer(seen.blob)
    assert list(seen.outputs) == [output.name for output in SPEC.outputs]
    for name, array in seen.outputs.items():
        np.testing.assert_array_equal(array, expected[name])
    assert len(seen.detections) > 3


def test_the_settings_reach_insightface(detector: Path) -> None:
    oracle, pixels = OracleDetector(detector, SPEC), picture(96, 64)
    strict, loose = (oracle.observe(pixels, DetectionSettings(96, 64, threshold=t)) for t in (0.8, 0.2))
    assert strict.detections.scores.min(initial=1) >= 0.8
    assert len(loose.detections) > len(strict.detections)
    overlapping = oracle.observe(pixels, DetectionSettings(96, 64, threshold=0.2, iou=0.9))
    assert len(overlapping.detections) > len(loose.detections)


def test_rows_of_rank_two_get_their_batch_axis(detector: Path, tmp_path: Path) -> None:
    """The official files have `[rows, channels]`."""
    model = onnx.load(detector)
    for tensor in model.graph.initializer:
        if tensor.name.endswith("_shape"):
            channels = int(onnx.numpy_helper.to_array(tensor)[-1])
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.array([-1, channels]), tensor.name))
    for output in model.graph.output:
        del output.type.tensor_type.shape.dim[0]
    onnx.save(model, tmp_path / "flat.onnx")
    flat, batched = (
        OracleDetector(path, SPEC).observe(picture(64, 64), DetectionSettings(64, 64))
        for path in (tmp_path / "flat.onnx", detector)
    )
    assert flat.outputs["bbox_8"].shape == (1, 128, 4)
    np.testing.assert_array_equal(flat.outputs["bbox_8"], batched.outputs["bbox_8"])
    np.testing.assert_array_equal(flat.detections.boxes, batched.detections.boxes)


def test_a_static_original_keeps_its_own_size(detector: Path, tmp_path: Path) -> None:
    model = onnx.load(detector)
    for dim, size in zip(model.graph.input[0].type.tensor_type.shape.dim, (1, 3, 64, 96), strict=True):
        dim.dim_value = size
    onnx.save(model, tmp_path / "static.onnx")
    oracle = OracleDetector(tmp_path / "static.onnx", SPEC)
    assert oracle.own_size == (64, 96)
    assert oracle.observe(picture(50, 50), DetectionSettings(640, 640)).blob.shape == (1, 3, 64, 96)
    assert OracleDetector(detector, SPEC).own_size is None


def test_a_file_that_is_no_detector_is_refused(detector: Path) -> None:
    with pytest.raises(InputError, match="not the original of a scrfd model: 9 outputs, expected 6"):
        OracleDetector(detector, BOXES_ONLY)


def test_an_embedding_is_that_of_the_original(tmp_path: Path) -> None:
    path, crop = tiny_embedder(tmp_path / "embedder.onnx"), picture(112, 112)
    blob = cv2.dnn.blobFromImage(crop, 1 / 127.5, (112, 112), (127.5,) * 3, swapRB=True)
    found = OracleEmbedder(path).embed(crop)
    np.testing.assert_array_equal(found, OnnxRuntimeRunner(path).infer(blob)["embedding"][0])


def test_without_insightface_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, detector: Path) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    with pytest.raises(MissingDependencyError, match=r"insightface is not installed.*batchproof\[validate\]"):
        OracleDetector(detector, SPEC)
    with pytest.raises(MissingDependencyError):
        OracleEmbedder(detector)


def test_another_version_of_insightface_is_refused(monkeypatch: pytest.MonkeyPatch, detector: Path) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "0.7.3")
    with pytest.raises(MissingDependencyError, match=r"insightface 0\.7\.3 is installed, not 2\.1"):
        OracleDetector(detector, SPEC)


def test_nothing_is_written_to_the_console(detector: Path, capfd: pytest.CaptureFixture[str]) -> None:
    OracleDetector(detector, SPEC).observe(picture(64, 64), DetectionSettings(64, 64))
    assert capfd.readouterr() == ("", "")
