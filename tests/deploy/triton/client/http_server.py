"""A small server of KServe's protocol over HTTP, with Triton's extensions for binary data and shared memory."""

from __future__ import annotations

import json
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np
from aiohttp import web

from tests.deploy.triton.client.fake_faces import WIRE, Array, FakeFaces, RefusalError

_LENGTH = "Inference-Header-Content-Length"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpServer:
    """Speaks for one `FakeFaces`."""

    def __init__(self, faces: FakeFaces) -> None:
        self._faces = faces
        self._runner: web.AppRunner | None = None

    async def start(self, port: int) -> int:
        """Listen; 0 is any free port."""
        app = web.Application(middlewares=[_refusing], client_max_size=2**28)
        app.add_routes(
            [
                web.get("/v2/health/ready", self._ready),
                web.get("/v2/models/stats", self._stats),
                web.get("/v2/models/faces/ready", self._model_ready),
                web.get("/v2/models/faces", self._metadata),
                web.post("/v2/models/faces/infer", self._infer),
                web.get("/v2/systemsharedmemory/status", self._regions),
                web.post("/v2/systemsharedmemory/region/{name}/register", self._register),
                web.post("/v2/systemsharedmemory/region/{name}/unregister", self._unregister),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Go, whoever is waiting."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _ready(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if self._faces.ready else 400)

    async def _model_ready(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if self._faces.serves else 400)

    async def _metadata(self, request: web.Request) -> web.Response:
        return web.json_response(self._faces.metadata())

    async def _stats(self, request: web.Request) -> web.Response:
        return web.json_response({"model_stats": [self._faces.statistics()]})

    async def _regions(self, request: web.Request) -> web.Response:
        return web.json_response([{"name": name, "key": key} for name, key in self._faces.regions.items()])

    async def _register(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._faces.register(request.match_info["name"], asked["key"], asked["byte_size"])
        return web.Response()

    async def _unregister(self, request: web.Request) -> web.Response:
        self._faces.unregister(request.match_info["name"])
        return web.Response()

    async def _infer(self, request: web.Request) -> web.Response:
        body = await request.read()
        length = int(request.headers.get(_LENGTH, len(body)))
        asked = json.loads(body[:length])
        inputs, regions = self._inputs(asked, body[length:])
        outputs = [output["name"] for output in asked["outputs"]]
        if self._faces.dead and request.transport:
            request.transport.abort()
            return web.Response()  # which reaches nobody
        return _response(await self._faces.infer(inputs, regions, outputs), outputs)

    def _inputs(self, asked: Mapping[str, Any], binary: bytes) -> tuple[dict[str, Array], list[str]]:
        inputs: dict[str, Array] = {}
        regions, offset = [], 0
        for described in asked["inputs"]:
            told, shape = described["parameters"], described["shape"]
            if "shared_memory_region" in told:
                regions.append(told["shared_memory_region"])
                inputs[described["name"]] = self._faces.read_region(regions[-1], shape)
            else:
                content = binary[offset : offset + told["binary_data_size"]]
                offset += told["binary_data_size"]
                inputs[described["name"]] = array(described["datatype"], shape, content)
        return inputs, regions


def array(datatype: str, shape: list[int], content: bytes) -> Array:
    """Read an input as Triton's clients write it: bytes have their length in front."""
    if datatype != "BYTES":
        return np.frombuffer(content, {"UINT8": np.uint8}[datatype]).reshape(shape)
    found = []
    while content:
        (size,) = struct.unpack("<I", content[:4])
        found.append(content[4 : 4 + size])
        content = content[4 + size :]
    return np.array(found, object).reshape(shape)


def _response(found: Mapping[str, Array], outputs: list[str]) -> web.Response:
    header: dict[str, Any] = {"model_name": "faces", "outputs": []}
    for name in outputs:
        values = found[name]
        told = {"name": name, "datatype": WIRE[values.dtype.type], "shape": list(values.shape)}
        header["outputs"].append({**told, "parameters": {"binary_data_size": values.nbytes}})
    text = json.dumps(header).encode()
    body = b"".join([text, *(found[name].tobytes() for name in outputs)])
    return web.Response(body=body, headers={_LENGTH: str(len(text))})


@web.middleware
async def _refusing(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except RefusalError as error:
        return web.json_response({"error": str(error)}, status=400)
