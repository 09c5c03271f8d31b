from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import pytest

from batchproof.deploy.triton.client import shared_memory
from batchproof.deploy.triton.client.faces_client import FacesClient, Wishes
from batchproof.deploy.triton.client.faults import RefusedError, UnavailableError
from batchproof.deploy.triton.client.shared_memory import PREFIX
from batchproof.errors import InputError
from tests.deploy.triton.client.fake_faces import REFUSED, FakeFaces, frame
from tests.deploy.triton.client.serving import SCHEMES, serving

both = pytest.mark.parametrize("scheme", SCHEMES)


def files() -> set[str]:
    return {path.name for path in Path("/dev/shm").glob(f"{PREFIX}*")}


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    before = files()
    yield
    assert files() == before


def with_client(url: str, requests: int, ask: Callable[[FacesClient], Awaitable[None]]) -> None:
    async def asking() -> None:
        async with FacesClient(url, Wishes("shared-memory", requests=requests)) as client:
            await ask(client)

    asyncio.run(asking())


@both
def test_each_request_has_a_region_of_its_own(scheme: str) -> None:
    faces = FakeFaces(delay=0.1)

    async def ask(client: FacesClient) -> None:
        shades = range(10, 90, 10)
        frames = [frame(1, shade=shade)[None] for shade in shades]
        found = await asyncio.gather(*(client.faces_of_frames(one) for one in frames))
        for (faces_of_one,), one in zip(found, frames, strict=True):
            np.testing.assert_allclose(faces_of_one.scores, [one.mean() + len("scores")])

    with serving(scheme, faces) as server:
        with_client(server.url, 3, ask)
    assert len(set(faces.mapped)) == len(faces.mapped) == 3, "registered once, used many times"
    assert faces.most_in_flight == 3
    assert faces.regions == {}


@both
def test_a_region_grows_with_its_frames(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_memory, "FIRST_SIZE", 6 * 9 * 3)
    faces = FakeFaces()

    async def ask(client: FacesClient) -> None:
        for height in (6, 60, 7):
            ((found),) = await client.faces_of_frames(frame(2, height=height)[None])
            assert len(found) == 2
        assert len(faces.regions) == 1

    with serving(scheme, faces) as server:
        with_client(server.url, 1, ask)
    assert (len(faces.mapped), faces.regions) == (2, {})


@both
def test_nothing_stays_after_an_error(scheme: str) -> None:
    faces = FakeFaces()

    async def ask(client: FacesClient) -> None:
        await client.faces_of_frames(frame(1, corner=REFUSED)[None])

    with serving(scheme, faces) as server, pytest.raises(RefusedError):
        with_client(server.url, 2, ask)
    assert (len(faces.mapped), faces.regions) == (2, {})


@both
def test_a_region_that_a_cancelled_request_still_uses_is_forgotten_later(scheme: str) -> None:
    faces = FakeFaces()

    async def ask(client: FacesClient) -> None:
        (name,) = faces.regions
        faces.busy_regions[name] = 1  # as Triton has it while a request waits in a queue, cancelled or not
        asyncio.get_running_loop().call_later(0.5, faces.busy_regions.clear)

    with serving(scheme, faces) as server:
        with_client(server.url, 1, ask)
    assert faces.regions == {}


@both
def test_a_server_that_never_lets_go_is_not_waited_for_for_ever(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_memory, "_PATIENCE", 0.3)
    faces = FakeFaces()

    async def ask(client: FacesClient) -> None:
        faces.busy_regions.update(faces.regions)

    with serving(scheme, faces) as server:
        with_client(server.url, 2, ask)
    assert len(faces.regions) == 2


@both
def test_what_dead_clients_left_is_forgotten_and_what_living_ones_use_is_not(scheme: str) -> None:
    living = SharedMemory(f"{PREFIX}living", create=True, size=10)
    known = {f"{PREFIX}dead": f"/{PREFIX}dead", f"{PREFIX}living": f"/{PREFIX}living", "other": "/other"}
    faces = FakeFaces(regions=dict(known))

    async def ask(client: FacesClient) -> None:
        await client.faces_of_frames(frame(1)[None])

    try:
        with serving(scheme, faces) as server:
            with_client(server.url, 1, ask)
    finally:
        living.close()
        living.unlink()
    assert set(faces.regions) == {f"{PREFIX}living", "other"}


@both
def test_what_a_dead_client_still_waits_for_is_forgotten_at_the_end(scheme: str) -> None:
    dead = f"{PREFIX}dead"
    faces = FakeFaces(regions={dead: f"/{dead}"})
    faces.busy_regions[dead] = 1

    async def ask(client: FacesClient) -> None:
        assert dead in faces.regions
        faces.busy_regions.clear()

    with serving(scheme, faces) as server:
        with_client(server.url, 1, ask)
    assert faces.regions == {}


@both
def test_a_server_that_was_started_anew_learns_the_regions_again(scheme: str) -> None:
    faces = FakeFaces()

    async def ask(client: FacesClient) -> None:
        server.stop()
        with pytest.raises(UnavailableError):
            await client.faces_of_frames(frame(1)[None])
        server.start_anew()
        for _ in range(2):
            for _ in range(40):
                try:
                    ((found),) = await client.faces_of_frames(frame(1)[None])
                    break
                except UnavailableError:
                    await asyncio.sleep(0.1)
            assert len(found) == 1

    with serving(scheme, faces) as server:
        with_client(server.url, 2, ask)
    assert faces.regions == {}


@both
def test_a_server_that_knows_a_region_after_all_is_no_hindrance(scheme: str) -> None:
    """It did not answer in time, and had not gone: registering a second time is refused."""
    faces = FakeFaces()

    async def ask(client: FacesClient) -> None:
        faces.dies_after = 0
        with pytest.raises(UnavailableError):
            await client.faces_of_frames(frame(1)[None])
        faces.dies_after = None
        ((found),) = await client.faces_of_frames(frame(1)[None])
        assert len(found) == 1

    with serving(scheme, faces) as server:
        with_client(server.url, 1, ask)
    assert len(faces.mapped) == 1


@both
def test_a_server_that_does_not_see_our_memory_is_told_before_anything_is_asked(scheme: str) -> None:
    async def ask(client: FacesClient) -> None:
        raise AssertionError

    told = r"cannot map .*--ipc=host\. Send files or frames instead"
    with serving(scheme, FakeFaces(remaps_nothing=True)) as server, pytest.raises(InputError, match=told):
        with_client(server.url, 2, ask)


def test_a_server_on_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(client: FacesClient) -> None:
        raise AssertionError

    monkeypatch.setattr(shared_memory, "is_this_machine", lambda host: host != "127.0.0.1")
    with serving("http", FakeFaces()) as server, pytest.raises(InputError, match="servers on this machine alone"):
        with_client(server.url, 2, ask)
