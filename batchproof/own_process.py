"""Processes of our own modules: `python -m batchproof...`, for native code that may crash or print."""

from __future__ import annotations

import os


def environment() -> dict[str, str]:
    """Return this process's environment with a safe path: no file of the working directory stands in for a module.

    Python obeys it from 3.11 on.
    """
    return {**os.environ, "PYTHONSAFEPATH": "1"}
