"""Memory that requests take and give back; the long soak is a benchmark."""

from __future__ import annotations

import numpy as np
import pytest

from batchproof.deploy.triton.server.server import RunningServer
from batchproof.pipeline.pictures import Picture
from tests.deploy.triton.served.asking import ask_together
from tests.deploy.triton.served.processes import resident

pytestmark = pytest.mark.served
MEGABYTE = 1 << 20
ROUNDS, CLIENTS = 12, 16


def test_hundreds_of_requests_take_no_more_memory_than_the_first(
    server: RunningServer, pictures: list[Picture]
) -> None:
    pixels = np.ascontiguousarray(pictures[0].pixels[None])
    held = []
    for _ in range(2 * ROUNDS):
        found = ask_together(server, [{"frame": pixels}] * CLIENTS)
        assert all(isinstance(answer, dict) for answer in found)
        held.append(resident(server))
    # Pools of shared memory grow while the first full batches come, and stay.
    assert max(held[ROUNDS:]) - max(held[:ROUNDS]) < 16 * MEGABYTE, [each // MEGABYTE for each in held]
