from __future__ import annotations

import numpy as np
import pytest

from face_error import FaceAppError
from face_reader import FaceReader
from tests.deploy.deepstream.app.known import known
from tests.deploy.deepstream.app.service_maker_stand_in import EMBEDDER_ID, OUTPUT, BatchMetadata, Face, Frame
from tests.deploy.deepstream.app.shim import Shim

POINTS = np.full((5, 2), 64, np.float32)


def reader() -> FaceReader:
    return FaceReader(EMBEDDER_ID, OUTPUT)


def embedding(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def face(number: int, value: float = 1, *, on_object: bool = False) -> Face:
    return Face((number, 2, 10, 20), object_id=number, embedding=embedding(value, 0), on_object=on_object)


def test_everything_of_a_face_is_read(shim: Shim) -> None:
    seen = Face((10.5, 20, 30, 40), 0.875, 7, mask=shim.mask(POINTS), embedding=embedding(3, -4))
    frame = Frame([seen], source_id=2, frame_number=9, buffer_pts=123, pipeline_width=1280, pipeline_height=720)
    (record,) = reader().read(BatchMetadata(frame))
    assert (record.stream, record.frame, record.time_ns, record.track, record.score) == (2, 9, 123, 7, 0.875)
    np.testing.assert_array_equal(record.box, np.array([10.5, 20, 40.5, 60], np.float32))
    np.testing.assert_array_equal(record.landmarks, POINTS * 2)
    np.testing.assert_allclose(known(record.embedding), [0.6, -0.8], rtol=1e-7)
    assert record.matches is None


@pytest.mark.parametrize("on_object", [False, True])
def test_embeddings_are_found_on_regions_and_on_objects(on_object: bool) -> None:
    faces = [face(number, (-1) ** number, on_object=on_object) for number in range(5)]
    records = reader().read(BatchMetadata(Frame(faces)))
    assert [record.track for record in records] == [0, 1, 2, 3, 4]
    for number, record in enumerate(records):
        np.testing.assert_array_equal(record.embedding, [(-1) ** number, 0])


def test_each_frame_has_its_own_faces_though_boxes_and_tracks_are_alike() -> None:
    batch = BatchMetadata(Frame([face(1, 1)], source_id=5), Frame([face(1, -1)], source_id=3), Frame([], source_id=4))
    counting = reader()
    first, second, third = counting.read_frames(batch)
    assert (first[0], second[0], third) == (5, 3, (4, []))
    np.testing.assert_array_equal(first[1][0].embedding, [1, 0])
    np.testing.assert_array_equal(second[1][0].embedding, [-1, 0])
    assert (counting.tally.frames, counting.tally.faces, counting.tally.embedded) == (3, 2, 2)


def test_untracked_faces_are_told_apart_by_their_boxes() -> None:
    faces = [Face((x, 2, 10, 20), embedding=embedding(x, 1)) for x in (1, 2)]
    records = reader().read(BatchMetadata(Frame(faces)))
    assert [record.track for record in records] == [None, None]
    for x, record in zip((1, 2), records, strict=True):
        np.testing.assert_allclose(known(record.embedding), np.array([x, 1]) / np.hypot(x, 1), rtol=1e-6)


def test_nothing_of_the_metadata_is_kept() -> None:
    batch = BatchMetadata(Frame([face(1), face(2, on_object=True)]))
    records = reader().read(batch)
    batch.memory.reclaim()
    for record in records:
        np.testing.assert_array_equal(record.embedding, [1, 0])


def test_outputs_of_other_models_are_not_taken_for_embeddings() -> None:
    other = Face(embedding=embedding(1, 0), embedder_id=3)
    (record,) = reader().read(BatchMetadata(Frame([other])))
    assert record.embedding is None


def test_objects_of_other_classes_are_no_faces() -> None:
    assert reader().read(BatchMetadata(Frame([Face(class_id=1)]))) == []


def test_a_face_that_only_the_tracker_sees_has_no_score() -> None:
    (record,) = reader().read(BatchMetadata(Frame([Face(confidence=-0.1, object_id=4)])))
    assert (record.score, record.landmarks, record.embedding) == (None, None, None)


@pytest.mark.parametrize("value", [np.nan, 0])
def test_broken_embeddings_are_counted(value: float) -> None:
    counting = reader()
    (record,) = counting.read(BatchMetadata(Frame([Face(embedding=embedding(value, value))])))
    assert record.embedding is None
    assert str(counting.tally) == "1 frames, 1 faces, 0 embeddings, 1 broken: zero or not finite"


def test_an_embedder_with_another_output_is_told() -> None:
    other = Face(embedding=embedding(1, 0), output="683")
    with pytest.raises(FaceAppError, match="gives no 'embedding', but 683") as caught:
        reader().read(BatchMetadata(Frame([other])))
    assert caught.value.status == 1
