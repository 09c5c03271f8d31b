"""Where the tritonserver of the nvidia-pytriton wheel lies, and what it needs around it."""

from __future__ import annotations

import os
import sys
import sysconfig
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from batchproof.errors import MissingDependencyError

_PACKAGE = "nvidia-pytriton"


@dataclass(frozen=True)
class Installation:
    """The server's folder, the libraries that came with it, and that of Python's own library."""

    folder: Path
    libraries: Path
    python_library: Path

    @property
    def program(self) -> Path:
        """The server itself."""
        return self.folder / "bin" / "tritonserver"

    @property
    def python_backend(self) -> tuple[Path, ...]:
        """The files of the Python backend; the wheel keeps the stub for each Python elsewhere."""
        backend = self.folder / "backends" / "python"
        stub = self.folder / "python_backend_stubs" / f"{sys.version_info[0]}.{sys.version_info[1]}"
        parts = ("libtriton_python.so", "triton_python_backend_utils.py")
        return (*(backend / part for part in parts), stub / "triton_python_backend_stub")

    def environment(self) -> dict[str, str]:
        """Return the environment in which models run by this interpreter, and by its own library.

        A stub takes the first libpython that the loader finds, and the packages of the first `python3` on PATH: two
        Pythons in one process import no extension module.
        """
        paths = f"{self.python_library}{os.pathsep}{self.libraries}"
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "LD_LIBRARY_PATH": paths,
        }


def find_installation() -> Installation:
    """Find the server; raises `MissingDependencyError` when it is not installed, or its models could not run here."""
    spec = find_spec("pytriton")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError.for_extra(_PACKAGE, "tritonserver")
    package = Path(spec.submodule_search_locations[0])
    found = Installation(package / "tritonserver", package.parent / "nvidia_pytriton.libs", _python_library())
    for path in (found.program, found.libraries, *found.python_backend):
        if not path.exists():
            remedy = f"Install it again: python -m pip install --force-reinstall {_PACKAGE}"
            raise MissingDependencyError(f"{path} is missing from {_PACKAGE}", remedy=remedy)
    _require_numpy_1()
    return found


def _python_library() -> Path:
    """The folder of this interpreter's shared library."""
    folder, name = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME")
    if not sysconfig.get_config_var("Py_ENABLE_SHARED") or not Path(folder, name).exists():
        raise MissingDependencyError(
            f"{sys.executable} has no shared library, which Triton's Python backend loads",
            remedy="Use a Python that was built with --enable-shared",
        )
    return Path(folder)


def _require_numpy_1() -> None:
    """With numpy 2 every model gets ready, and answers with the right shapes and no data."""
    found = metadata.version("numpy")
    if int(found.split(".")[0]) >= 2:
        raise MissingDependencyError(
            f"numpy {found} is installed, with which this server's Python models answer without data",
            remedy="Make an environment with numpy 1: python -m pip install 'batchproof[tritonserver]'",
        )
