"""How much work one image is for a network: multiply-accumulates and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import with_config

from batchproof.bench.figures import WRITTEN, Count


@with_config(WRITTEN)
@dataclass(frozen=True)
class Work:
    """Of one image: multiply-accumulates, and bytes of activations, each tensor written once and read once.

    `weight_bytes` are read once a batch. Nothing is taken to be fused: a backend that fuses moves fewer bytes.
    `not_counted` are the operators that have no rule here, with their numbers: what they compute is not in `macs`.
    `unknown` are tensors whose shape inference does not find; while there are any, the other figures are too small.
    """

    macs: Count
    weight_bytes: Count
    activation_bytes: Count
    not_counted: Mapping[str, int]
    unknown: tuple[str, ...] = ()

    def flops(self, batch: int) -> int:
        """Operations of a batch: two for each multiply-accumulate."""
        return 2 * self.macs * batch

    def bytes(self, batch: int) -> int:
        """Bytes of a batch."""
        return self.weight_bytes + self.activation_bytes * batch
