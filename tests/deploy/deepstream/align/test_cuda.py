"""The CUDA source, compiled for every GPU that the bundle promises. It is run by `make check-align`, where a GPU is."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.deepstream.align.native import BUNDLE
from tests.deploy.deepstream.sdk import cuda_includes, deepstream_folders

PROMISED = (75, 80, 86, 87, 89, 90, 100, 103, 120)


def nvcc() -> str:
    """Find CUDA's compiler: the one that `NVCC` names, or nvcc."""
    found = shutil.which(os.environ.get("NVCC", "nvcc"))
    if found is None:
        pytest.skip("nvcc is not installed: the CUDA source is compiled where it is")
    return found


def known_to(compiler: str) -> set[int]:
    listed = subprocess.run([compiler, "--list-gpu-arch"], capture_output=True, text=True, check=True).stdout
    return {int(line.removeprefix("compute_")) for line in listed.split()}


def machine_code(architectures: list[int]) -> list[str]:
    """Options for all of them; those of one generation share what comes before the assembler, which takes long."""
    generations = {arch // 10: [each for each in architectures if each // 10 == arch // 10] for arch in architectures}
    return [
        f"-gencode=arch=compute_{same[0]},code=[{','.join(f'sm_{arch}' for arch in same)}]"
        for same in generations.values()
    ]


def test_the_kernel_compiles_without_a_warning_for_every_gpu(tmp_path: Path) -> None:
    compiler = nvcc()
    known = sorted(known_to(compiler) & set(PROMISED))
    assert {75, 90} <= set(known)
    strict = ["-Werror", "all-warnings", "-Xcompiler", "-Wall,-Wextra,-Werror"]
    command = [compiler, "-std=c++17", "-fmad=false", *strict, *machine_code(known), "-c"]
    sources = [str(BUNDLE / "align" / "warp.cu"), "-o", str(tmp_path / "warp.o")]
    done = subprocess.run([*command, *sources], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that compares kernel and processor, after a run that has built everything for it."""
    folder = tmp_path_factory.mktemp("check")
    make = ["make", "-C", str(BUNDLE), "-f", "align/align.mk", f"BUILD={folder}", f"NVCC={nvcc()}", "GPU_ARCHS=75"]
    done = subprocess.run([*make, f"{folder}/align_check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [*make, "check"]


def test_the_check_says_when_there_is_no_gpu(check: list[str]) -> None:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(check, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "check-align: not_run: there is no GPU here" in done.stdout


def test_the_check_says_when_there_is_no_compiler() -> None:
    make = ["make", "-C", str(BUNDLE), "-f", "align/align.mk", "NVCC=/no/such/nvcc", "check"]
    done = subprocess.run(make, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "check-align: not_run: there is no /no/such/nvcc" in done.stdout


def test_the_kernel_equals_the_processor_bit_for_bit(check: list[str]) -> None:
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    if "not_run: there is no GPU here" in done.stdout:
        pytest.skip("not_run: there is no GPU here")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "check-align: 0 of " in done.stdout


def test_the_whole_library_links_and_exports_what_the_element_looks_up(check: list[str]) -> None:
    """Loaded as the element loads it, with everything resolved; nothing of DeepStream is linked."""
    headers = deepstream_folders()[0]
    build = next(setting.removeprefix("BUILD=") for setting in check if setting.startswith("BUILD="))
    make = [*check[:-1], f"NVDS_HEADERS={headers}", f"CUDA_HOME={cuda_includes().parent}", "align"]
    done = subprocess.run(make, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    library = Path(build, "libbatchproof_align.so")
    listed = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    exported = {line.split()[-1] for line in listed.splitlines() if line.split()[1] == "T"}
    assert exported == {"initLib", "deInitLib", "CustomTensorPreparation", "CustomTransformation"}
    ctypes.CDLL(str(library), mode=os.RTLD_NOW)
