"""Starting a tritonserver on a repository, and ending it with everything that belongs to it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from batchproof.deploy.triton.server import shared_memory
from batchproof.deploy.triton.server.backends import lay_backends
from batchproof.deploy.triton.server.endpoints import Endpoints, free_endpoints
from batchproof.deploy.triton.server.installation import find_installation
from batchproof.deploy.triton.server.log import reason
from batchproof.errors import InputError, StepFailedError

_POLL_SECONDS = 0.05
# A server whose model's process is dead waits for it as long as it may.
_EXIT_SECONDS, _STOP_SECONDS = 5, 10.0
_SIGNAL_AT_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG of Linux' prctl


@dataclass(frozen=True)
class ServerOptions:
    """How to start a server.

    `config_name` is the file among each model's `configs` to take instead of `config.pbtxt`; with `stand_ins`, ONNX
    Runtime answers for the backends that are not here. `ready_within` is in seconds, `more` are tritonserver's own.
    """

    config_name: str | None = None
    stand_ins: bool = False
    ready_within: float = 120.0
    more: Sequence[str] = ()


@dataclass(frozen=True)
class RunningServer:
    """A server that is ready: its process, where it listens, and how long it took to get there.

    The names of its regions of shared memory begin with `memory_prefix`.
    """

    pid: int
    endpoints: Endpoints
    ready_seconds: float
    log_file: Path
    memory_prefix: str

    @property
    def log(self) -> str:
        """All that server and models have written until now."""
        return _text(self.log_file)


@contextlib.contextmanager
def running_server(repository: Path, options: ServerOptions | None = None) -> Iterator[RunningServer]:
    """Start a server on the loopback interface, wait until all its models are ready, and stop it in the end.

    Nothing is left of it: neither processes nor files nor shared memory. When this process is killed, the server ends
    too, and a few megabytes of files stay; a model's process can stay, with its memory, when that happens in the first
    seconds. Raises `MissingDependencyError` without nvidia-pytriton, `InputError` when there is no repository, and
    `StepFailedError` with the server's own reason when it does not get ready in time.
    """
    if not repository.is_dir():
        raise InputError("no model repository here", where=repository, remedy="Name the folder with the models")
    options, installation = options or ServerOptions(), find_installation()
    shared_memory.remove_abandoned()
    endpoints, prefix = free_endpoints(), shared_memory.new_prefix()
    with _folder() as folder, _removed_memory(prefix):
        backends, log_file = folder / "backends", folder / "log.txt"
        lay_backends(backends, installation, stand_ins=options.stand_ins)
        command = [str(installation.program), *_options(repository, backends, prefix, endpoints, options)]
        with _process(command, installation.environment(), log_file) as process:
            seconds = _wait(process, endpoints, log_file, options.ready_within)
            yield RunningServer(process.pid, endpoints, seconds, log_file, prefix)


def _options(repository: Path, backends: Path, prefix: str, endpoints: Endpoints, options: ServerOptions) -> list[str]:
    return [
        f"--model-repository={repository.resolve()}",
        f"--backend-directory={backends}",
        f"--backend-config=python,shm-region-prefix-name={prefix}",
        *endpoints.options(),
        f"--exit-timeout-secs={_EXIT_SECONDS}",
        "--allow-gpu-metrics=false",
        # What is written is what is served, and each model's stub is started once instead of twice.
        "--disable-auto-complete-config",
        *([f"--model-config-name={options.config_name}"] if options.config_name else []),
        *options.more,
    ]


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(mkdtemp(prefix="batchproof-triton-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _removed_memory(prefix: str) -> Iterator[None]:
    try:
        yield
    finally:
        shared_memory.remove(prefix)


@contextlib.contextmanager
def _process(command: Sequence[str], environment: dict[str, str], log_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log_file.open("wb") as log:
        # A session of its own: whatever the server has started ends with it, and Ctrl-C is not for it.
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_ending_with(os.getpid()),  # noqa: PLW1509 - two system calls, which take no lock
        )
    try:
        yield process
    finally:
        _stop(process)


def _ending_with(parent: int) -> Callable[[], None]:
    """Have a child end when `parent` does, even by SIGKILL, which lets nobody clean up."""
    prctl = ctypes.CDLL(None).prctl  # found here, not in the child: another thread may hold the loader's lock

    def ask() -> None:
        prctl(_SIGNAL_AT_PARENTS_DEATH, signal.SIGTERM)
        if os.getppid() != parent:  # it has died before this was asked for
            os._exit(1)

    return ask


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and kill what is left of its group."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait(process: subprocess.Popen[bytes], endpoints: Endpoints, log_file: Path, ready_within: float) -> float:
    """Wait until all models are ready, and return the seconds that this took."""
    started = time.monotonic()
    while not endpoints.ready():
        waited = time.monotonic() - started
        if process.poll() is not None:
            raise StepFailedError(f"tritonserver ended with status {process.returncode}: {reason(_text(log_file))}")
        if waited > ready_within:
            raise StepFailedError(f"tritonserver is not ready after {waited:.0f} s: {reason(_text(log_file))}")
        time.sleep(_POLL_SECONDS)
    return time.monotonic() - started


def _text(log_file: Path) -> str:
    return log_file.read_text(encoding="utf-8", errors="replace")
