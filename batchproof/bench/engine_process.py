"""The process that times one TensorRT engine, seen from outside.

A process of its own for each, because Polygraphy serves only one of both TensorRTs in a process, and because a native
library that crashes must not take the benchmark with it. It takes turns with everything else: it runs when it is asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from functools import partial
from typing import Any

from batchproof.artifacts import onnx_file
from batchproof.bench.candidate import Candidate
from batchproof.bench.engine_order import Order
from batchproof.bench.turns import Repeatable
from batchproof.errors import StepFailedError, StepNotRunError
from batchproof.own_process import environment
from batchproof.profile_text import Size

WORKER_COMMAND: tuple[str, ...] = (sys.executable, "-m", "batchproof.bench.engine_worker")
_SECONDS_TO_END = 10


def order_for(candidate: Candidate, size: Size, largest: int) -> Order:
    """Say which engine is to be timed, on batches of up to `largest` images of `size`."""
    return Order(
        backend="rtx" if candidate.target.builder == "rtx" else "tensorrt",
        path=str(candidate.root / (candidate.built or "")),
        image=onnx_file.read_graph(candidate.root / candidate.graph).graph.input[0].name,
        spec=candidate.spec.input,
        size=size,
        largest=largest,
        batches=tuple((profile.minimum, profile.maximum) for profile in candidate.profiles),
    )


class EngineExecutor:
    """An engine on the GPU; an `executor.Executor`."""

    def __init__(self, order: Order) -> None:
        """Load it; raises `StepNotRunError` where its TensorRT is absent or refuses the GPU, else `StepFailedError`."""
        self._process = subprocess.Popen(
            WORKER_COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
        try:
            self._name = str(self._told(order.line)["ready"])
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """Say what executes."""
        return self._name

    def ready(self, batch: int) -> tuple[Repeatable, Repeatable]:
        """Run a batch once; both ways return the seconds that the process itself has measured."""
        self._seconds(batch, transfer=True)
        return partial(self._seconds, batch, transfer=True), partial(self._seconds, batch, transfer=False)

    def close(self) -> None:
        """End the process: it does so when nobody can ask it any more."""
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=_SECONDS_TO_END)
        if self._process.poll() is None:
            self._process.kill()

    def _seconds(self, batch: int, *, transfer: bool) -> float:
        question = {"batch": batch, "transfer": transfer}
        return float(self._told(json.dumps(question).encode() + b"\n")["seconds"])

    def _told(self, line: bytes) -> dict[str, Any]:
        """Ask one line, and return the answer."""
        written, read = self._process.stdin, self._process.stdout
        if written is None or read is None:
            raise StepFailedError("the process that times the engine has no pipes")
        with suppress(BrokenPipeError):
            written.write(line)
            written.flush()
        answer = read.readline()
        if not answer:
            raise StepFailedError(f"the process that times the engine ended with {self._process.wait()}")
        told: dict[str, Any] = json.loads(answer)
        if "absent" in told:
            raise StepNotRunError(told["absent"])
        if "problem" in told:
            raise StepFailedError(told["problem"])
        return told
