"""What a report shows of a chain is what both sides found, and no more."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batchproof.artifacts import json_file
from batchproof.errors import StepFailedError
from batchproof.validate.chain.chain_file import ChainFile, read
from batchproof.validate.chain.compare import compare_chain
from batchproof.validate.chain.original import original_trace
from batchproof.validate.chain.seen_faces import seen_faces
from tests.validate.chain.tiny_chain import LIMITS, PICTURES, SCENE, TinyChain


def test_all_faces_of_both_are_listed_and_their_errors_measured(chain: TinyChain) -> None:
    seen = seen_faces(PICTURES, compare_chain(chain.ours, SCENE, chain.theirs, LIMITS).found)
    counts = [len(faces) for faces in chain.theirs["survivors"]]
    assert [len(picture.original) for picture in seen.pictures] == counts
    assert [len(picture.batched) for picture in seen.pictures] == counts
    assert [(picture.original_count, picture.batched_count) for picture in seen.pictures] == [(n, n) for n in counts]
    assert [(picture.width, picture.height) for picture in seen.pictures] == [(96, 60 + 17 * n) for n in range(4)]
    first, expected = seen.pictures[0].original[0], chain.theirs["survivors"][0]
    np.testing.assert_allclose(first.box, expected.boxes[0], atol=1e-3)
    assert expected.keypoints is not None
    np.testing.assert_allclose(first.landmarks, expected.keypoints[0], atol=1e-3)
    assert len(seen.errors.box) == len(seen.errors.landmark) == len(seen.errors.score) == sum(counts)
    assert max(seen.errors.box) < 1e-3
    assert len(seen.errors.cosine) == len(seen.similarity.faces) == len(chain.theirs["unit"])
    np.testing.assert_allclose(seen.similarity.original, chain.theirs["cosines"], atol=1e-5)


def test_a_crowd_is_counted_and_its_best_faces_are_kept(chain: TinyChain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchproof.validate.chain.seen_faces._MOST_SHOWN", 1)
    seen = seen_faces(PICTURES, compare_chain(chain.ours, SCENE, chain.theirs, LIMITS).found)
    assert [picture.original_count for picture in seen.pictures] == [len(one) for one in chain.theirs["survivors"]]
    assert {len(picture.original) for picture in seen.pictures if picture.original_count} == {1}
    assert max(picture.original_count for picture in seen.pictures) > 1


def test_a_moved_face_has_the_error_by_which_it_moved(chain: TinyChain) -> None:
    def moved(*given: object) -> list:  # type: ignore[type-arg]
        found = chain.ours.decode(*given)  # type: ignore[arg-type]
        return [replace(faces, boxes=faces.boxes + np.float32(0.25)) for faces in found]

    seen = seen_faces(PICTURES, compare_chain(replace(chain.ours, decode=moved), SCENE, chain.theirs, LIMITS).found)
    assert seen.errors.box
    assert np.allclose(seen.errors.box, 0.25, atol=1e-3)
    assert max(seen.errors.landmark) < 1e-3


def test_a_walk_that_ended_early_shows_what_it_came_to(chain: TinyChain) -> None:
    def fail(*_: object) -> np.ndarray:
        raise StepFailedError("no crop today")

    seen = seen_faces(PICTURES, compare_chain(replace(chain.ours, warp=fail), SCENE, chain.theirs, LIMITS).found)
    assert seen.errors.box
    assert not seen.errors.cosine
    assert not seen.similarity.faces


def test_what_a_cosine_lacks_is_counted_from_one(chain: TinyChain) -> None:
    found = compare_chain(chain.ours, SCENE, chain.theirs, LIMITS).found
    ours, theirs = found.ours.copy(), found.theirs["unit"]
    turned = theirs + np.float32(0.2) * np.roll(theirs, 1, axis=1)
    ours["unit"] = turned / np.linalg.norm(turned, axis=1, keepdims=True)
    seen = seen_faces(PICTURES, replace(found, ours=ours))
    np.testing.assert_allclose(seen.errors.cosine, 1 - (theirs * ours["unit"]).sum(axis=1), rtol=1e-2)
    assert min(seen.errors.cosine) > 1e-3


def test_embeddings_of_zeros_are_as_far_as_can_be_and_the_file_can_be_read_again(
    chain: TinyChain, tmp_path: Path
) -> None:
    found = compare_chain(chain.ours, SCENE, chain.theirs, LIMITS).found
    ours = found.ours.copy()
    ours["unit"], ours["cosines"] = (np.full_like(one, math.nan) for one in (ours["unit"], ours["cosines"]))
    seen = seen_faces(PICTURES, replace(found, ours=ours))
    assert set(seen.errors.cosine) == {math.inf}
    path = tmp_path / "chain.json"
    path.write_bytes(json_file.write(ChainFile("det.fp32", "det", "rec", seen)))
    again = read(path).seen
    assert again.errors == seen.errors
    assert math.isnan(again.similarity.batched[0][0])


def test_pictures_without_faces_are_there_all_the_same(chain: TinyChain) -> None:
    scene = replace(SCENE, detection=replace(SCENE.detection, threshold=1.0))
    theirs = original_trace(chain.detector, chain.embedder, scene)
    seen = seen_faces(PICTURES, compare_chain(chain.ours, scene, theirs, LIMITS).found)
    assert [(picture.original, picture.batched) for picture in seen.pictures] == [((), ())] * 4
    assert seen.errors.box == seen.errors.landmark == seen.errors.score == seen.errors.cosine == ()
