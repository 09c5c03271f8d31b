"""Both transports against servers that speak their protocol."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import numpy as np
import pytest

from batchproof.deploy.triton.client.faults import RefusedError, UnavailableError, UnreadableAnswerError
from batchproof.deploy.triton.client.server_url import read_url
from batchproof.deploy.triton.client.statistics import costs
from batchproof.deploy.triton.client.transport import open_transport
from batchproof.deploy.triton.client.transport.protocol import Input, Region, Transport
from batchproof.errors import BatchproofError, MissingDependencyError
from tests.deploy.triton.client.fake_faces import REFUSED, FakeFaces, frame
from tests.deploy.triton.client.serving import SCHEMES, serving

Found = TypeVar("Found")
both = pytest.mark.parametrize("scheme", SCHEMES)


def asked(url: str, question: Callable[[Transport], Awaitable[Found]], timeout: float = 10.0) -> Found:
    """Open a transport for one question."""

    async def ask() -> Found:
        transport = open_transport(read_url(url), timeout=timeout, connections=4)
        try:
            return await question(transport)
        finally:
            await transport.close()

    return asyncio.run(ask())


def pixels(*frames: np.ndarray) -> list[Input]:
    return [Input("frame", "UINT8", np.stack(frames))]


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@both
@pytest.mark.parametrize("ready", [True, False])
def test_readiness_is_what_the_server_says(scheme: str, ready: bool) -> None:
    with serving(scheme, FakeFaces(ready=ready, serves=not ready)) as server:
        assert asked(server.url, lambda transport: transport.is_server_ready()) is ready
        assert asked(server.url, lambda transport: transport.is_model_ready("faces")) is not ready


@both
def test_metadata_and_statistics_are_the_same_by_both_ways(scheme: str) -> None:
    faces = FakeFaces(answered=4, failed=1)
    with serving(scheme, faces) as server:
        found = asked(server.url, lambda transport: transport.metadata("faces"))
        told = asked(server.url, lambda transport: transport.statistics())
    shapes = {one["name"]: [int(size) for size in one["shape"]] for one in found["outputs"]}
    assert (shapes["boxes"], shapes["landmarks_2d106det"]) == ([-1, -1, 4], [-1, -1, 106, 2])
    (cost,) = costs({}, told)
    assert (cost.requests, cost.failed, cost.queue_ms, cost.compute_ms, cost.batches) == (4, 1, 2, 3, {1: 4})


@both
def test_exactly_the_wanted_outputs_come_back(scheme: str) -> None:
    faces = FakeFaces()
    with serving(scheme, faces) as server:
        outputs = ["num_faces", "male", "boxes"]
        found = asked(server.url, lambda transport: transport.infer("faces", pixels(frame(2), frame(0)), outputs))
    assert list(found) == outputs
    np.testing.assert_array_equal(found["num_faces"], [[2], [0]])
    assert found["boxes"].shape == (2, 2, 4)
    assert found["male"].dtype == bool
    assert faces.asked == [("frame", (2, 6, 9, 3), frozenset(outputs))]


@both
def test_nothing_at_all_has_a_shape_too(scheme: str) -> None:
    with serving(scheme, FakeFaces()) as server:
        found = asked(server.url, lambda transport: transport.infer("faces", pixels(frame(0)), ["keypoints", "ages"]))
    assert (found["keypoints"].shape, found["ages"].shape) == ((1, 0, 5, 2), (1, 0))


@both
def test_a_refusal_has_the_servers_words_in_one_line(scheme: str) -> None:
    with serving(scheme, FakeFaces()) as server:
        given = pixels(frame(1), frame(1, corner=REFUSED))
        with pytest.raises(RefusedError, match="frame 1: it was meant to be refused") as caught:
            asked(server.url, lambda transport: transport.infer("faces", given, ["num_faces"]))
    assert caught.value.line().startswith(f"{server.url}: frame 1")
    assert "\n" not in caught.value.line()
    assert "\x1b" not in caught.value.line()


@both
def test_regions_are_registered_listed_and_forgotten(scheme: str) -> None:
    faces = FakeFaces()

    async def some(transport: Transport) -> list[dict[str, str]]:
        await transport.register(Region("ours", "/null", 0))
        known = [dict(await transport.regions())]
        await transport.unregister("ours")
        await transport.unregister("ours")
        return [*known, dict(await transport.regions())]

    with serving(scheme, faces) as server:
        faces.register = lambda name, key, size: faces.regions.update({name: key})  # type: ignore[method-assign]
        assert asked(server.url, some) == [{"ours": "/null"}, {}]


@both
def test_nobody_there_is_told_by_each_question(scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{closed_port()}"
    questions: list[Callable[[Transport], Awaitable[object]]] = [
        lambda transport: transport.is_server_ready(),
        lambda transport: transport.metadata("faces"),
        lambda transport: transport.infer("faces", pixels(frame(1)), ["num_faces"]),
    ]
    for question in questions:
        with pytest.raises(UnavailableError, match=f"{url}: no answer"):
            asked(url, question)


@both
def test_an_answer_that_takes_too_long_is_none(scheme: str) -> None:
    with serving(scheme, FakeFaces(delay=1.0)) as server, pytest.raises(UnavailableError, match="no answer"):
        asked(server.url, lambda transport: transport.infer("faces", pixels(frame(1)), ["num_faces"]), timeout=0.2)


@both
def test_the_port_of_the_other_protocol_is_no_answer(scheme: str) -> None:
    with serving(scheme, FakeFaces()) as server:
        other = server.url.replace(scheme, next(one for one in SCHEMES if one != scheme))
        with pytest.raises(BatchproofError, match=r"no answer|speaks no HTTP") as caught:
            asked(other, lambda transport: transport.metadata("faces"))
    assert isinstance(caught.value, UnavailableError)


def test_a_web_server_is_no_triton() -> None:
    with serving("http", FakeFaces()) as server, pytest.raises(RefusedError, match="404"):
        asked(server.url, lambda transport: transport.metadata("other"))


@both
def test_an_output_without_its_data_is_no_answer(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a Python backend with numpy 2 gives them: the shape is right, and there are no bytes."""
    faces = FakeFaces()

    class Hollow(np.ndarray):
        def tobytes(self, *_: object) -> bytes:
            return b""

        @property
        def nbytes(self) -> int:
            return 0

    async def hollow(*_: object) -> dict[str, np.ndarray]:
        return {"boxes": np.ones((1, 2, 4), np.float32).view(Hollow)}

    monkeypatch.setattr(faces, "infer", hollow)
    with serving(scheme, faces) as server, pytest.raises(UnreadableAnswerError, match="numpy below 2"):
        asked(server.url, lambda transport: transport.infer("faces", pixels(frame(1)), ["boxes"]))


@both
def test_without_tritonclient_the_extra_is_named(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("batchproof.deploy.triton.client.transport.over_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tritonclient", None)
    with pytest.raises(MissingDependencyError, match=r"batchproof\[triton\]"):
        open_transport(read_url(f"{scheme}://127.0.0.1"), timeout=1.0, connections=1)
