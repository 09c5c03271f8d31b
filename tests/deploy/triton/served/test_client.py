"""The client against a real server with real networks; the fixtures are those of every served test."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from batchproof.deploy.triton.client.faces_client import Send, Wishes
from batchproof.deploy.triton.client.served_faces import ServedFaces
from batchproof.deploy.triton.client.server_url import read_url
from batchproof.deploy.triton.client.shared_memory import PREFIX
from batchproof.deploy.triton.client.transport import open_transport
from tests.deploy.triton.client.asked import run
from tests.deploy.triton.client.processes import finished, has_lines, names, started
from tests.deploy.triton.client.serving import SCHEMES

pytestmark = [
    pytest.mark.served,
    # aiohttp's, about tritonclient, which hands over large frames as they are.
    pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning"),
]
COPIES = 24
both = pytest.mark.parametrize("scheme", SCHEMES)


def url(server: Any, scheme: str) -> str:
    return f"{scheme}://{getattr(server.endpoints, scheme)}"


def regions(server: Any) -> Mapping[str, str]:
    """What the server still has of any client of ours."""

    async def ask() -> Mapping[str, str]:
        transport = open_transport(read_url(url(server, "grpc")), timeout=10.0, connections=1)
        try:
            return await transport.regions()
        finally:
            await transport.close()

    return {name: key for name, key in asyncio.run(ask()).items() if name.startswith(PREFIX)}


def found(server: Any, scheme: str, send: Send, pictures: list[Path]) -> dict[Path, ServedFaces]:
    outcomes, _ = run(url(server, scheme), pictures, 0, Wishes(send, requests=3))
    assert [outcome.error for outcome in outcomes if outcome.error] == []
    return {outcome.item: outcome.answer for outcome in outcomes if outcome.answer is not None}


@pytest.fixture(scope="module")
def real_pictures(test_data: Path) -> list[Path]:
    return sorted(path for path in (test_data / "images").iterdir() if path.suffix in {".jpg", ".png"})


@pytest.fixture(scope="module")
def many(real_pictures: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many copies of a small picture, a second or two of work."""
    folder = tmp_path_factory.mktemp("many")
    smallest = min(real_pictures, key=lambda path: path.stat().st_size)
    for index in range(COPIES):
        shutil.copyfile(smallest, folder / f"{index:02}{smallest.suffix}")
    return folder


@both
@pytest.mark.parametrize("send", get_args(Send))
def test_every_way_finds_the_same_faces(server: Any, real_pictures: list[Path], scheme: str, send: Send) -> None:
    expected = found(server, "grpc", "frames", real_pictures)
    actual = found(server, scheme, send, real_pictures)
    assert sum(map(len, expected.values())) > 10
    for picture, faces in expected.items():
        others = actual[picture]
        assert len(others) == len(faces)
        np.testing.assert_allclose(others.boxes, faces.boxes, atol=0.05)  # pixels; batches round differently
        assert faces.normed_embeddings is not None
        assert others.normed_embeddings is not None
        assert ((faces.normed_embeddings * others.normed_embeddings).sum(axis=1) > 0.9999).all()
    assert regions(server) == {}


def test_the_networks_have_run_on_what_was_found(server: Any, pack: Any, real_pictures: list[Path]) -> None:
    outcomes, cost = run(url(server, "grpc"), real_pictures, 0, Wishes(requests=8))
    faces = sum(len(outcome.answer) for outcome in outcomes if outcome.answer is not None)
    images = {model.model: model.images for model in cost.models}
    assert images["faces"] == images[pack.pipeline.detector.model] == len(real_pictures)
    assert images[pack.pipeline.embedder.model] == faces
    assert all(sum(size * runs for size, runs in model.batches.items()) == model.images for model in cost.models)


@both
@pytest.mark.parametrize("send", ["files", "shared-memory"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_client_hinders_nobody_and_is_gone_on_with(
    server: Any, many: Path, tmp_path: Path, scheme: str, send: Send, how: signal.Signals
) -> None:
    output = tmp_path / "faces.jsonl"
    arguments = (url(server, scheme), many, "-o", output, "--send", send, "--concurrency", "4")
    client = started(*arguments)
    has_lines(output, 3)
    client.send_signal(how)
    client.communicate(timeout=60)
    before = output.read_bytes().count(b"\n")
    done = finished(*arguments)
    assert client.returncode == (130 if how is signal.SIGINT else -how)
    assert done.returncode == 0, done.stderr
    assert f"{COPIES - before} pictures answered, {before} had theirs before, 0 failed" in done.stderr
    assert sorted(names(output)) == sorted(path.name for path in many.iterdir())
    assert regions(server) == {}
    assert list(Path("/dev/shm").glob(f"{PREFIX}*")) == []
