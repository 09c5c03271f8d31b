"""What a server and its models hold in memory."""

from __future__ import annotations

import psutil

from batchproof.deploy.triton.server.server import RunningServer


def stubs(server: RunningServer) -> list[psutil.Process]:
    """The processes that the models run in."""
    return [child for child in psutil.Process(server.pid).children(recursive=True) if "stub" in child.name()]


def resident(server: RunningServer) -> int:
    """Bytes of server and models that are in memory, what they share counted once."""
    processes = [psutil.Process(server.pid), *stubs(server)]
    return sum(process.memory_full_info().pss for process in processes)
