from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from batchproof.deploy.triton.client.faults import UnreadableAnswerError
from batchproof.deploy.triton.client.served_faces import split
from batchproof.deploy.triton.client.transport.protocol import Array


def outputs(*counts: int) -> dict[str, Array]:
    """Rows that tell frame and face; what pads them is NaN neither here nor on a server."""
    frames, most = len(counts), max(counts)
    numbers = np.arange(frames * most, dtype=np.float32).reshape(frames, most)
    for row, count in enumerate(counts):
        numbers[row, count:] = 0
    return {
        "num_faces": np.array(counts, np.int32)[:, None],
        "scores": numbers,
        "boxes": numbers[..., None] + np.zeros(4, np.float32),
        "keypoints": numbers[..., None, None] + np.zeros((5, 2), np.float32),
    }


def test_each_frame_has_its_own_rows_and_no_padding() -> None:
    first, second, third = split(outputs(1, 0, 3), 3)
    assert [len(first), len(second), len(third)] == [1, 0, 3]
    np.testing.assert_array_equal(third.scores, [6, 7, 8])
    assert second.keypoints.shape == (0, 5, 2)
    assert (first.embeddings, first.male, dict(first.landmarks)) == (None, None, {})


def test_what_is_served_has_its_place() -> None:
    more = {
        "normed_embeddings": np.ones((1, 2, 8), np.float32),
        "landmarks_2d106det": np.full((1, 2, 106, 2), 5, np.float32),
        "male": np.array([[True, False]]),
        "ages": np.array([[30, 4]], np.int32),
    }
    (faces,) = split({**outputs(2), **more}, 1)
    assert faces.landmarks["2d106det"].shape == (2, 106, 2)
    assert faces.male is not None
    assert faces.ages is not None
    np.testing.assert_array_equal(faces.ages, [30, 4])


def not_finite(found: dict[str, Array]) -> None:
    found["boxes"] = np.where(found["boxes"] == 1, np.inf, found["boxes"])


def too_few_rows(found: dict[str, Array]) -> None:
    found["scores"] = found["scores"][:1]


def too_few_faces(found: dict[str, Array]) -> None:
    found["keypoints"] = found["keypoints"][:, :1]


def counts_of_another_request(found: dict[str, Array]) -> None:
    found["num_faces"] = found["num_faces"][:1]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (not_finite, "boxes holds numbers that are not finite"),
        (too_few_rows, r"scores has shape \[1, 2\], for 2 frames of up to 2 faces"),
        (too_few_faces, r"keypoints has shape \[2, 1, 5, 2\]"),
        (counts_of_another_request, r"2 frames were sent, the counts of faces have shape \[1, 1\]"),
    ],
)
def test_what_does_not_fit_is_no_answer(damage: Callable[[dict[str, Array]], None], told: str) -> None:
    found = outputs(2, 1)
    damage(found)
    with pytest.raises(UnreadableAnswerError, match=told):
        split(found, 2)
