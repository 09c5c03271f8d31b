"""NVIDIA's public headers, where a test may compile against them.

`BATCHPROOF_DEEPSTREAM_INCLUDES` names the folder `includes` of DeepStream's sources, and behind `:` those of TensorRT's
headers, which only the parser needs; GStreamer's development files and CUDA's headers are needed too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

INCLUDES = "BATCHPROOF_DEEPSTREAM_INCLUDES"


def deepstream_folders() -> list[str]:
    """The folders that somebody has named, DeepStream's first; skips when nobody has."""
    named = os.environ.get(INCLUDES)
    if not named:
        pytest.skip(f"{INCLUDES} is not set: DeepStream's headers are not part of this repository")
    folders = named.split(os.pathsep)
    if not (Path(folders[0]) / "nvdspreprocess_interface.h").is_file():
        pytest.fail(f"{INCLUDES} is {named}, but there is no nvdspreprocess_interface.h in its first folder")
    return folders


def system_headers() -> list[str]:
    """Options that let the SDK, GStreamer and CUDA be included; skips when nobody has named the SDK."""
    gstreamers = (flag.removeprefix("-I") for flag in gstreamer("--cflags-only-I"))
    return [f"-isystem{folder}" for folder in (*deepstream_folders(), *gstreamers, str(cuda_includes()))]


def gstreamer(what: str) -> list[str]:
    """Ask pkg-config for the flags of GStreamer."""
    command = ["pkg-config", what, "gstreamer-1.0"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def cuda_includes() -> Path:
    """Locate CUDA's headers beside its compiler, or where they are usually installed."""
    compiler = shutil.which(os.environ.get("NVCC", "nvcc"))
    beside = Path(compiler).resolve().parents[1] / "include" if compiler else Path("/usr/local/cuda/include")
    return beside if (beside / "cuda_runtime.h").is_file() else Path("/usr/local/cuda/include")
