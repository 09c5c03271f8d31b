"""The processes of a server and its models, and what they hold in memory.

psutil is imported late: it is only where a server can be, and these files are collected everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
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


def require_ended(own: Sequence[Any]) -> None:
    """What has been killed takes a moment to end."""
    until = time.monotonic() + 5
    while _living(own) and time.monotonic() < until:
        time.sleep(0.05)
    assert _living(own) == []


def resident(server: RunningServer) -> int:
    """Bytes of server and models that are in memory, what they share counted once."""
    return sum(process.memory_full_info().pss for process in processes(server))


def _living(own: Sequence[Any]) -> list[Any]:
    """Those that still run; one that has ended stays in the list of processes until somebody asks how."""
    import psutil

    return [process for process in own if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
