import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from batchproof.build.limited_runner import Limits
from batchproof.build.tensorrt import process as tensorrt_process
from batchproof.build.tensorrt.messages import Request
from batchproof.build.tensorrt.process import ask_worker
from batchproof.engine_options import EngineOptions
from batchproof.errors import StepFailedError
from batchproof.profile import Shapes
from tests.build.tiny_graphs import SPEC

SHAPES = Shapes((1, 3, 64, 96), (4, 3, 64, 96), (8, 3, 64, 96))
OPTIONS = EngineOptions(compute_capabilities=("8.6",))
# Builds for a minute: half of the engine is written, and that of its timing cache.
SLOW = """
import sys, time
from pathlib import Path
from batchproof.build.tensorrt import worker as tensorrt_worker
def build(tensorrt, request):
    Path(request.output).write_bytes(b"half")
    Path(request.timing_cache).write_bytes(b"half")
    print(tensorrt.version, file=sys.stderr)
    Path(request.output + ".ready").touch()
    time.sleep(60)
tensorrt_worker._build = build
tensorrt_worker.main()
"""


def request_for(output: Path) -> Request:
    timing = f"{output}.timing"
    return Request("rtx", "model.onnx", str(output), "fp32", (SHAPES,), OPTIONS, SPEC.input, Limits(), timing)


def run_instead(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(tensorrt_process, "WORKER_COMMAND", (sys.executable, "-c", code))


def refusal() -> str:
    with pytest.raises(StepFailedError) as caught:
        ask_worker(request_for(Path("tiny.engine")))
    return caught.value.line()


def wait_for(what: str, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_a_request_is_one_line_and_reads_back_the_same() -> None:
    request = request_for(Path("a \udcff\nname.engine"))
    assert request.line.count(b"\n") == 1
    assert Request.read(request.line) == request


def test_a_request_of_many_profiles_fits_into_a_pipe() -> None:
    many = Request("rtx", "x" * 4096, "y" * 4096, "fp32", (SHAPES,) * 64, OPTIONS, SPEC.input, Limits())
    assert len(many.line) < 65536


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_killed_parent_leaves_no_worker_and_no_unfinished_file(tmp_path: Path) -> None:
    output = tmp_path / "tiny.engine"
    ask = (
        "import sys; from batchproof.build.tensorrt import process as p;"
        "from batchproof.build.tensorrt.messages import Request;"
        f"p.WORKER_COMMAND = (sys.executable, '-c', {SLOW!r}); p.ask_worker(Request.read({request_for(output).line!r}))"
    )
    parent = subprocess.Popen([sys.executable, "-c", ask], cwd=Path(__file__).parents[3])
    wait_for("the worker has started", (tmp_path / "tiny.engine.ready").exists)
    worker = children(parent.pid)[0]
    assert output.exists()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for("the worker is gone", lambda: not is_alive(worker))
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.engine.ready"]


def children(process: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_worker_ends_well_though_its_parent_still_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "from batchproof.build.tensorrt.worker import main; main()")
    assert "model.onnx" in ask_worker(request_for(Path("tiny.engine")))["failed"]["what"]


def test_a_crash_of_the_native_library_is_a_failed_step(monkeypatch: pytest.MonkeyPatch) -> None:
    last_words = "import sys; print('about to fail', file=sys.stderr, flush=True)"
    run_instead(monkeypatch, f"{last_words}; import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    sentence = refusal()
    assert "the build process crashed with SIGSEGV (about to fail)" in sentence


def test_a_killed_worker_suggests_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    sentence = refusal()
    assert "SIGKILL" in sentence
    assert "out of memory" in sentence


def test_a_worker_that_raises_is_a_failed_step(monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "raise KeyError('surprise')")
    sentence = refusal()
    assert "ended with exit code 1 (KeyError: 'surprise')" in sentence


def test_a_worker_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(tensorrt_process, "_TIME_LIMIT_SECONDS", 1)
    assert "no engine after 1 s" in refusal()
