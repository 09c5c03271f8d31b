"""ONNX Runtime's execution providers: which of them really work here.

onnxruntime-gpu lists CUDA and TensorRT wherever it is installed, and opens sessions on the CPU when they do not load.
The only proof is a kernel that ran, and the reason stands only in what native code prints; so a process of its own
runs one: `python -m batchproof.providers CUDAExecutionProvider`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnx

from batchproof.errors import BatchproofError, MissingDependencyError, StepNotRunError
from batchproof.own_process import environment
from batchproof.runtime import OnnxRuntimeRunner, onnxruntime_module

_ON_THE_CPU = {"CPUExecutionProvider", "AzureExecutionProvider"}
# TensorRT builds its first engine in it.
_TIME_LIMIT_SECONDS = 120
_LOG_LINE = re.compile(r"\[[EW]:onnxruntime[^]]*\] (.*)")
_REQUIRED = re.compile(r"\bRequire (.+?)\. ")

_GPU_PACKAGE = "Install batchproof[gpu] in an environment without onnxruntime, which is the same module"
# What the loader looked for in vain, and what brings it; the first that fits.
_REMEDIES = {
    "libcuda.so": "Install the NVIDIA driver, on a machine with a GPU",
    "libnvinfer": "Put the libraries of that TensorRT release where the loader finds them (LD_LIBRARY_PATH)",
    "shared object": "Install CUDA and cuDNN: python -m pip install 'onnxruntime-gpu[cuda,cudnn]'",
}
_OTHERWISE = "Use another provider, or install ONNX Runtime again"

Kernel = tuple[str, str]


@dataclass(frozen=True)
class Obstacle:
    """Why no session runs on a provider, and what to do about it."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}. {self.remedy}"


def listed_providers() -> tuple[str, ...]:
    """Name the providers of the installed ONNX Runtime that are not the CPU's, whether they work or not.

    Raises `MissingDependencyError` when there is none.
    """
    return tuple(name for name in onnxruntime_module().get_available_providers() if name not in _ON_THE_CPU)


@cache
def obstacle(provider: str) -> Obstacle | None:
    """Say why nothing runs on `provider` here; None when a kernel has just run on it. Asks once."""
    try:
        module = onnxruntime_module()
    except MissingDependencyError:
        return Obstacle("ONNX Runtime is not installed", _GPU_PACKAGE)
    if provider not in module.get_available_providers():
        return Obstacle(f"ONNX Runtime {module.__version__} is installed without {provider}", _GPU_PACKAGE)
    said = _complaints(provider)
    if said is None:
        return None
    return Obstacle(f"{provider} is listed and silently not used: {_cause(said)}", _remedy(said))


def kernels(trace: Path) -> dict[str, Kernel]:
    """Read a trace of `OnnxRuntimeRunner`: the provider and the operator of every kernel that ran, by its name."""
    events = json.loads(trace.read_text(encoding="utf-8"))
    ran = (event for event in events if event.get("cat") == "Node" and "provider" in event["args"])
    return {event["name"]: (event["args"]["provider"], event["args"]["op_name"]) for event in ran}


def _complaints(provider: str) -> str | None:
    """Run a kernel in a process of its own; return what was printed unless it ran on `provider`."""
    command = [sys.executable, "-m", "batchproof.providers", provider]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment(),
            timeout=_TIME_LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {_TIME_LIMIT_SECONDS} s"
    if done.returncode == 0:
        return None
    return done.stderr.strip() or f"its process ended with {done.returncode}"


def _cause(said: str) -> str:
    """Take the first thing that ONNX Runtime logged, or else the last that was printed, and what it says to require."""
    logged, required = _LOG_LINE.search(said), _REQUIRED.search(said)
    first = (logged[1] if logged else said.splitlines()[-1]).rpartition("with error: ")[2].strip().rstrip(".")
    return f"{first} (it requires {required[1]})" if required else first


def _remedy(said: str) -> str:
    return next((remedy for sign, remedy in _REMEDIES.items() if sign in said), _OTHERWISE)


def _one_node() -> bytes:
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, 8, 8]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "probe", value[:1], value[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def _check_kernel(provider: str) -> None:
    """Execute one node; raises `StepNotRunError` unless `provider` did it."""
    with tempfile.TemporaryDirectory() as folder:
        runner = OnnxRuntimeRunner(_one_node(), provider=provider, trace_to=Path(folder) / "trace")
        runner.infer(np.zeros((1, 3, 8, 8), np.float32))
        ran_on = {kernel[0] for kernel in kernels(runner.end_trace()).values()}
    if provider not in ran_on:
        raise StepNotRunError(f"its session executes everything on {', '.join(sorted(ran_on))}")


def main() -> None:
    """Execute one node on the named provider, or exit with 1 and what is in the way on stderr."""
    try:
        _check_kernel(sys.argv[1])
    except BatchproofError as error:
        sys.exit(error.line())


if __name__ == "__main__":
    main()
