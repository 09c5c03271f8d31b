"""With a program that behaves as tritonserver does, well or badly; the real one is in tests/deploy/triton/served."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from batchproof.deploy.triton.server import server, shared_memory
from batchproof.deploy.triton.server.installation import Installation
from batchproof.deploy.triton.server.server import ServerOptions, running_server
from batchproof.errors import InputError, StepFailedError

# Writes its options and its child into the log, and a region into shared memory, as the Python backend does.
PROGRAM = """#!{python}
import http.server, pathlib, signal, subprocess, sys, time
options = dict(part[2:].split("=", 1) for part in sys.argv[1:] if "=" in part)
prefix = options["backend-config"].rpartition("=")[2]
pathlib.Path("/dev/shm", prefix + "region").write_bytes(b"x")
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, *sys.argv[1:], flush=True)
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status})
        self.end_headers()
    def log_message(self, *_): pass
{behaviour}
http.server.HTTPServer((options["http-address"], int(options["http-port"])), Ready).serve_forever()
"""
STARTER = """
import sys, time
from pathlib import Path
from batchproof.deploy.triton.server import server
from batchproof.deploy.triton.server.installation import Installation
folder = Path(sys.argv[1])
server.find_installation = lambda: Installation(folder / "wheel", folder / "libs", folder / "lib")
with server.running_server(Path(sys.argv[2])) as running:
    print(running.pid, flush=True)
    time.sleep(600)
"""
BAD_MODEL = 'print("E1128 04:00:00.0 1 model.cc:1] \\"failed to load \'net\' version 1: no such file\\"", flush=True)'


def program(folder: Path, behaviour: str = "", status: int = 200) -> Installation:
    found = Installation(folder / "wheel", folder / "libs", folder / "lib")
    for file in (found.program, *found.python_backend):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    found.program.write_text(PROGRAM.format(python=sys.executable, behaviour=behaviour, status=status))
    found.program.chmod(0o755)
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "model repository"
    folder.mkdir()
    return folder


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path("/proc", str(pid), "status").read_text()
    except OSError:
        return False


def child_of(log: str) -> int:
    return int(log.split()[1])


def mine() -> list[Path]:
    return shared_memory.regions(f"{shared_memory.OURS}{os.getpid()}_")


def require_gone(pid: int) -> None:
    until = time.monotonic() + 10
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(pid)


def test_it_is_ready_inside_and_gone_outside(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "find_installation", lambda: program(tmp_path))
    options = ServerOptions(config_name="rehearsal", more=("--log-verbose=1",))
    with running_server(repository, options) as running:
        assert running.endpoints.ready()
        assert running.ready_seconds > 0
        assert len(mine()) == 1
        assert mine()[0].name.startswith(running.memory_prefix)
        assert f"--model-repository={repository}" in running.log
        assert "--model-config-name=rehearsal --log-verbose=1" in running.log
        pids = (running.pid, child_of(running.log))
        assert all(alive(pid) for pid in pids)
    for pid in pids:
        require_gone(pid)
    assert mine() == []
    assert not running.log_file.parent.exists()


def test_an_error_inside_ends_it_too(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "find_installation", lambda: program(tmp_path))
    with pytest.raises(KeyError), running_server(repository) as running:
        raise KeyError
    require_gone(running.pid)
    assert mine() == []


def test_one_that_ends_says_why(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "find_installation", lambda: program(tmp_path, f"{BAD_MODEL}; sys.exit(1)"))
    with pytest.raises(StepFailedError) as caught, running_server(repository):
        pass
    assert caught.value.line() == "tritonserver ended with status 1: failed to load 'net' version 1: no such file."
    assert mine() == []


@pytest.mark.parametrize(("behaviour", "status"), [("time.sleep(600)", 200), ("", 400)])
def test_one_that_never_gets_ready_is_ended(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, status: int
) -> None:
    monkeypatch.setattr(server, "find_installation", lambda: program(tmp_path, behaviour, status))
    impatient = ServerOptions(ready_within=0.8)
    with pytest.raises(StepFailedError, match="not ready after 1 s: child"), running_server(repository, impatient):
        pass
    assert mine() == []


def test_one_that_does_not_listen_to_reason_is_killed(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = program(tmp_path, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    monkeypatch.setattr(server, "find_installation", lambda: deaf)
    monkeypatch.setattr(server, "_STOP_SECONDS", 0.2)
    with running_server(repository) as running:
        pids = (running.pid, child_of(running.log))
    for pid in pids:
        require_gone(pid)


@pytest.mark.parametrize("deadly", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_who_has_started_it(repository: Path, tmp_path: Path, deadly: signal.Signals) -> None:
    program(tmp_path)
    starter = [sys.executable, "-c", STARTER, str(tmp_path), str(repository)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(starter, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert alive(pid)
        process.send_signal(deadly)
    try:
        require_gone(pid)
    finally:
        os.killpg(pid, signal.SIGKILL)  # the child; the real server ends its models itself
    shared_memory.remove_abandoned()
    assert shared_memory.regions(f"{shared_memory.OURS}{process.pid}_") == []


def test_no_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no model repository here"), running_server(tmp_path / "nowhere"):
        pass
