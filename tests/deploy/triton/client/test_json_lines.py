from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from batchproof.deploy.triton.client.driving import Outcome
from batchproof.deploy.triton.client.json_lines import line
from batchproof.deploy.triton.client.served_faces import ServedFaces
from batchproof.errors import InputError

RANDOM = np.random.default_rng(0)


def some(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


FACES = ServedFaces(
    boxes=some(2, 4),
    scores=some(2),
    keypoints=some(2, 5, 2),
    normed_embeddings=some(2, 512),
    landmarks={"1k3d68": some(2, 68, 3)},
    male=np.array([True, False]),
    ages=np.array([31, 7], np.int32),
)


def test_a_line_has_every_number_as_the_server_gave_it() -> None:
    told = json.loads(line(Outcome(Path("a/b.jpg"), 12.345, FACES), "normed"))
    assert (told["picture"], told["milliseconds"], told["embeddings"]) == ("a/b.jpg", 12.3, "normed")
    first, second = told["faces"]
    assert list(first) == ["box", "score", "keypoints", "embedding", "landmarks", "male", "age"]
    assert (first["male"], second["male"], second["age"]) == (True, False, 7)
    assert FACES.normed_embeddings is not None
    for name, values in {
        "box": FACES.boxes,
        "keypoints": FACES.keypoints,
        "embedding": FACES.normed_embeddings,
    }.items():
        np.testing.assert_array_equal(np.array(second[name], np.float32), values[1])
    np.testing.assert_array_equal(np.array(first["landmarks"]["1k3d68"], np.float32), FACES.landmarks["1k3d68"][0])


def test_what_was_not_asked_for_is_not_there() -> None:
    bare = ServedFaces(FACES.boxes, FACES.scores, FACES.keypoints)
    told = json.loads(line(Outcome(Path("a.jpg"), 1.0, bare), "none"))
    assert [list(face) for face in told["faces"]] == [["box", "score", "keypoints"]] * 2


def test_an_error_is_one_line_without_what_a_terminal_obeys() -> None:
    name = Path("a\nb\x1b[31m.jpg")
    text = line(Outcome(name, 1.0, error=InputError("no\npicture\x1b[0m", where=name)), "normed")
    assert "\n" not in text
    assert "\x1b" not in text
    told = json.loads(text)
    assert told["picture"] == str(name)
    assert told["error"] == "a b\\x1b[31m.jpg: no picture\\x1b[0m."
