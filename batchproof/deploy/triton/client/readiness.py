"""Whether a server can be asked: alive, ready, and serving faces as our contract has them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

from batchproof.deploy.triton.client.faults import RefusedError, UnavailableError, UnreadableAnswerError
from batchproof.deploy.triton.client.served_faces import LANDMARKS
from batchproof.deploy.triton.client.server_url import ServerUrl
from batchproof.deploy.triton.client.transport.protocol import Document, Transport
from batchproof.deploy.triton.serving import contract
from batchproof.errors import InputError

_BETWEEN_LOOKS = 0.25
_REMEDY = "Start it, or wait for it with --wait SECONDS"
_NOT_OURS = "Serve a repository that batchproof deploy triton has written"
_INPUTS = (contract.FRAME, contract.IMAGE)
_OUTPUTS = (contract.NUM_FACES, contract.BOXES, contract.SCORES, contract.KEYPOINTS)
_OPTIONAL = (*contract.embeddings(-1), contract.MALE, contract.AGES)
# What config.pbtxt calls a string travels as bytes.
_ON_THE_WIRE = {"STRING": "BYTES"}


async def until_ready(transport: Transport, url: ServerUrl, wait: float = 0.0) -> None:
    """Return once server and model are ready; raise `UnavailableError` when they are not after `wait` seconds."""
    end = time.monotonic() + wait
    while (reason := await why_not_ready(transport)) is not None:
        if time.monotonic() >= end:
            raise UnavailableError(reason, where=str(url), remedy=_REMEDY)
        await asyncio.sleep(_BETWEEN_LOOKS)


async def served_outputs(transport: Transport, url: ServerUrl) -> tuple[str, ...]:
    """Return the names of what the model gives; raise `InputError` unless it is ours by its inputs and outputs."""
    try:
        found = await transport.metadata(contract.MODEL)
        inputs, outputs = _tensors(found["inputs"]), _tensors(found["outputs"])
    except (RefusedError, UnreadableAnswerError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"tells nothing of its model {contract.MODEL}", where=str(url), remedy=_NOT_OURS) from error
    if differences := [*_differences(inputs, _INPUTS), *_differences(outputs, _OUTPUTS), *_strange(outputs)]:
        what = f"its model {contract.MODEL} is another one: {differences[0]}"
        raise InputError(what, where=str(url), remedy=_NOT_OURS)
    return tuple(outputs)


async def why_not_ready(transport: Transport) -> str | None:
    """Say what is missing for requests to be answered; None when nothing is."""
    try:
        if not await transport.is_server_ready():
            return "the server is not ready"
        if not await transport.is_model_ready(contract.MODEL):
            return f"the server is ready, its model {contract.MODEL} is absent or not ready"
    except (UnavailableError, RefusedError, UnreadableAnswerError) as error:
        return error.what
    return None


def _tensors(described: Iterable[Document]) -> Mapping[str, tuple[str, list[int]]]:
    """Data type and shape by name, the batch axis left out."""
    return {str(one["name"]): (str(one["datatype"]), [int(size) for size in one["shape"]][1:]) for one in described}


def _differences(found: Mapping[str, tuple[str, list[int]]], ours: Sequence[contract.ServedTensor]) -> list[str]:
    """Say what is not as the contract has it; -1 there is any size."""
    return [
        f"{tensor.name} is {_shown(found.get(tensor.name))}, not {_shown((_type(tensor), list(tensor.dims)))}"
        for tensor in ours
        if not _fits(found.get(tensor.name), tensor)
    ]


def _strange(outputs: Mapping[str, tuple[str, list[int]]]) -> list[str]:
    """Say which outputs are there that no pipeline of ours gives."""
    known = {tensor.name for tensor in (*_OUTPUTS, *_OPTIONAL)}
    strangers = [f"it gives {name}" for name in outputs if name not in known and not name.startswith(LANDMARKS)]
    present = [tensor for tensor in _OPTIONAL if tensor.name in outputs]
    return strangers + _differences(outputs, present)


def _fits(found: tuple[str, list[int]] | None, tensor: contract.ServedTensor) -> bool:
    if found is None or found[0] != _type(tensor) or len(found[1]) != len(tensor.dims):
        return False
    return all(own in (-1, size) for size, own in zip(found[1], tensor.dims, strict=True))


def _type(tensor: contract.ServedTensor) -> str:
    return _ON_THE_WIRE.get(tensor.data_type, tensor.data_type)


def _shown(tensor: tuple[str, list[int]] | None) -> str:
    return "absent" if tensor is None else f"{tensor[0]} {tensor[1]}"
