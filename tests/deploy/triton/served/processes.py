"""The processes of a server and its models, and what they hold in memory.

psutil is imported late: it is only where a server can be, and these files are collected everywhere.
"""

from __future__ import annotations

from typing import Any

from batchproof.deploy.triton.server.server import RunningServer


def stubs(server: RunningServer) -> list[Any]:
    """The processes that the models run in."""
    import psutil

    return [child for child in psutil.Process(server.pid).children(recursive=True) if "stub" in child.name()]


def processes(server: RunningServer) -> list[Any]:
    """The server's own process, and those of its models."""
    import psutil

    return [psutil.Process(server.pid), *stubs(server)]


def resident(server: RunningServer) -> int:
    """Bytes of server and models that are in memory, what they share counted once."""
    return sum(process.memory_full_info().pss for process in processes(server))
