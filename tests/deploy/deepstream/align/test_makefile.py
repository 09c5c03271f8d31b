"""`align.mk` where it depends on settings; what it builds is tested in `test_cuda.py`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.deploy.deepstream.align.native import BUNDLE


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A compiler that makes empty files, and a pkg-config that knows everything."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name, script in (("compiler", 'for made; do :; done\ntouch "$made"'), ("pkg-config", "exit 0")):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


def make(tools: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    build = tools.parent / "build"
    settings = (f"BUILD={build}", f"CXX={tools / 'compiler'}", "NVDS_HEADERS=/nowhere")
    command = ["make", "-C", str(BUNDLE), "-f", "align/align.mk", *settings]
    command += [argument.replace("BUILD/", f"{build}/") for argument in arguments]
    path = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    return subprocess.run(command, env=path, capture_output=True, text=True, check=False)


def test_only_changed_limits_build_anew(tools: Path) -> None:
    def made(*limits: str) -> str:
        done = make(tools, "BUILD/align_preprocess.o", *limits)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "-DBATCHPROOF_NMS_IOU=0.4 -DBATCHPROOF_MAX_FACES=4096" in made()
    assert "preprocess_align.cpp" not in made()
    assert "-DBATCHPROOF_NMS_IOU=0.3" in made("NMS_IOU=0.3")
    assert "-DBATCHPROOF_MAX_FACES=9" in made("NMS_IOU=0.3", "MAX_FACES=9")


def test_what_is_missing_is_told_with_what_to_install(tools: Path) -> None:
    without_cuda = make(tools, "NVCC=/no/nvcc", "BUILD/align_warp.o")
    assert without_cuda.returncode != 0
    assert "no /no/nvcc: install cuda-nvcc, or set CUDA_VER or NVCC" in without_cuda.stderr
    (tools / "pkg-config").write_text("#!/bin/sh\nexit 1\n")
    without_gstreamer = make(tools, "BUILD/align_preprocess.o")
    assert without_gstreamer.returncode != 0
    assert "no GStreamer to compile with: install libgstreamer1.0-dev" in without_gstreamer.stderr
