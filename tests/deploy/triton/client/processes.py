"""The client as a process of its own, which can be stopped, and what it writes. Needs no more than the client does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def names(path: Path) -> list[str]:
    return [Path(line["picture"]).name for line in lines(path.read_text())]


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    # Whoever runs the tests in the background of a shell has Ctrl-C ignored, by every process that they start.
    command = ["env", "--default-signal=INT", *_command(arguments)]
    return subprocess.Popen(command, env=_ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(arguments), env=_ENVIRONMENT, text=True, capture_output=True, timeout=300, check=False
    )


def _command(arguments: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-m", "batchproof", "deploy", "client", *map(str, arguments)]


def has_lines(path: Path, count: int) -> None:
    """Wait until a file has so many lines."""
    end = time.monotonic() + 30
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert time.monotonic() < end, "the client writes nothing"
        time.sleep(0.02)
