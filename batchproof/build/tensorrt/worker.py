"""The process that builds one TensorRT engine: `python -m batchproof.build.tensorrt.worker`.

Reads one JSON request from stdin and writes one JSON reply to stdout. Whatever native code prints goes to stderr. It
ends when stdin does.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from batchproof.build.tensorrt import compat, options, timing_cache
from batchproof.build.tensorrt.build_log import BuildLog, collecting
from batchproof.build.tensorrt.compat import Absent, TensorRT
from batchproof.build.tensorrt.device import run_on_device
from batchproof.build.tensorrt.messages import NetworkTensor, Reply, Request
from batchproof.build.tensorrt.summary import guard_precision
from batchproof.errors import StepFailedError
from batchproof.profile import Shapes


def answer(request: Request) -> Reply:
    """Build what is asked for and say what happened."""
    tensorrt = compat.load(request.backend)
    if isinstance(tensorrt, Absent):
        return {"absent": asdict(tensorrt)}
    from polygraphy.exception import PolygraphyException

    log = collecting()
    try:
        built = _build(tensorrt, request)
        return {"built": {**built, "warnings": log.warnings, "on_gpu": _on_gpu(tensorrt, request, log)}}
    except PolygraphyException as error:
        return {"failed": {"what": log.sentence(str(error)), "remedy": None}}
    except StepFailedError as error:
        return {"failed": {"what": error.what, "remedy": error.remedy}}
    except OSError as error:
        return {"unwritable": error.strerror}


def _on_gpu(tensorrt: TensorRT, request: Request, log: BuildLog) -> Reply:
    return asdict(run_on_device(tensorrt, request, log))


def _build(tensorrt: TensorRT, request: Request) -> Reply:
    from polygraphy.backend.trt import NetworkFromOnnxPath

    began = time.perf_counter()
    options.check_available(tensorrt, request.options)
    parsed = NetworkFromOnnxPath(request.model, strongly_typed=tensorrt.needs_strongly_typed_flag)()
    network = parsed[1]
    types = {tensor.name: tensor.dtype.name for tensor in _produced(network)}
    guard_precision(Counter(types.values()), request.precision)
    engine, tactics = _compiled(tensorrt, request, parsed)
    seconds = time.perf_counter() - began
    return {
        "version": tensorrt.version,
        "seconds": round(seconds, 3),
        "bytes": Path(request.output).write_bytes(engine),
        "peak_memory_bytes": _peak_memory_bytes(),
        "inputs": [asdict(_described(network.get_input(index))) for index in range(network.num_inputs)],
        "outputs": [asdict(_described(network.get_output(index))) for index in range(network.num_outputs)],
        "types": types,
        "tactics": tactics,
    }


def _compiled(tensorrt: TensorRT, request: Request, parsed: tuple[Any, Any, Any]) -> tuple[Any, Reply | None]:
    """Return the engine, and what became of the timing cache where there is one."""
    from polygraphy.backend.trt import EngineBytesFromNetwork, Profile

    builder, network, _ = parsed
    image = _image_input(network, request)
    profiles = [Profile().add(image, *_sizes(shapes)) for shapes in request.profiles]
    configure = partial(options.configure, tensorrt, request.options)
    config = tensorrt.create_config(profiles, configure)(builder, network)
    build = EngineBytesFromNetwork(parsed, config)
    if not request.timing_cache:
        return build(), None
    file = Path(request.timing_cache)
    cache = timing_cache.attach(tensorrt, config, file.read_bytes())
    before = timing_cache.tactics(cache)
    engine = build()
    file.write_bytes(bytes(cache.serialize()))
    return engine, asdict(timing_cache.TacticChanges.between(before, timing_cache.tactics(cache)))


def _produced(network: Any) -> Iterator[Any]:
    """All that the network's layers produce."""
    for layer in map(network.get_layer, range(network.num_layers)):
        yield from map(layer.get_output, range(layer.num_outputs))


def _image_input(network: Any, request: Request) -> str:
    """Name the one input, once its declared dims are known to allow the profiles: TensorRT's own sentence would not."""
    if network.num_inputs != 1:
        names = ", ".join(network.get_input(index).name for index in range(network.num_inputs))
        raise StepFailedError(f"the network has {network.num_inputs} inputs ({names}), expected one image")
    image = _described(network.get_input(0))
    for shape in (shape for shapes in request.profiles for shape in _sizes(shapes)):
        if not image.takes(shape):
            raise StepFailedError(
                f"input '{image.name}' is declared {list(image.dims)} and cannot take {list(shape)}",
                remedy="Run surgery first, which makes the batch dynamic, or choose another profile",
            )
    return image.name


def _sizes(shapes: Shapes) -> tuple[tuple[int, ...], ...]:
    return shapes.minimum, shapes.optimum, shapes.maximum


def _described(tensor: Any) -> NetworkTensor:
    return NetworkTensor(tensor.name, tensor.dtype.name, tuple(tensor.shape))


def _peak_memory_bytes() -> int:
    """The most memory that this process has had. Linux alone tells it from what its parent had: VmHWM, in KiB."""
    status = Path("/proc/self/status")
    if status.exists() and (peak := re.search(r"VmHWM:\s*(\d+)", status.read_text())):
        return int(peak[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def keep_stdout_for_the_reply() -> TextIO:
    """Send everything that this process or a native library prints to stderr, except through the returned stream."""
    reply_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return reply_to


def _end_with_parent(request: Request) -> None:
    """Leave nothing behind when stdin ends: whoever asked is gone, and nobody else will remove an unfinished file."""

    def wait() -> None:
        while os.read(0, 1):  # not through sys.stdin, whose lock Python wants when it ends
            pass
        for unfinished in filter(None, (request.output, request.timing_cache)):
            Path(unfinished).unlink(missing_ok=True)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Answer the request on stdin."""
    with keep_stdout_for_the_reply() as reply_to:
        request = Request.read(sys.stdin.buffer.readline())
        _end_with_parent(request)
        json.dump(answer(request), reply_to)


if __name__ == "__main__":
    main()
