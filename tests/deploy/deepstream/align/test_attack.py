"""The host library under the address and undefined-behaviour sanitisers, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.deepstream.align.native import build, compiler

SANITISED = ("-g1", "-O1", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all")


def sanitiser() -> str:
    """Where the compiler keeps the address sanitiser, which must be loaded before Python."""
    name = ["-print-file-name=libasan.so"]
    return subprocess.run([compiler() or "g++", *name], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def library(need_compiler: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("sanitised"), *SANITISED)


def attacked(library: Path, code: list[str]) -> subprocess.CompletedProcess[str]:
    """Run Python with the sanitiser; leaks are those of Python itself, and not looked for."""
    options = {"LD_PRELOAD": sanitiser(), "ASAN_OPTIONS": "detect_leaks=0", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *code, str(library)]
    return subprocess.run(command, env={**os.environ, **options}, capture_output=True, text=True, check=False)


def test_no_face_and_no_frame_makes_it_read_outside(library: Path) -> None:
    done = attacked(library, ["-m", "tests.deploy.deepstream.align.attack"])
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_sanitiser_sees_a_frame_that_is_shorter_than_it_says(library: Path) -> None:
    """Or the test above could not fail."""
    lie = """
import sys
import numpy as np
from pathlib import Path
from tests.deploy.deepstream.align.frames import FrameBuffer
from tests.deploy.deepstream.align.native import Native
frame = FrameBuffer("rgba", 8, 8, np.zeros(8 * 32 - 4, np.uint8), 32)
Native(Path(sys.argv[1])).warp(frame, np.array([[[1.0, 0, 0], [0, 1, 0]]]), 8)
"""
    done = attacked(library, ["-c", lie])
    assert done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr
