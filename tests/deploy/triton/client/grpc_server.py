"""The same server over gRPC, by the code that tritonclient's wheels bring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import json_format
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tests.deploy.triton.client.fake_faces import WIRE, Array, FakeFaces, RefusalError
from tests.deploy.triton.client.http_server import array


class GrpcServer:
    """Speaks for one `FakeFaces`."""

    def __init__(self, faces: FakeFaces) -> None:
        self._faces = faces
        self._server: Any = None

    async def start(self, port: int) -> int:
        """Listen; 0 is any free port."""
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1)])
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(_servicer(self._faces), self._server)
        found = int(self._server.add_insecure_port(f"127.0.0.1:{port}"))
        await self._server.start()
        return found

    async def stop(self) -> None:
        """Go, whoever is waiting."""
        await self._server.stop(grace=0)


def _servicer(faces: FakeFaces) -> Any:
    class Servicer(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]
        async def ServerReady(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's names
            return service_pb2.ServerReadyResponse(ready=faces.ready)

        async def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802
            return service_pb2.ModelReadyResponse(ready=faces.serves and request.name == "faces")

        async def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
            return json_format.ParseDict(faces.metadata(), service_pb2.ModelMetadataResponse())

        async def ModelStatistics(self, request: Any, context: Any) -> Any:  # noqa: N802
            told = {"model_stats": [faces.statistics()]}
            return json_format.ParseDict(told, service_pb2.ModelStatisticsResponse())

        async def SystemSharedMemoryStatus(self, request: Any, context: Any) -> Any:  # noqa: N802
            regions = {name: {"name": name, "key": key} for name, key in faces.regions.items()}
            return json_format.ParseDict({"regions": regions}, service_pb2.SystemSharedMemoryStatusResponse())

        async def SystemSharedMemoryRegister(self, request: Any, context: Any) -> Any:  # noqa: N802
            async with _refusing(context):
                faces.register(request.name, request.key, request.byte_size)
            return service_pb2.SystemSharedMemoryRegisterResponse()

        async def SystemSharedMemoryUnregister(self, request: Any, context: Any) -> Any:  # noqa: N802
            async with _refusing(context):
                faces.unregister(request.name)
            return service_pb2.SystemSharedMemoryUnregisterResponse()

        async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
            if faces.dead:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            async with _refusing(context):
                inputs, regions = _inputs(faces, request)
                outputs = [output.name for output in request.outputs]
                found = await faces.infer(inputs, regions, outputs)
            answer = service_pb2.ModelInferResponse(model_name="faces")
            for name in outputs:
                told = {"name": name, "datatype": WIRE[found[name].dtype.type], "shape": found[name].shape}
                answer.outputs.add(**told)
                answer.raw_output_contents.append(found[name].tobytes())
            return answer

    return Servicer()


def _inputs(faces: FakeFaces, request: Any) -> tuple[dict[str, Array], list[str]]:
    inputs: dict[str, Array] = {}
    regions, contents = [], iter(request.raw_input_contents)
    for described in request.inputs:
        shape = list(described.shape)
        if "shared_memory_region" in described.parameters:
            regions.append(described.parameters["shared_memory_region"].string_param)
            inputs[described.name] = faces.read_region(regions[-1], shape)
        else:
            inputs[described.name] = array(described.datatype, shape, next(contents))
    return inputs, regions


@asynccontextmanager
async def _refusing(context: Any) -> AsyncIterator[None]:
    try:
        yield
    except RefusalError as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
