"""Asking a served pipeline for faces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np

from batchproof.artifacts.input_file import read_bytes
from batchproof.deploy.triton.client.readiness import served_outputs, until_ready, why_not_ready
from batchproof.deploy.triton.client.served_faces import ServedFaces, split
from batchproof.deploy.triton.client.server_url import read_url
from batchproof.deploy.triton.client.shared_memory import RegionPool, opened_pool
from batchproof.deploy.triton.client.transport import open_transport
from batchproof.deploy.triton.client.transport.protocol import Input, Transport
from batchproof.deploy.triton.serving import contract
from batchproof.errors import InputError
from batchproof.pipeline.picture import Pixels

Send = Literal["files", "frames", "shared-memory"]
"""How pictures travel: as files, decoded by the server, or as pixels, in the request or in shared memory."""

Embeddings = Literal["normed", "raw", "none"]
"""Which embeddings are asked for: at length 1, as the network gives them, or none."""

# Several times what a picture has that fits into a model's limit of pixels; gRPC carries no 2 GB.
_LARGEST_FILE = 2**29
_RAW, _NORMED = (tensor.name for tensor in contract.embeddings(-1))
_UNWANTED = {"normed": {_RAW}, "raw": {_NORMED}, "none": {_RAW, _NORMED}}


@dataclass(frozen=True)
class Wishes:
    """What is asked of a server, and how.

    `requests` are the most at a time: connections, and regions of shared memory, are made for so many. `timeout`, for
    one request, and `wait`, for a server that is not ready yet, are in seconds.
    """

    send: Send = "files"
    embeddings: Embeddings = "normed"
    requests: int = 8
    timeout: float = 60.0
    wait: float = 0.0


class FacesClient:
    """One server's faces; entering it raises `InputError` unless the server is ready and serves them.

    Every question raises `UnavailableError` when nobody answers, `RefusedError` with the server's own words, and
    `UnreadableAnswerError`; the client stays usable after each.
    """

    def __init__(self, url: str, wishes: Wishes | None = None) -> None:
        self.url, self.wishes = read_url(url), wishes or Wishes()
        self._open = AsyncExitStack()

    async def __aenter__(self) -> FacesClient:
        """Connect, check what is served, and make regions of shared memory where they are wanted."""
        async with AsyncExitStack() as stack:
            self.transport = await stack.enter_async_context(self._connected())
            await until_ready(self.transport, self.url, self.wishes.wait)
            unwanted = _UNWANTED[self.wishes.embeddings]
            self._outputs = [name for name in await served_outputs(self.transport, self.url) if name not in unwanted]
            self._regions: RegionPool | None = None
            if self.wishes.send == "shared-memory":
                pool = opened_pool(self.transport, self.url, self.wishes.requests)
                self._regions = await stack.enter_async_context(pool)
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing open, here or on the server."""
        await self._open.aclose()

    async def faces_of(self, picture: Path) -> ServedFaces:
        """Find the faces of a picture's file, sent as the wishes say; raises `InputError` when it cannot be read."""
        if self.wishes.send == "files":
            return (await self.faces_of_files([await asyncio.to_thread(_content, picture)]))[0]
        return (await self.faces_of_frames((await asyncio.to_thread(_decoded, picture))[None]))[0]

    async def faces_of_files(self, files: Sequence[bytes]) -> list[ServedFaces]:
        """Find the faces of n encoded pictures, in their order, by one request; they may differ in size."""
        rows = np.array(files, dtype=object).reshape(-1, 1)
        return await self._asked(Input(contract.IMAGE.name, "BYTES", rows))

    async def faces_of_frames(self, frames: Pixels) -> list[ServedFaces]:
        """Find the faces of n frames, `[n, height, width, 3]`, uint8, BGR, by one request.

        Raises `InputError` for an array that is no such thing.
        """
        _require_frames(frames)
        if self._regions is None:
            return await self._asked(Input(contract.FRAME.name, contract.FRAME.data_type, frames))
        async with self._regions.holding(frames) as region:
            return await self._asked(Input(contract.FRAME.name, contract.FRAME.data_type, frames, region))

    async def is_ready(self) -> bool:
        """Tell whether the server could be asked now."""
        return await why_not_ready(self.transport) is None

    async def _asked(self, given: Input) -> list[ServedFaces]:
        outputs = await self.transport.infer(contract.MODEL, [given], self._outputs)
        return split(outputs, len(given.data))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Transport]:
        transport = open_transport(self.url, timeout=self.wishes.timeout, connections=self.wishes.requests)
        try:
            yield transport
        finally:
            await transport.close()


def _require_frames(frames: Pixels) -> None:
    if frames.ndim != 4 or frames.dtype != np.uint8 or frames.shape[3] != 3:
        found = f"no frames: {frames.dtype} array of shape {list(frames.shape)}"
        raise InputError(found, remedy="Give BGR pixels as a uint8 array [n, height, width, 3]")


def _content(picture: Path) -> bytes:
    return read_bytes(picture, largest=_LARGEST_FILE, too_large="Scale the picture down")


def _decoded(picture: Path) -> Pixels:
    from batchproof.pipeline.pictures import read_picture

    return read_picture(picture).pixels
