"""The process that times one TensorRT engine: `python -m batchproof.bench.engine_worker`.

Reads an `Order` from stdin, loads its engine, and answers each further line, a batch with host transfer or without, by
the seconds of one run; one line of JSON each. Whatever native code prints goes to stderr. It ends when stdin does.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from batchproof.bench.engine_order import Order
from batchproof.bench.images import repeated_noise
from batchproof.build.tensorrt import compat
from batchproof.build.tensorrt.build_log import BuildLog, collecting
from batchproof.build.tensorrt.compat import Absent
from batchproof.build.tensorrt.header import require_version
from batchproof.build.tensorrt.worker import keep_stdout_for_the_reply
from batchproof.errors import BatchproofError, StepNotRunError

Answer = dict[str, object]


def answers(order: Order, questions: Iterable[bytes]) -> Iterator[Answer]:
    """Load the engine and say `ready`, then time what is asked; `absent` or `problem` say why not."""
    tensorrt = compat.load(order.backend)
    if isinstance(tensorrt, Absent):
        yield {"absent": tensorrt.error.line()}
        return
    from polygraphy.exception import PolygraphyException

    log = collecting()
    with ExitStack() as stack:
        try:
            engine = _Engine(load(order, tensorrt), order, stack)
        except StepNotRunError as error:
            yield {"absent": error.line()}
            return
        except (BatchproofError, PolygraphyException) as error:
            yield {"problem": log.sentence(str(error))}
            return
        yield {"ready": f"{compat.NAMES[order.backend]} {tensorrt.version} on the GPU"}
        yield from (_timed(engine, question, log) for question in questions)


def _timed(engine: _Engine, question: bytes, log: BuildLog) -> Answer:
    from polygraphy.exception import PolygraphyException

    log.errors.clear()
    try:
        return {"seconds": engine.seconds(**json.loads(question))}
    except PolygraphyException as error:
        return {"problem": log.sentence(str(error))}


def load(order: Order, tensorrt: compat.TensorRT) -> Any:
    """Load the engine from its file.

    Raises `StepNotRunError` when this GPU cannot load it, `InputError` for one of another TensorRT.
    """
    from polygraphy.backend.trt import EngineFromBytes

    path = Path(order.path)
    require_version(path, order.backend, tensorrt.version)
    runtime = tensorrt.runtime()
    if obstacles := tensorrt.obstacles(path.read_bytes(), runtime):
        raise StepNotRunError(f"this GPU cannot load it: {', '.join(obstacles)}")
    return EngineFromBytes(path.read_bytes(), runtime)()


class _Engine:
    """A loaded engine with a context for each profile that was asked for, and the batches that lie on the GPU."""

    def __init__(self, engine: Any, order: Order, stack: ExitStack) -> None:
        self._engine, self._order, self._stack = engine, order, stack
        self._images = repeated_noise(order.spec, order.largest, order.size)
        self._runners: dict[int, Any] = {}
        self._resident: dict[int, Any] = {}

    def seconds(self, batch: int, transfer: bool) -> float:
        """Time one run; TrtRunner waits for the GPU before it returns."""
        runner, images = self._runner(self._order.profile(batch)), self._images[:batch]
        feed = {self._order.image: images if transfer else self._on_gpu(batch)}
        began = time.perf_counter()
        runner.infer(feed, check_inputs=False, copy_outputs_to_host=transfer)
        return time.perf_counter() - began

    def _runner(self, profile: int) -> Any:
        from polygraphy.backend.trt import TrtRunner

        if profile not in self._runners:
            runner = TrtRunner(self._engine, optimization_profile=profile)
            self._runners[profile] = self._stack.enter_context(runner)
        return self._runners[profile]

    def _on_gpu(self, batch: int) -> Any:
        from polygraphy.cuda import DeviceArray

        if batch not in self._resident:
            images = self._images[:batch]
            array = DeviceArray(shape=images.shape, dtype=images.dtype)
            self._resident[batch] = self._stack.enter_context(array)
            array.copy_from(images)
        return self._resident[batch]


def main() -> None:
    """Answer what stdin asks."""
    with keep_stdout_for_the_reply() as reply_to:
        lines = iter(sys.stdin.buffer.readline, b"")
        for answer in answers(Order.read(next(lines)), lines):
            print(json.dumps(answer), file=reply_to, flush=True)


if __name__ == "__main__":
    main()
