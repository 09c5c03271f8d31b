"""Real networks on real pictures in one batch: every frame's faces are insightface's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from batchproof.artifacts import onnx_file
from batchproof.pipeline.decode import DetectionSettings
from batchproof.pipeline.detect import prepare
from batchproof.pipeline.letterbox import letterbox
from batchproof.pipeline.picture import Pixels
from batchproof.pipeline.pictures import load_pictures
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.surgery.repair import repair
from batchproof.validate.oracle import OracleDetector
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import ModelSpec
from tests.deploy.deepstream.parser.insightface_faces import require_insightface_faces
from tests.deploy.deepstream.parser.nvinfer_layers import layers_of
from tests.deploy.deepstream.parser.parser_library import Parsers
from tests.deploy.deepstream.parser.raw_outputs import Outputs

SIZE = (640, 640)
FACES = {"det_2.5g": 188, "det_500m": 148}


@pytest.fixture(scope="module")
def pictures(test_data: Path) -> list[Pixels]:
    return [picture.pixels for picture in load_pictures(test_data / "images")]


def batched(
    test_data: Path, name: str, pictures: list[Pixels], folder: Path, *, fp16: bool
) -> tuple[Outputs, ModelSpec]:
    """The outputs `[N, rows, channels]` of the repaired model for all pictures at once."""
    original = onnx_file.read(test_data / "models" / f"{name}.onnx")
    found = recognise(original)
    model = repair(original, found).model
    path = folder / f"{name}.onnx"
    onnx.save(to_fp16(model)[0] if fp16 else model, path)
    outputs = OnnxRuntimeRunner(path).infer(prepare(pictures, found.spec.input, *SIZE).blob)
    return {output.name: outputs[output.name] for output in found.spec.outputs}, found.spec


def frames(outputs: Outputs, kind: type[np.generic]) -> Iterator[Outputs]:
    for index in range(len(next(iter(outputs.values())))):
        yield {name: values[index].astype(kind) for name, values in outputs.items()}


@pytest.mark.parametrize(("name", "fp16"), [("det_2.5g", False), ("det_500m", False), ("det_500m", True)])
def test_every_frame_of_a_batch_has_the_faces_of_insightface(
    parsers: Parsers, test_data: Path, pictures: list[Pixels], tmp_path: Path, name: str, fp16: bool
) -> None:
    outputs, spec = batched(test_data, name, pictures, tmp_path, fp16=fp16)
    for kind in (np.float32, np.float16):
        for threshold in (0.1, 0.5):
            faces = [
                require_insightface_faces(parsers, spec, frame, SIZE, threshold) for frame in frames(outputs, kind)
            ]
            assert sum(faces) >= FACES[name] - 2
            assert max(faces) > 100


def test_the_faces_of_the_original_file_on_the_same_canvas(
    parsers: Parsers, test_data: Path, pictures: list[Pixels], tmp_path: Path
) -> None:
    outputs, spec = batched(test_data, "det_500m", pictures, tmp_path, fp16=False)
    oracle = OracleDetector(test_data / "models" / "det_500m.onnx", spec)
    for index, picture in enumerate(pictures):
        faces = oracle.observe(letterbox(picture, *SIZE).pixels, DetectionSettings(height=SIZE[1], width=SIZE[0]))
        found, masks = parsers.masks(layers_of(outputs, index), SIZE)
        assert faces.detections.keypoints is not None
        np.testing.assert_allclose(found["score"], faces.detections.scores, rtol=0, atol=1e-5)
        np.testing.assert_allclose(found["left"], faces.detections.boxes[:, 0].clip(0), rtol=0, atol=1e-3)
        points = masks[:, :15].reshape(-1, 5, 3)[..., :2]
        np.testing.assert_allclose(points, faces.detections.keypoints, rtol=0, atol=1e-3)
