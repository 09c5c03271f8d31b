from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from batchproof.build.provenance import Gpu, Provenance, gpu, provenance

REPOSITORY = Path(__file__).parents[2]
# The functions of the driver that are asked, as its C headers declare them, for a machine with one GPU.
DRIVER = """
#include <string.h>
int cuInit(unsigned flags) { return NO_DEVICE; }
int cuDeviceGet(int *device, int ordinal) { *device = 7; return ordinal; }
int cuDeviceGetName(char *name, int length, int device) {
    strncpy(name, "NVIDIA H200", length); return device != 7;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? 9 : attribute == 76 ? 0 : -1; return device != 7;
}
int cuDriverGetVersion(int *version) { *version = 12060; return 0; }
"""
MANAGEMENT = """
#include <string.h>
static int ready;
int nvmlInit_v2(void) { ready = 1; return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *version, unsigned length) {
    if (!ready) return 1;
    strncpy(version, "580.65.06", length); return 0;
}
"""
ASK = """
import json
from dataclasses import asdict
from batchproof.build.provenance import gpu
found = gpu()
print(json.dumps(found and asdict(found)))
"""


def library(folder: Path, name: str, code: str, no_device: int = 0) -> None:
    (folder / "code.c").write_text(code)
    compiler = shutil.which("cc") or pytest.skip("no C compiler for a driver that a machine without a GPU can load")
    command = [compiler, "-shared", "-fPIC", f"-DNO_DEVICE={no_device}", "-o", str(folder / name)]
    subprocess.run([*command, str(folder / "code.c")], check=True)


def asked(folder: Path) -> object:
    environment = {**os.environ, "LD_LIBRARY_PATH": str(folder)}
    command = [sys.executable, "-c", ASK]
    answer = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def test_the_gpu_is_what_cuda_says_and_the_driver_what_nvml_says(tmp_path: Path) -> None:
    library(tmp_path, "libcuda.so.1", DRIVER)
    library(tmp_path, "libnvidia-ml.so.1", MANAGEMENT)
    assert asked(tmp_path) == {"name": "NVIDIA H200", "capability": "9.0", "driver": "580.65.06"}


def test_without_nvml_the_driver_is_named_by_its_cuda(tmp_path: Path) -> None:
    library(tmp_path, "libcuda.so.1", DRIVER)
    assert asked(tmp_path) == {"name": "NVIDIA H200", "capability": "9.0", "driver": "for CUDA 12.6"}


def test_a_driver_without_a_device_is_no_gpu(tmp_path: Path) -> None:
    library(tmp_path, "libcuda.so.1", DRIVER, no_device=100)
    assert asked(tmp_path) is None


@pytest.mark.skipif(Path("/proc/driver/nvidia").exists(), reason="this machine has a driver")
def test_a_machine_without_a_driver_has_no_gpu() -> None:
    assert gpu() is None


def test_the_packages_of_rtx_are_named_with_their_exact_versions() -> None:
    packages = provenance("rtx").facts["packages"]
    names = ("tensorrt-rtx-cu13-bindings", "onnxruntime-ep-nv-tensorrt-rtx-cu13", "polygraphy")
    assert {name: packages[name] for name in names} == {name: metadata.version(name) for name in names}


def test_the_release_of_rtx_is_that_of_its_own_packages_and_not_of_the_plugin() -> None:
    assert provenance("rtx").release == metadata.version("tensorrt-rtx-cu13-bindings")
    plugin = ("onnxruntime-ep-nv-tensorrt-rtx-cu13", "0.5.0")
    assert Provenance("rtx", (plugin, ("polygraphy", "0.53")), "Linux x86_64", None).release is None


def test_the_packages_of_tensorrt_are_not_those_of_rtx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tensorrt", "tensorrt_cu13", "tensorrt_cu13_libs", "tensorrt_cu13_bindings", "tensorrt_lean"):
        folder = tmp_path / f"{name}-11.1.0.106.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 11.1.0.106\n")
    monkeypatch.syspath_prepend(tmp_path)
    provenance.cache_clear()
    try:
        packages = dict(provenance("tensorrt").packages)
    finally:
        provenance.cache_clear()
    assert packages.pop("polygraphy") == metadata.version("polygraphy")
    assert sorted(packages) == ["tensorrt", "tensorrt-cu13", "tensorrt-cu13-bindings", "tensorrt-cu13-libs"]


def test_the_facts_are_json() -> None:
    made = Provenance("rtx", (("polygraphy", "0.53"),), "Linux x86_64", Gpu("NVIDIA L4", "8.9", "580.65.06"))
    assert json.loads(json.dumps(made.facts)) == {
        "builder": "rtx",
        "packages": {"polygraphy": "0.53"},
        "platform": "Linux x86_64",
        "gpu": {"name": "NVIDIA L4", "capability": "8.9", "driver": "580.65.06"},
    }
