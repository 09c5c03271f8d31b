from __future__ import annotations

import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchproof.deploy.triton.server import shared_memory


@pytest.fixture
def prefix() -> Iterator[str]:
    """That of a starter which has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    found = f"{shared_memory.OURS}{process.pid}_test_"
    yield found
    shared_memory.remove(found)


def region(prefix: str) -> Path:
    path = Path("/dev/shm", f"{prefix}region")
    path.write_bytes(bytes(4096))
    return path


def test_a_prefix_is_its_servers_own() -> None:
    first, second = shared_memory.new_prefix(), shared_memory.new_prefix()
    assert first != second
    assert first.startswith(f"{shared_memory.OURS}{os.getpid()}_")


def test_regions_are_removed_by_their_prefix(prefix: str) -> None:
    mine, other = region(prefix), region(f"{prefix}other_")
    assert shared_memory.regions(prefix) == [other, mine]
    shared_memory.remove(f"{prefix}other_")
    assert shared_memory.regions(prefix) == [mine]


def test_what_nobody_uses_any_more_goes(prefix: str) -> None:
    path = region(prefix)
    shared_memory.remove_abandoned()
    assert not path.exists()


def test_what_a_server_without_its_starter_still_uses_stays(prefix: str) -> None:
    path = region(prefix)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0):
        shared_memory.remove_abandoned()
        assert path.exists()


def test_what_a_living_starter_has_just_made_stays() -> None:
    path = region(shared_memory.new_prefix())
    shared_memory.remove_abandoned()
    assert path.exists()
    path.unlink()
