"""The process that builds one TensorRT engine: `python -m batchproof.build.tensorrt_worker`.

Reads one JSON request from stdin and writes one JSON reply to stdout: `{"built": ...}`, `{"absent": ...}`,
`{"failed": ...}` or `{"unwritable": ...}`. Whatever native code prints goes to stderr.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from batchproof.build import tensorrt_compat
from batchproof.build.engine import guard_precision
from batchproof.build.tensorrt_compat import Absent, Backend, TensorRT
from batchproof.errors import StepFailedError
from batchproof.zoo.spec import Precision

Reply = dict[str, Any]
# The layer carries the name of its ONNX node, sometimes with a number behind it.
_WITHOUT_RUNNER = re.compile(r"(\S+) has no runners that implement it")


@dataclass(frozen=True)
class Request:
    """What to build: paths, and the input's shape at the profile's minimum, optimum and maximum."""

    backend: Backend
    model: str
    output: str
    precision: Precision
    minimum: Sequence[int]
    optimum: Sequence[int]
    maximum: Sequence[int]


class _Errors(logging.Handler):
    """Collects what Polygraphy and TensorRT report as errors: Polygraphy's exceptions only refer to the log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(" ".join(record.getMessage().removeprefix("[E]").removeprefix("[!]").split()))

    def sentence(self, otherwise: str) -> str:
        """The parser's summary, which names the node, or the builder's, which names the layer; else the first error."""
        of_nodes = [message for message in self.messages if message.startswith("In node")]
        of_layers = [found for found in map(_WITHOUT_RUNNER.search, self.messages) if found]
        if of_layers and not of_nodes:
            return f"layer '{of_layers[0][1]}' has no implementation in this TensorRT"
        return (of_nodes or self.messages or [otherwise])[0]


def answer(request: Request) -> Reply:
    """Build what is asked for and say what happened."""
    tensorrt = tensorrt_compat.load(request.backend)
    if isinstance(tensorrt, Absent):
        return {"absent": asdict(tensorrt)}
    from polygraphy.exception import PolygraphyException

    errors = _collect_errors()
    try:
        return {"built": _build(tensorrt, request)}
    except PolygraphyException as error:
        return {"failed": {"what": errors.sentence(str(error)), "remedy": None}}
    except StepFailedError as error:
        return {"failed": {"what": error.what, "remedy": error.remedy}}
    except OSError as error:
        return {"unwritable": error.strerror}


def _collect_errors() -> _Errors:
    from polygraphy.logger import G_LOGGER

    errors = _Errors()
    G_LOGGER.use_python_logging_system = True
    logging.getLogger("Polygraphy").addHandler(errors)
    return errors


def _build(tensorrt: TensorRT, request: Request) -> Reply:
    from polygraphy.backend.trt import EngineBytesFromNetwork, NetworkFromOnnxPath, Profile

    began = time.perf_counter()
    typed = tensorrt.needs_strongly_typed_flag
    builder, network, parser = NetworkFromOnnxPath(request.model, strongly_typed=typed)()
    tensor_types = _tensor_types(network)
    guard_precision(tensor_types, request.precision)
    profile = Profile().add(_image_input(network, request), request.minimum, request.optimum, request.maximum)
    engine = EngineBytesFromNetwork((builder, network, parser), tensorrt.create_config(profile))()
    seconds = time.perf_counter() - began
    return {
        "version": tensorrt.version,
        "seconds": round(seconds, 3),
        "bytes": Path(request.output).write_bytes(engine),
        "inputs": [_describe(network.get_input(index)) for index in range(network.num_inputs)],
        "outputs": [_describe(network.get_output(index)) for index in range(network.num_outputs)],
        "tensor_types": tensor_types,
        "cuda_driver": tensorrt_compat.has_cuda_driver(),
    }


def _tensor_types(network: Any) -> dict[str, int]:
    """Count what the network's layers produce, by type."""
    layers = (network.get_layer(index) for index in range(network.num_layers))
    return dict(Counter(layer.get_output(index).dtype.name for layer in layers for index in range(layer.num_outputs)))


def _image_input(network: Any, request: Request) -> str:
    """Name the one input, once its declared dims are known to allow the profile: TensorRT's own sentence would not."""
    if network.num_inputs != 1:
        names = ", ".join(network.get_input(index).name for index in range(network.num_inputs))
        raise StepFailedError(f"the network has {network.num_inputs} inputs ({names}), expected one image")
    image = network.get_input(0)
    dims = list(image.shape)
    for shape in (request.minimum, request.optimum, request.maximum):
        if len(dims) != len(shape) or any(dim not in (-1, size) for dim, size in zip(dims, shape, strict=True)):
            raise StepFailedError(
                f"input '{image.name}' is declared {dims} and cannot take {list(shape)}",
                remedy="Run surgery first, which makes the batch dynamic, or choose another profile",
            )
    return str(image.name)


def _describe(tensor: Any) -> Reply:
    return {"name": tensor.name, "dtype": tensor.dtype.name, "dims": list(tensor.shape)}


def _keep_stdout_for_the_reply() -> TextIO:
    """Send everything that this process or a native library prints to stderr, except through the returned stream."""
    reply_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return reply_to


def main() -> None:
    """Answer the request on stdin."""
    with _keep_stdout_for_the_reply() as reply_to:
        json.dump(answer(Request(**json.load(sys.stdin))), reply_to)


if __name__ == "__main__":
    main()
