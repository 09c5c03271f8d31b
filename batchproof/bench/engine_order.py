"""What the process that times an engine is told first: which engine, and what to feed it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from batchproof.build.tensorrt.compat import Backend
from batchproof.profile_text import Size
from batchproof.zoo.spec import InputSpec


@dataclass(frozen=True)
class Order:
    """The engine at `path`, the name of its image input, and noise for it: up to `largest` images of `size`.

    `batches` are the smallest and the largest batch of each of its profiles.
    """

    backend: Backend
    path: str
    image: str
    spec: InputSpec
    size: Size
    largest: int
    batches: tuple[tuple[int, int], ...]

    def profile(self, batch: int) -> int:
        """Return the number of the first profile that takes `batch`; there is one."""
        return next(number for number, (low, high) in enumerate(self.batches) if low <= batch <= high)

    @property
    def line(self) -> bytes:
        """The order as one line of JSON."""
        return _ADAPTER.dump_json(self) + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Order:
        """Read what `line` gave."""
        return _ADAPTER.validate_json(line)


_ADAPTER = TypeAdapter(Order)
