from __future__ import annotations

import numpy as np

from batchproof.deploy.triton.serving import contract
from batchproof.deploy.triton.serving.answers import AnswerSheet
from batchproof.pipeline import Attributes, Detections, Faces
from tests.deploy.triton.serving.tiny_pipeline import PIPELINE

SHEET = AnswerSheet(PIPELINE)
HEADS = [(head.name, head.spec) for head in PIPELINE.heads]
TENSORS = contract.outputs(PIPELINE.embedder.spec, HEADS)
NAMES = [tensor.name for tensor in TENSORS]
DTYPES = {"BOOL": np.bool_, "INT32": np.int32, "FP32": np.float32}


def faces(count: int) -> Faces:
    """Faces whose every value is its own."""
    random = np.random.default_rng(count)

    def values(*shape: int) -> np.ndarray:
        return random.uniform(1, 2, (count, *shape)).astype(np.float32)

    return Faces(
        Detections(values(4), values(), values(5, 2)),
        embeddings=values(8),
        landmarks=(values(106, 2),),
        attributes=Attributes(values() > 1.5, np.arange(1, count + 1)),
    )


def test_all_outputs_of_the_contract_have_its_types_and_shapes() -> None:
    answer = SHEET.fill([faces(3), faces(0), faces(5)], NAMES)
    assert list(answer) == NAMES
    for tensor in TENSORS:
        inner = tuple(5 if size == -1 else size for size in tensor.dims)
        assert answer[tensor.name].shape == (3, *inner), tensor
        assert answer[tensor.name].dtype == DTYPES[tensor.data_type], tensor


def test_rows_count_their_faces_and_end_in_zeros() -> None:
    found = [faces(3), faces(0), faces(5)]
    answer = SHEET.fill(found, NAMES)
    assert answer["num_faces"].tolist() == [[3], [0], [5]]
    for row, own in enumerate(found):
        count = len(own)
        np.testing.assert_array_equal(answer["boxes"][row, :count], own.detections.boxes)
        np.testing.assert_array_equal(answer["scores"][row, :count], own.detections.scores)
        np.testing.assert_array_equal(answer["keypoints"][row, :count], own.detections.keypoints)
        np.testing.assert_array_equal(answer["embeddings"][row, :count], own.embeddings)
        np.testing.assert_array_equal(answer["normed_embeddings"][row, :count], own.normed_embeddings)
        np.testing.assert_array_equal(answer["landmarks_2d106det"][row, :count], own.landmarks[0])
        assert own.attributes is not None
        np.testing.assert_array_equal(answer["male"][row, :count], own.attributes.male)
        np.testing.assert_array_equal(answer["ages"][row, :count], own.attributes.age)
        assert not any(answer[name][row, count:].any() for name in NAMES if name != "num_faces")


def test_no_face_at_all_is_an_empty_row() -> None:
    answer = SHEET.fill([faces(0)], ["boxes", "landmarks_2d106det"])
    assert {name: array.shape for name, array in answer.items()} == {
        "boxes": (1, 0, 4),
        "landmarks_2d106det": (1, 0, 106, 2),
    }


def test_one_frame_is_not_padded() -> None:
    assert SHEET.fill([faces(4)], ["scores"])["scores"].shape == (1, 4)
