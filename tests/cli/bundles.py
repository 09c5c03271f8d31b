"""The verbs that write a bundle, as processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def deploy(product: str, target: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "batchproof", "deploy", product, "--target", target, *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def assert_one_line(done: subprocess.CompletedProcess[str], sentence: str, code: int = 2) -> None:
    assert (done.returncode, done.stdout) == (code, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("batchproof: error: ")
    assert sentence in line
