"""Standard output that cannot be written: one line, as for any other file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_cli import REPOSITORY

FULL = Path("/dev/full")


def batchproof(*arguments: str, into: int, unbuffered: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": unbuffered}
    command = [sys.executable, "-m", "batchproof", *arguments]
    return subprocess.run(
        command, env=environment, stdout=into, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("doctor",), ("doctor", "--json")])
def test_a_full_disk_is_one_line_and_exit_code_2(arguments: tuple[str, ...], unbuffered: str) -> None:
    with FULL.open("wb") as full:
        done = batchproof(*arguments, into=full.fileno(), unbuffered=unbuffered)
    expected = "batchproof: error: standard output: cannot be written (No space left on device). Check the free space."
    assert (done.returncode, done.stderr.splitlines()) == (2, [expected])


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_the_error_that_came_first_is_told_first() -> None:
    with FULL.open("wb") as full:
        done = batchproof("prove", "/nowhere.onnx", "--json", into=full.fileno())
    first, second = done.stderr.splitlines()
    assert done.returncode == 2
    assert "/nowhere.onnx: cannot be read" in first
    assert "standard output: cannot be written" in second


def test_a_reader_that_has_seen_enough_gets_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = batchproof("--version", into=write)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, "")
