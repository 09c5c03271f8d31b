"""Real weights and real pictures, end to end, against insightface's own `FaceAnalysis` on the original files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from insightface.app import FaceAnalysis

from batchproof.artifacts import onnx_file
from batchproof.pipeline import Detector, Embedder, FacePipeline, Faces, open_model
from batchproof.pipeline.pictures import load_pictures
from batchproof.surgery.repair import repair
from batchproof.zoo.recognise import recognise

FILES = ("det_2.5g", "mobilefacenet_112_batch1")
SAME_PERSON = 0.5
CROWDS = ("lumia.jpg", "solvay_conference_1927.png")


@pytest.fixture(scope="module")
def pictures(test_data: Path) -> dict[str, np.ndarray]:
    """All pictures; the face that fills TH.png is found only with room around it."""
    found = {picture.name: picture.pixels for picture in [*load_pictures(test_data / "images"), *load_pictures(None)]}
    found["TH.png"] = np.pad(found["TH.png"], ((60, 60), (60, 60), (0, 0)))
    return found


@pytest.fixture(scope="module")
def pipeline(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> FacePipeline:
    folder = tmp_path_factory.mktemp("repaired")
    for name in FILES:
        model = onnx_file.read(test_data / "models" / f"{name}.onnx")
        onnx.save(repair(model, recognise(model)).model, folder / f"{name}.onnx")
    detector, embedder = (open_model(folder / f"{name}.onnx") for name in FILES)
    return FacePipeline(Detector(*detector, largest_batch=4), Embedder(*embedder))


@pytest.fixture(scope="module")
def found(pipeline: FacePipeline, pictures: dict[str, np.ndarray]) -> dict[str, Faces]:
    return dict(zip(pictures, pipeline.run(pictures.values()), strict=True))


@pytest.fixture(scope="module")
def loop(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("original")
    for name in FILES:
        (folder / f"{name}.onnx").symlink_to(test_data / "models" / f"{name}.onnx")
    analysis = FaceAnalysis(str(folder), providers=["CPUExecutionProvider"])
    analysis.prepare(0, det_size=(640, 640))
    return analysis


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_faces_and_identities_of_insightface(
    loop: Any, pictures: dict[str, np.ndarray], found: dict[str, Faces]
) -> None:
    assert sum(map(len, found.values())) > 180
    for name, pixels in pictures.items():
        expected, faces = loop.get(pixels), found[name]
        assert len(faces) == len(expected), name
        if not expected:
            continue
        assert faces.normed_embeddings is not None
        boxes = np.stack([face.bbox for face in expected])
        np.testing.assert_allclose(faces.detections.boxes, boxes, rtol=0, atol=0.01, err_msg=name)
        theirs = np.stack([face.normed_embedding for face in expected])
        assert (faces.normed_embeddings * theirs).sum(axis=1).min() > 0.9999, name
        cosines = faces.normed_embeddings @ faces.normed_embeddings.T
        np.testing.assert_array_equal(cosines > SAME_PERSON, theirs @ theirs.T > SAME_PERSON, err_msg=name)


def test_the_two_pictures_of_tom_hanks_match_and_no_others(found: dict[str, Faces]) -> None:
    persons = [
        (name, embedding)
        for name, faces in found.items()
        if name not in CROWDS and faces.normed_embeddings is not None
        for embedding in faces.normed_embeddings
    ]
    owners, unit = [name for name, _ in persons], np.stack([embedding for _, embedding in persons])
    assert {"TH.png", "TH1.jpg", "Stallone.jpg", "gauss.png", "newton.png"} <= set(owners)
    same = np.argwhere(np.triu(unit @ unit.T > SAME_PERSON, 1))
    assert [(owners[first], owners[second]) for first, second in same] == [("TH.png", "TH1.jpg")]


def test_a_picture_of_108_megapixels_keeps_its_faces(pipeline: FacePipeline, pictures: dict[str, np.ndarray]) -> None:
    huge = np.zeros((9000, 12000, 3), np.uint8)
    face = pictures["TH1.jpg"].repeat(20, axis=0).repeat(20, axis=1)
    huge[: face.shape[0], : face.shape[1]] = face
    small, large = pipeline.run([pictures["TH1.jpg"], huge])
    assert (len(small), len(large)) == (1, 1)
    assert small.normed_embeddings is not None
    assert large.normed_embeddings is not None
    assert float(small.normed_embeddings[0] @ large.normed_embeddings[0]) > 0.8
