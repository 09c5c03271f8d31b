"""What a server has done since it was started, whoever asked, and whether it can be asked now."""

from __future__ import annotations

from dataclasses import dataclass

from batchproof.deploy.triton.client.readiness import why_not_ready
from batchproof.deploy.triton.client.server_url import read_url
from batchproof.deploy.triton.client.statistics import ModelCost, costs
from batchproof.deploy.triton.client.transport import open_transport


@dataclass(frozen=True)
class ServerStats:
    """Each loaded model's counters; `not_ready` says what is missing for faces to be asked for, None when nothing."""

    models: list[ModelCost]
    not_ready: str | None


async def server_stats(url: str, timeout: float) -> ServerStats:
    """Ask a server about itself; raises `UnavailableError` when nobody answers within `timeout` seconds."""
    transport = open_transport(read_url(url), timeout=timeout, connections=1)
    try:
        return ServerStats(costs({}, await transport.statistics()), await why_not_ready(transport))
    finally:
        await transport.close()
