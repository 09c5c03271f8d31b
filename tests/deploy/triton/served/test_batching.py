"""Many clients at once: their frames share batches, and none of them gets anything of another's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

from batchproof.deploy.triton.server.server import RunningServer
from batchproof.pipeline.pictures import Picture
from batchproof.policy import load_policy
from tests.deploy.triton.packs import ServedPack
from tests.deploy.triton.served.asking import Answer, ask, ask_together, counts, files
from tests.deploy.triton.served.variants import variants

pytestmark = pytest.mark.served
CLIENTS = 64
NON_INVARIANCE = load_policy().fp32.probe.non_invariance
# Decided before the embedder, by a detector that gives a frame the same bits in any batch.
EXACT = ("num_faces", "boxes", "scores", "keypoints")

Inputs = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def requests(pictures: list[Picture]) -> list[Inputs]:
    fewer = [picture for picture in pictures if picture.name != "lumia.jpg"]  # its hundred faces take their time
    return [{"frame": pixels[None]} for pixels in variants(fewer, CLIENTS)]


@pytest.fixture(scope="module")
def alone(server: RunningServer, requests: list[Inputs]) -> list[Answer]:
    """What each client gets when there is no other."""
    found = [ask(server, None, **inputs) for inputs in requests]
    assert sum(bool(answer["num_faces"][0, 0]) for answer in found) > CLIENTS / 2
    return found


def require_same(found: Answer | InferenceServerException, alone: Answer) -> None:
    assert isinstance(found, dict), found
    for name in EXACT:
        np.testing.assert_array_equal(found[name], alone[name])
    np.testing.assert_array_equal(found["male"], alone["male"])
    np.testing.assert_array_equal(found["ages"], alone["ages"])
    # Other batch sizes may use other kernels.
    np.testing.assert_allclose(found["embeddings"], alone["embeddings"], rtol=0, atol=NON_INVARIANCE)


def test_64_clients_share_batches_and_nothing_else(
    server: RunningServer, pack: ServedPack, requests: list[Inputs], alone: list[Answer]
) -> None:
    before = counts(server)
    found = ask_together(server, requests)
    images = {name: (total[0] - before[name][0], total[1] - before[name][1]) for name, total in counts(server).items()}
    for answer, expected in zip(found, alone, strict=True):
        require_same(answer, expected)
    faces = sum(int(answer["num_faces"][0, 0]) for answer in alone)
    assert images["faces"][0] == images[pack.pipeline.detector.model][0] == CLIENTS
    assert images[pack.pipeline.embedder.model][0] == faces
    for model, (inferences, executions) in images.items():
        assert executions < inferences / 2, f"{model}: {inferences} images in {executions} executions"


def test_hostile_neighbours_change_nothing(server: RunningServer, requests: list[Inputs], alone: list[Answer]) -> None:
    random = np.random.default_rng(1)
    hostile: list[Inputs] = [
        {"frame": random.integers(0, 2, (1, 480, 640, 3), np.uint8) * 255},
        {"frame": np.zeros((1, 1, 1, 3), np.uint8)},
        {"frame": np.zeros((1, 4000, 1, 3), np.uint8)},
        {"image": files(b"\xff\xd8\xff\xe0 and no more of a JPEG")},
        {"image": files(b"GIF"), "frame": np.zeros((1, 8, 8, 3), np.uint8)},
        {},
    ]
    mixed = [inputs for index, own in enumerate(requests) for inputs in (own, hostile[index % len(hostile)])]
    found = ask_together(server, mixed)
    for answer, expected in zip(found[::2], alone, strict=True):
        require_same(answer, expected)
    refused = [isinstance(answer, InferenceServerException) for answer in found[1::2]]
    assert refused[: len(hostile)] == [False, False, True, True, True, True]
