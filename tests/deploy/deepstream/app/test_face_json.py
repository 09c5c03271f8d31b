"""Both applications write the same of the same face."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from face_record import FaceRecord, frame_landmarks, unit
from tests.deploy.deepstream.app.shim import Shim

SIZE = (1366, 768)


def both(shim: Shim, seed: int, *, bare: bool = False, with_embedding: bool = True) -> tuple[str, str]:
    """Return Python's and C++'s line of a face made up by `seed`; a bare one has all that can be null so."""
    random = np.random.default_rng(seed)
    box = (random.random(4) * 1000).astype(np.float32)
    raw = None if bare else random.normal(scale=5, size=512).astype(np.float32)
    mask = None if bare else shim.mask((random.random((5, 2)) * 640).astype(np.float32))
    numbers: dict[str, Any] = {"stream": seed, "frame": 10**9 + seed, "time_ns": 2**53 + seed}
    track = None if bare else 2**40 + seed
    score = float(np.float32(-0.1 if bare else random.random()))
    record = FaceRecord(
        **numbers,
        track=track,
        score=None if score < 0 else score,
        box=box,
        landmarks=None if mask is None else frame_landmarks(mask, *SIZE),
        embedding=None if raw is None else unit(raw),
    )
    described: dict[str, Any] = {"track": track, "score": score, "box": box, "mask": mask, "embedding": raw}
    ours = record.line(with_embedding=with_embedding)
    return ours, shim.line(**numbers, **described, size=SIZE, with_embedding=with_embedding)


@pytest.mark.parametrize("seed", range(20))
def test_a_face_with_everything(shim: Shim, seed: int) -> None:
    ours, theirs = map(json.loads, both(shim, seed))
    np.testing.assert_allclose(theirs.pop("embedding"), ours.pop("embedding"), rtol=0, atol=1e-8)
    assert theirs == ours
    assert list(theirs) == list(ours)
    assert ours["landmarks"] is not None


@pytest.mark.parametrize("with_embedding", [True, False])
def test_a_face_of_which_nothing_is_known(shim: Shim, with_embedding: bool) -> None:
    ours, theirs = both(shim, 1, bare=True, with_embedding=with_embedding)
    assert json.loads(theirs) == json.loads(ours)
    assert theirs.count("null") == ours.count("null") == 4 + with_embedding


def test_embeddings_are_written_only_when_they_are_wanted(shim: Shim) -> None:
    ours, theirs = map(json.loads, both(shim, 1, with_embedding=False))
    assert theirs == ours
    assert "embedding" not in theirs


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_what_has_no_direction_is_no_embedding_in_either(shim: Shim, value: float) -> None:
    raw, box = np.full(512, value, np.float32), np.zeros(4, np.float32)
    numbers = {"stream": 0, "frame": 0, "time_ns": 0}
    line = shim.line(**numbers, track=1, score=1, box=box, mask=None, size=SIZE, embedding=raw, with_embedding=True)
    assert json.loads(line)["embedding"] is None
