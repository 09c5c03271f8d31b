"""The transport over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from aiohttp import ClientError, ClientResponseError
from tritonclient import http as triton
from tritonclient.http.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from batchproof.deploy.triton.client.faults import RefusedError, UnavailableError, UnreadableAnswerError
from batchproof.deploy.triton.client.server_url import ServerUrl
from batchproof.deploy.triton.client.transport.protocol import Array, Document, Input, Region
from batchproof.deploy.triton.client.transport.tensors import arrays, tensor

# Service unavailable and gateway timeout; the rest of 4xx and 5xx is about the request or the model.
_AWAY = {"502", "503", "504"}


class HttpTransport:
    """A server's HTTP endpoint."""

    def __init__(self, url: ServerUrl, timeout: float, connections: int) -> None:
        self._url, self._timeout = url, timeout
        self._client = InferenceServerClient(url.address, conn_limit=connections, conn_timeout=timeout)

    async def is_server_ready(self) -> bool:
        """Tell whether the server says that it is ready."""
        with self._faults():
            return bool(await self._client.is_server_ready())

    async def is_model_ready(self, model: str) -> bool:
        """Tell whether the server says that it can run the model."""
        with self._faults():
            return bool(await self._client.is_model_ready(model))

    async def metadata(self, model: str) -> Document:
        """Return inputs and outputs of a model."""
        with self._faults():
            found: Document = await self._client.get_model_metadata(model)
            return found

    async def statistics(self) -> Document:
        """Return what every model has done."""
        with self._faults():
            found: Document = await self._client.get_inference_statistics()
            return found

    async def infer(self, model: str, inputs: Sequence[Input], outputs: Sequence[str]) -> Mapping[str, Array]:
        """Run a model once."""
        given = [tensor(triton.InferInput, one) for one in inputs]
        wanted = [triton.InferRequestedOutput(name, binary_data=True) for name in outputs]
        with self._faults():
            result = await self._client.infer(model, given, outputs=wanted)
        return arrays(result, outputs, self._url)

    async def regions(self) -> Mapping[str, str]:
        """Return the keys of the server's regions."""
        with self._faults():
            status = await self._client.get_system_shared_memory_status()
            return {str(region["name"]): str(region["key"]) for region in status}

    async def register(self, region: Region) -> None:
        """Have the server map a region."""
        with self._faults():
            await self._client.register_system_shared_memory(region.name, region.key, region.size)

    async def unregister(self, name: str) -> None:
        """Have the server forget a region."""
        with self._faults():
            await self._client.unregister_system_shared_memory(name)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        where = str(self._url)
        try:
            yield
        except InferenceServerException as error:
            if error.status() in _AWAY:
                raise UnavailableError(f"no answer ({error.message()})", where=where) from error
            raise RefusedError(error.message(), where=where) from error
        except asyncio.TimeoutError as error:
            raise UnavailableError(f"no answer within {self._timeout:g} s", where=where) from error
        except ClientResponseError as error:  # its words show the bytes that came
            raise UnavailableError("what answers there speaks no HTTP, gRPC perhaps", where=where) from error
        except (ClientError, OSError) as error:
            raise UnavailableError(f"no answer ({error or type(error).__name__})", where=where) from error
        except (ValueError, KeyError, TypeError) as error:  # what speaks HTTP need not speak Triton's JSON
            raise UnreadableAnswerError("the answer is none of Triton's", where=where) from error
