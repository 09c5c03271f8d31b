"""The machine that measured: absolute times mean nothing without it."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib import metadata


def described(tools: Sequence[str]) -> str:
    """Name cores, processor, Python and the versions of `tools`, in one sentence."""
    versions = ", ".join(f"{tool} {metadata.version(tool)}" for tool in tools)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    python = platform.python_version()
    return f"One shared machine, {cores} cores of {platform.machine()}, Python {python}; {versions}."
