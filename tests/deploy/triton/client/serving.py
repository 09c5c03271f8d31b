"""Servers in a thread of their own, as another process would be one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.deploy.triton.client.fake_faces import FakeFaces
from tests.deploy.triton.client.grpc_server import GrpcServer
from tests.deploy.triton.client.http_server import HttpServer

SCHEMES = ("grpc", "http")
_LIMIT = 20.0


@dataclass
class Served:
    """A server that can go, and come back at the same address with nothing registered."""

    url: str
    faces: FakeFaces
    _loop: asyncio.AbstractEventLoop
    _server: GrpcServer | HttpServer

    def stop(self) -> None:
        _run(self._loop, self._server.stop())

    def start_anew(self) -> None:
        self.faces.regions.clear()
        _run(self._loop, self._server.start(int(self.url.rpartition(":")[2])))


@contextmanager
def serving(scheme: str, faces: FakeFaces) -> Iterator[Served]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        server = _run(loop, _made(scheme, faces))
        port = _run(loop, server.start(0))
        served = Served(f"{scheme}://127.0.0.1:{port}", faces, loop, server)
        yield served
        served.stop()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_LIMIT)
        loop.close()


async def _made(scheme: str, faces: FakeFaces) -> GrpcServer | HttpServer:
    return GrpcServer(faces) if scheme == "grpc" else HttpServer(faces)


def _run(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run_coroutine_threadsafe(work, loop).result(_LIMIT)
