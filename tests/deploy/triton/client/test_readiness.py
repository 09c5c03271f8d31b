from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from batchproof.deploy.triton.client.faces_client import FacesClient, Wishes
from batchproof.errors import InputError
from tests.deploy.triton.client.fake_faces import FakeFaces
from tests.deploy.triton.client.serving import SCHEMES, serving

both = pytest.mark.parametrize("scheme", SCHEMES)


def enter(url: str, wait: float = 0.0) -> None:
    async def entering() -> None:
        async with FacesClient(url, Wishes(wait=wait)):
            pass

    asyncio.run(entering())


class Changed(FakeFaces):
    """A server whose model has one input or output that is another one, or none."""

    def __init__(self, kind: str, name: str, **changed: Any) -> None:
        super().__init__()
        self._kind, self._name, self._changed = kind, name, changed

    def metadata(self) -> dict[str, Any]:
        found = super().metadata()
        kept = [one for one in found[self._kind] if one["name"] != self._name]
        change = [{"name": self._name, **self._changed}] if self._changed else []
        return {**found, self._kind: [*kept, *change]}


@both
@pytest.mark.parametrize(
    ("faces", "told"),
    [
        (FakeFaces(ready=False), "the server is not ready. Start it, or wait for it with --wait"),
        (FakeFaces(serves=False), "its model faces is absent or not ready"),
        (Changed("inputs", "image"), "is another one: image is absent, not BYTES \\[1\\]"),
        (Changed("inputs", "frame", datatype="FP32", shape=[-1, -1, -1, 3]), "frame is FP32 .* not UINT8"),
        (Changed("inputs", "frame", datatype="UINT8", shape=[-1, 3, -1, -1]), "frame is UINT8 .* not UINT8"),
        (Changed("outputs", "keypoints"), "keypoints is absent"),
        (
            Changed("outputs", "boxes", datatype="FP32", shape=[-1, -1, 5]),
            "boxes is FP32 \\[-1, 5\\], not FP32 \\[-1, 4\\]",
        ),
        (Changed("outputs", "ages", datatype="FP32", shape=[-1, -1]), "ages is FP32"),
        (Changed("outputs", "labels", datatype="FP32", shape=[-1, -1]), "it gives labels"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_asked_is_one_line(scheme: str, faces: FakeFaces, told: str) -> None:
    with serving(scheme, faces) as server, pytest.raises(InputError, match=told) as caught:
        enter(server.url)
    assert caught.value.where == server.url
    assert faces.asked == []


@both
def test_a_model_without_heads_is_ours(scheme: str) -> None:
    with serving(scheme, FakeFaces(without=("landmarks_2d106det", "male", "ages"))) as server:
        enter(server.url)


@both
def test_a_server_that_gets_ready_is_waited_for(scheme: str) -> None:
    faces = FakeFaces(ready=False)
    with serving(scheme, faces) as server:
        timer = threading.Timer(0.6, lambda: setattr(faces, "ready", True))
        timer.start()
        enter(server.url, wait=15)
        timer.join()


@both
def test_a_server_that_is_started_is_waited_for(scheme: str) -> None:
    with serving(scheme, FakeFaces()) as server:
        server.stop()
        timer = threading.Timer(0.6, server.start_anew)
        timer.start()
        enter(server.url, wait=15)
        timer.join()


def test_waiting_ends_with_the_last_reason() -> None:
    with serving("http", FakeFaces(serves=False)) as server, pytest.raises(InputError, match="faces is absent or not"):
        enter(server.url, wait=0.4)
