"""What a client needs of a server, whichever way it is reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

Array = NDArray[Any]
Document = Mapping[str, Any]
"""What JSON holds. Numbers may be strings, and be left out when they are 0: so gRPC's 64 bits travel."""


@dataclass(frozen=True)
class Region:
    """A part of this machine's shared memory that the server knows as `name`; `key` is its name for the system."""

    name: str
    key: str
    size: int


@dataclass(frozen=True)
class Input:
    """One input of a request: `data` travels with it, or lies at the beginning of the region of this name.

    `data_type` is as the wire has it: UINT8, or BYTES for an object array of bytes.
    """

    name: str
    data_type: str
    data: Array
    region: str | None = None


class Transport(Protocol):
    """One server. Everything raises `UnavailableError` when nobody answers, `RefusedError` when the answer is no."""

    async def is_server_ready(self) -> bool:
        """Tell whether the server says that it is ready."""
        ...

    async def is_model_ready(self, model: str) -> bool:
        """Tell whether the server says that it can run the model."""
        ...

    async def metadata(self, model: str) -> Document:
        """Return `inputs` and `outputs` of a model, each with `name`, `datatype` and `shape`, batch axis included."""
        ...

    async def statistics(self) -> Document:
        """Return `model_stats`: what every model has done since it was loaded."""
        ...

    async def infer(self, model: str, inputs: Sequence[Input], outputs: Sequence[str]) -> Mapping[str, Array]:
        """Run a model once and return exactly these outputs; raises `UnreadableAnswerError` for one without them."""
        ...

    async def regions(self) -> Mapping[str, str]:
        """Return the key of every region of system shared memory that the server knows, by its name."""
        ...

    async def register(self, region: Region) -> None:
        """Have the server map a region."""
        ...

    async def unregister(self, name: str) -> None:
        """Have the server forget a region; one that it does not know is no error."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
