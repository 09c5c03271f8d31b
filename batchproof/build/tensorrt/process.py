"""The process that builds one engine, seen from outside: started, asked, and gone when we are.

A process of its own, because Polygraphy serves only one of both TensorRTs in a process, and because a native library
that crashes must not take the command with it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from batchproof.build.tensorrt.messages import Reply, Request
from batchproof.errors import StepFailedError
from batchproof.own_process import environment

WORKER_COMMAND: tuple[str, ...] = (sys.executable, "-m", "batchproof.build.tensorrt.worker")
# The largest of these models takes seconds to minutes; an hour without an answer is a hang.
_TIME_LIMIT_SECONDS = 3600


def ask_worker(request: Request) -> Reply:
    """Run one worker process to its end; raises `StepFailedError` when it dies or hangs.

    A worker ends, and removes its unfinished files, as soon as this process is gone, however it went.
    """
    try:
        with _open_line(request.line) as line:
            worker = subprocess.run(
                WORKER_COMMAND,
                stdin=line,
                capture_output=True,
                text=True,
                errors="replace",
                env=environment(),
                timeout=_TIME_LIMIT_SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise StepFailedError(f"no engine after {_TIME_LIMIT_SECONDS} s") from error
    if worker.returncode != 0:
        raise _died(worker)
    return dict(json.loads(worker.stdout))


@contextmanager
def _open_line(line: bytes) -> Iterator[int]:
    """Give a pipe that holds one line and stays open, so that its end tells the worker that nobody waits for it.

    A request is a few kilobytes, which every pipe takes without a reader.
    """
    read_end, write_end = os.pipe()
    try:
        os.write(write_end, line)
        yield read_end
    finally:
        os.close(read_end)
        os.close(write_end)


def _died(worker: subprocess.CompletedProcess[str]) -> StepFailedError:
    last_words = worker.stderr.strip().splitlines()[-1:] or ["it printed nothing"]
    if worker.returncode > 0:
        return StepFailedError(f"the build process ended with exit code {worker.returncode} ({last_words[0]})")
    name = signal.Signals(-worker.returncode).name
    remedy = "Probably out of memory: try a smaller maximum batch" if name == "SIGKILL" else "Try a smaller profile"
    return StepFailedError(f"the build process crashed with {name} ({last_words[0]})", remedy=remedy)
