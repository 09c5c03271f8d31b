from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar, get_args

import cv2
import numpy as np
import pytest

from batchproof.deploy.triton.client.faces_client import Embeddings, FacesClient, Send, Wishes
from batchproof.deploy.triton.client.faults import RefusedError, UnavailableError, UnreadableAnswerError
from batchproof.deploy.triton.client.served_faces import ServedFaces
from batchproof.errors import InputError
from tests.deploy.triton.client.fake_faces import NOT_FINITE, REFUSED, FakeFaces, frame
from tests.deploy.triton.client.serving import SCHEMES, serving

Found = TypeVar("Found")
both = pytest.mark.parametrize("scheme", SCHEMES)
every_way = pytest.mark.parametrize("send", get_args(Send))


def with_client(url: str, wishes: Wishes, ask: Callable[[FacesClient], Awaitable[Found]]) -> Found:
    async def asking() -> Found:
        async with FacesClient(url, wishes) as client:
            return await ask(client)

    return asyncio.run(asking())


def written(path: Path, pixels: np.ndarray) -> Path:
    """PNG, so that the server sees the same pixels whichever way they travel."""
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return path


@both
@every_way
def test_the_answer_is_the_same_whichever_way_a_picture_travels(scheme: str, send: Send, tmp_path: Path) -> None:
    pixels = frame(3, height=11, width=7, shade=90)
    faces = FakeFaces()
    with serving(scheme, faces) as server:
        picture = written(tmp_path / "three.png", pixels)
        found = with_client(server.url, Wishes(send), lambda client: client.faces_of(picture))
    assert isinstance(found, ServedFaces)
    assert (len(found), found.embeddings) == (3, None)
    assert found.normed_embeddings is not None
    assert found.ages is not None
    assert found.male is not None
    np.testing.assert_allclose(found.boxes, np.full((3, 4), pixels.mean() + len("boxes")))
    np.testing.assert_allclose(found.landmarks["2d106det"][1], pixels.mean() + len("landmarks_2d106det"))
    assert (found.ages.tolist(), found.male.tolist()) == ([45] * 3, [True] * 3)
    assert faces.asked[0][0] == ("image" if send == "files" else "frame")
    assert bool(faces.mapped) is (send == "shared-memory")


@both
@pytest.mark.parametrize("embeddings", get_args(Embeddings))
def test_only_wanted_embeddings_travel(scheme: str, embeddings: Embeddings) -> None:
    faces = FakeFaces()
    with serving(scheme, faces) as server:
        wishes = Wishes("frames", embeddings)
        (found,) = with_client(server.url, wishes, lambda client: client.faces_of_frames(frame(2)[None]))
    wanted = {"normed": {"normed_embeddings"}, "raw": {"embeddings"}, "none": set()}[embeddings]
    assert {name for name in faces.asked[0][2] if "embeddings" in name} == wanted
    assert (found.normed_embeddings is not None, found.embeddings is not None) == (
        embeddings == "normed",
        embeddings == "raw",
    )


@both
def test_frames_and_files_of_one_request_keep_their_order(scheme: str) -> None:
    frames = [frame(count, shade=shade) for count, shade in ((2, 10), (0, 20), (3, 30))]
    encoded = [cv2.imencode(".png", one)[1].tobytes() for one in frames]

    async def ask(client: FacesClient) -> tuple[list[ServedFaces], list[ServedFaces]]:
        return await client.faces_of_frames(np.stack(frames)), await client.faces_of_files(encoded)

    with serving(scheme, FakeFaces()) as server:
        by_frames, by_files = with_client(server.url, Wishes(), ask)
    for found in (by_frames, by_files):
        assert [len(faces) for faces in found] == [2, 0, 3]
        np.testing.assert_allclose(found[2].scores, frames[2].mean() + len("scores"))


@both
@every_way
def test_a_client_stays_usable_after_each_error(scheme: str, send: Send, tmp_path: Path) -> None:
    good = written(tmp_path / "good.png", frame(1))
    refused = written(tmp_path / "refused.png", frame(1, corner=REFUSED))
    not_finite = written(tmp_path / "nan.png", frame(1, corner=NOT_FINITE))
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")

    async def ask(client: FacesClient) -> int:
        with pytest.raises(RefusedError, match="frame 0: it was meant to be refused"):
            await client.faces_of(refused)
        with pytest.raises(UnreadableAnswerError, match="not finite"):
            await client.faces_of(not_finite)
        with pytest.raises(RefusedError if send == "files" else InputError, match="not a readable picture"):
            await client.faces_of(broken)
        with pytest.raises(InputError, match="cannot"):
            await client.faces_of(tmp_path / "gone.png")
        return len(await client.faces_of(good))

    with serving(scheme, FakeFaces()) as server:
        assert with_client(server.url, Wishes(send, requests=1), ask) == 1


@both
def test_a_server_that_goes_is_unavailable_and_not_ready(scheme: str) -> None:
    async def ask(client: FacesClient) -> bool:
        server.stop()
        with pytest.raises(UnavailableError, match="no answer"):
            await client.faces_of_frames(frame(1)[None])
        return await client.is_ready()

    with serving(scheme, FakeFaces()) as server:
        assert with_client(server.url, Wishes(), ask) is False
        server.start_anew()


@both
def test_what_a_server_drops_without_an_answer_is_unavailable(scheme: str) -> None:
    async def ask(client: FacesClient) -> bool:
        await client.faces_of_frames(frame(1)[None])
        with pytest.raises(UnavailableError, match="no answer"):
            await client.faces_of_frames(frame(1)[None])
        return await client.is_ready()

    with serving(scheme, FakeFaces(dies_after=1)) as server:
        assert with_client(server.url, Wishes(), ask) is True


@pytest.mark.parametrize(
    "frames",
    [np.zeros((6, 9, 3), np.uint8), np.zeros((1, 6, 9, 3), np.float32), np.zeros((1, 6, 9, 4), np.uint8)],
    ids=["one frame alone", "floats", "alpha"],
)
@every_way
def test_what_is_no_frames_is_not_sent(frames: np.ndarray, send: Send) -> None:
    faces = FakeFaces()
    with serving("grpc", faces) as server, pytest.raises(InputError, match=r"no frames: .* of shape"):
        with_client(server.url, Wishes(send), lambda client: client.faces_of_frames(frames))
    assert faces.asked == []


def test_a_file_that_no_request_can_carry_is_not_read(tmp_path: Path) -> None:
    faces, huge = FakeFaces(), tmp_path / "huge.png"
    with huge.open("wb") as stream:
        stream.truncate(2**30)
    with serving("grpc", faces) as server, pytest.raises(InputError, match="are too large"):
        with_client(server.url, Wishes(), lambda client: client.faces_of(huge))
    assert faces.asked == []
