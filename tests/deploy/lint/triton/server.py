"""A real tritonserver that loads models when it is told to, and whose log says what it thinks of them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchproof.deploy.triton.server.backends import lay_backends
from batchproof.deploy.triton.server.endpoints import free_endpoints
from batchproof.deploy.triton.server.installation import find_installation
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

    installed, endpoints = find_installation(), free_endpoints()
    lay_backends(folder / "backends", installed, stand_ins=False)
    (folder / "backends/onnxruntime").mkdir()
    (folder / "backends/onnxruntime/model.py").write_text(PYTHON_MODEL, encoding="utf-8")
    log = folder / "server.log"
    command = [
        str(installed.program),
        f"--model-repository={repository}",
        f"--backend-directory={folder / 'backends'}",
        "--model-control-mode=explicit",
        *endpoints.options(),
        "--allow-gpu-metrics=false",
    ]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=installed.environment())
    try:
        client = grpc.InferenceServerClient(endpoints.grpc)
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
