from __future__ import annotations

import sys
import sysconfig
from importlib import metadata
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from batchproof.deploy.triton.server import installation
from batchproof.deploy.triton.server.installation import find_installation
from batchproof.errors import MissingDependencyError

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
PARTS = (
    "pytriton/tritonserver/bin/tritonserver",
    "pytriton/tritonserver/backends/python/libtriton_python.so",
    "pytriton/tritonserver/backends/python/triton_python_backend_utils.py",
    f"pytriton/tritonserver/python_backend_stubs/{PYTHON}/triton_python_backend_stub",
    "nvidia_pytriton.libs/libb64.so",
)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages with the wheel in it, on a Python that suits it, with numpy 1."""
    for part in (*PARTS, "lib/libpython.so"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / part).touch()
    spec = ModuleSpec("pytriton", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path / "pytriton")]
    monkeypatch.setattr(installation, "find_spec", lambda name: spec if name == "pytriton" else None)
    variables = {"LIBDIR": str(tmp_path / "lib"), "INSTSONAME": "libpython.so", "Py_ENABLE_SHARED": 1}
    monkeypatch.setattr(sysconfig, "get_config_var", variables.get)
    monkeypatch.setattr(metadata, "version", lambda name: "1.26.4")
    return tmp_path


def test_the_wheel_is_found_with_what_it_needs(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/somewhere")
    found = find_installation()
    assert found.program == packages / PARTS[0]
    assert found.python_backend == tuple(packages / part for part in PARTS[1:4])
    environment = found.environment()
    assert environment["LD_LIBRARY_PATH"] == f"{packages / 'lib'}:{packages / 'nvidia_pytriton.libs'}"
    assert environment["PATH"] == f"{Path(sys.executable).parent}:/somewhere"


def test_without_the_wheel_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"nvidia-pytriton is not installed.*batchproof\[tritonserver\]"):
        find_installation()


@pytest.mark.parametrize("part", PARTS[:4])
def test_a_damaged_wheel_is_to_be_installed_again(packages: Path, part: str) -> None:
    (packages / part).unlink()
    with pytest.raises(MissingDependencyError, match=r"is missing from nvidia-pytriton\. Install it again"):
        find_installation()


def test_numpy_2_is_refused_because_it_gives_no_data(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "2.4.6")
    with pytest.raises(MissingDependencyError, match=r"numpy 2\.4\.6 is installed, .*answer without data"):
        find_installation()


def test_a_python_without_its_library_is_refused(packages: Path) -> None:
    (packages / "lib" / "libpython.so").unlink()
    with pytest.raises(MissingDependencyError, match="has no shared library, which Triton's Python backend loads"):
        find_installation()
