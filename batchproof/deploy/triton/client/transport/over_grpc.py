"""The transport over gRPC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tritonclient import grpc as triton
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from batchproof.deploy.triton.client.faults import RefusedError, UnavailableError
from batchproof.deploy.triton.client.server_url import ServerUrl
from batchproof.deploy.triton.client.transport.protocol import Array, Document, Input, Region
from batchproof.deploy.triton.client.transport.tensors import arrays, tensor

# No limit of a message's size, as tritonclient has it; no proxy, as HTTP has none either; and a server that comes back
# is seen within a second, not after gRPC's two minutes.
_CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1000),
]
_AWAY = {"StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED", "StatusCode.CANCELLED"}


class GrpcTransport:
    """A server's gRPC endpoint."""

    def __init__(self, url: ServerUrl, timeout: float) -> None:
        self._url, self._timeout = url, timeout
        self._client = InferenceServerClient(url.address, channel_args=_CHANNEL)

    async def is_server_ready(self) -> bool:
        """Tell whether the server says that it is ready."""
        with self._faults():
            return bool(await self._client.is_server_ready(client_timeout=self._timeout))

    async def is_model_ready(self, model: str) -> bool:
        """Tell whether the server says that it can run the model."""
        with self._faults():
            return bool(await self._client.is_model_ready(model, client_timeout=self._timeout))

    async def metadata(self, model: str) -> Document:
        """Return inputs and outputs of a model."""
        with self._faults():
            found: Document = await self._client.get_model_metadata(model, as_json=True, client_timeout=self._timeout)
            return found

    async def statistics(self) -> Document:
        """Return what every model has done."""
        with self._faults():
            found: Document = await self._client.get_inference_statistics(as_json=True, client_timeout=self._timeout)
            return found

    async def infer(self, model: str, inputs: Sequence[Input], outputs: Sequence[str]) -> Mapping[str, Array]:
        """Run a model once."""
        given = [tensor(triton.InferInput, one) for one in inputs]
        wanted = [triton.InferRequestedOutput(name) for name in outputs]
        with self._faults():
            result = await self._client.infer(model, given, outputs=wanted, client_timeout=self._timeout)
        return arrays(result, outputs, self._url)

    async def regions(self) -> Mapping[str, str]:
        """Return the keys of the server's regions."""
        with self._faults():
            status = await self._client.get_system_shared_memory_status(as_json=True, client_timeout=self._timeout)
        return {name: str(region["key"]) for name, region in status.get("regions", {}).items()}

    async def register(self, region: Region) -> None:
        """Have the server map a region."""
        with self._faults():
            await self._client.register_system_shared_memory(
                region.name, region.key, region.size, client_timeout=self._timeout
            )

    async def unregister(self, name: str) -> None:
        """Have the server forget a region."""
        with self._faults():
            await self._client.unregister_system_shared_memory(name, client_timeout=self._timeout)

    async def close(self) -> None:
        """Close the channel."""
        await self._client.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except InferenceServerException as error:
            said = error.message() or error.status()
            if error.status() in _AWAY:
                raise UnavailableError(f"no answer ({said})", where=str(self._url)) from error
            raise RefusedError(said, where=str(self._url)) from error
