from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from insightface.app.common import Face
from insightface.model_zoo.attribute import Attribute

from batchproof.errors import InputError
from batchproof.pipeline.attributes import AttributeReader, decode_attributes
from batchproof.pipeline.model import open_model
from batchproof.runtime import open_session
from batchproof.zoo.families import scrfd
from tests.pipeline.tiny_face_networks import batchable, tiny_face_network
from tests.pipeline.tiny_scrfd import picture


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_face_network(tmp_path_factory.mktemp("attributes") / "genderage.onnx", 3)


def test_gender_and_age_of_a_batch_are_those_of_insightface(original: Path) -> None:
    pictures = [picture(200, 300, seed) for seed in range(12)]
    boxes = [np.array([[10, 20, 80, 110], [90.5, 60, 210, 140]], np.float32)] * 12
    found = AttributeReader(*open_model(batchable(original)), largest_batch=5).read(pictures, boxes)
    network = Attribute(str(original), session=open_session(original))
    expected = [
        network.get(pixels, Face(bbox=box)) for pixels, faces in zip(pictures, boxes, strict=True) for box in faces
    ]
    assert 3 < found.male.sum() < 21, "faces that are all alike prove nothing"
    assert found.male.tolist() == [gender == 1 for gender, _ in expected]
    assert found.age.tolist() == [age for _, age in expected]


def test_equal_values_are_female_and_halves_round_to_even_years() -> None:
    found = decode_attributes(np.array([[0.5, 0.5, 0.125], [0.1, 0.2, 0.375]], np.float32))
    assert found.male.tolist() == [False, True]
    assert found.age.tolist() == [12, 38]


def test_other_networks_are_refused(original: Path) -> None:
    with pytest.raises(InputError, match="a model of the family scrfd is no attributes"):
        AttributeReader(open_model(batchable(original))[0], scrfd())
