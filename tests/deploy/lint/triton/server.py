"""A real tritonserver that loads models when it is told to, and whose log says what it thinks of them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy.lint.triton.repositories import PYTHON_MODEL

_START, _STOP = 60, 20  # seconds
_LOAD = 20.0


@dataclass
class Server:
    """A running server; `read` is how much of its log was looked at."""

    client: Any
    log: Path
    read: int = 0

    def load(self, model: str) -> str | None:
        """Load a model, with all that it needs; return why that failed, or None."""
        from tritonclient.utils import InferenceServerException

        self.read = self.log.stat().st_size
        try:
            self.client.load_model(model, client_timeout=_LOAD)
        except InferenceServerException as error:
            return str(error)
        return None

    def unload(self, model: str) -> None:
        """Unload a model, with all that it needs, and wait for its end."""
        self.client.unload_model(model, unload_dependents=True, client_timeout=_LOAD)
        until = time.monotonic() + _LOAD
        while any(one.state in ("READY", "UNLOADING") for one in self.client.get_model_repository_index().models):
            assert time.monotonic() < until, f"{model} is still there"
            time.sleep(0.05)

    def said(self) -> str:
        """Return what was logged since the last load began."""
        return self.log.read_bytes()[self.read :].decode(errors="replace")


@contextmanager
def serving(repository: Path, folder: Path) -> Iterator[Server]:
    """Start a server on a repository, with Python's backend, and one in Python that stands in for ONNX Runtime's."""
    import tritonclient.grpc as grpc

    packages = Path(sysconfig.get_paths()["purelib"])
    installed = packages / "pytriton/tritonserver"
    backends = _backends(folder / "backends", installed)
    http, port, metrics = _free_ports()
    log = folder / "server.log"
    command = [
        str(installed / "bin/tritonserver"),
        f"--model-repository={repository}",
        f"--backend-directory={backends}",
        "--model-control-mode=explicit",
        *(f"--{kind}-address=127.0.0.1" for kind in ("http", "grpc", "metrics")),
        *(f"--{kind}-port={number}" for kind, number in (("http", http), ("grpc", port), ("metrics", metrics))),
        "--allow-gpu-metrics=false",
    ]
    libraries = f"{sysconfig.get_config_var('LIBDIR')}:{packages / 'nvidia_pytriton.libs'}"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=stream, env={**os.environ, "PATH": path, "LD_LIBRARY_PATH": libraries}
        )
    try:
        client = grpc.InferenceServerClient(f"127.0.0.1:{port}")
        _wait(client, process, log)
        yield Server(client, log)
    finally:
        process.terminate()
        try:
            process.wait(_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP)


def _wait(client: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    from tritonclient.utils import InferenceServerException

    until = time.monotonic() + _START
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
        with suppress(InferenceServerException):
            if client.is_server_live(client_timeout=1.0):
                return
    raise AssertionError(f"the server does not live:\n{log.read_text(errors='replace')[-2000:]}")


def _backends(folder: Path, installed: Path) -> Path:
    """Put the stub beside its library, which the wheel does not, and a backend in Python in the place of another."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "python"
    shutil.copytree(installed / "backends/python", python)
    shutil.copy(installed / "python_backend_stubs" / version / "triton_python_backend_stub", python)
    (folder / "onnxruntime").mkdir()
    (folder / "onnxruntime/model.py").write_text(PYTHON_MODEL, encoding="utf-8")
    return folder


def _free_ports() -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
