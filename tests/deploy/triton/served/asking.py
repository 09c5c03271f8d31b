"""Asking a server by Triton's own client, one request at a time or many at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tritonclient.grpc as triton
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

from batchproof.deploy.triton.server.server import RunningServer
from batchproof.deploy.triton.serving.contract import MODEL
from batchproof.pipeline.picture import Pixels

Answer = dict[str, NDArray[Any]]
_TYPES = {"uint8": "UINT8", "object": "BYTES", "float32": "FP32"}


def client(server: RunningServer) -> triton.InferenceServerClient:
    return triton.InferenceServerClient(server.endpoints.grpc)


def ask(server: RunningServer, outputs: Sequence[str] | None = None, /, **inputs: NDArray[Any]) -> Answer:
    """Answer of one request; raises what the client raises."""
    with client(server) as connection:
        return _ask(connection, outputs, inputs)


def ask_frame(server: RunningServer, pixels: Pixels) -> Answer:
    return ask(server, frame=pixels[None])


def files(*contents: bytes) -> NDArray[np.object_]:
    """The input `image` for these files."""
    return np.array([[content] for content in contents], np.object_)


def ask_together(
    server: RunningServer, requests: Sequence[dict[str, NDArray[Any]]]
) -> list[Answer | InferenceServerException]:
    """Answers, or errors, of as many clients as there are requests, all at the same time."""

    def one(inputs: dict[str, NDArray[Any]]) -> Answer | InferenceServerException:
        try:
            return _ask(connection, None, inputs)
        except InferenceServerException as error:
            return error

    with client(server) as connection, ThreadPoolExecutor(len(requests)) as clients:
        return list(clients.map(one, requests))


def refusal(server: RunningServer, **inputs: NDArray[Any]) -> str:
    """The server's sentence about a request that it must not answer."""
    try:
        found = ask(server, None, **inputs)
    except InferenceServerException as error:
        return str(error)
    raise AssertionError(f"answered, with {found['num_faces'].ravel()} faces")


def counts(server: RunningServer) -> dict[str, tuple[int, int]]:
    """Images and executions of each model until now."""
    with client(server) as connection:
        statistics = connection.get_inference_statistics().model_stats
    return {model.name: (model.inference_count, model.execution_count) for model in statistics}


def _ask(
    connection: triton.InferenceServerClient, outputs: Sequence[str] | None, inputs: dict[str, NDArray[Any]]
) -> Answer:
    given = []
    for name, array in inputs.items():
        tensor = triton.InferInput(name, list(array.shape), _TYPES[array.dtype.name])
        given.append(tensor.set_data_from_numpy(array))
    asked = None if outputs is None else [triton.InferRequestedOutput(name) for name in outputs]
    result = connection.infer(MODEL, given, outputs=asked, client_timeout=60)
    return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}
