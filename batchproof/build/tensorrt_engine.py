"""TensorRT and TensorRT-RTX engines: one typed ONNX, one optimisation profile, one process for every build.

A process of its own, because Polygraphy serves only one of both TensorRTs in a process, and because a native library
that crashes must not take the command with it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from batchproof.artifacts import onnx_file
from batchproof.artifacts.output_file import replacing, unwritable
from batchproof.build.engine import FLOAT, HALF, SMALLEST_HALF_SHARE, EngineSummary, EngineTensor
from batchproof.build.tensorrt_compat import NAMES, Absent, Backend, missing
from batchproof.build.tensorrt_worker import Reply, Request
from batchproof.errors import StepFailedError
from batchproof.profile import Profile, Shapes
from batchproof.verdict import Status, Verdict, not_run
from batchproof.zoo.spec import ModelSpec, Precision

WORKER_COMMAND: tuple[str, ...] = (sys.executable, "-m", "batchproof.build.tensorrt_worker")
# The largest of these models takes seconds to minutes; an hour without an answer is a hang.
_TIME_LIMIT_SECONDS = 3600


@dataclass(frozen=True)
class EngineBuild:
    """The verdicts of one build; `summary` is None, and no file was written, when the backend is not available."""

    summary: EngineSummary | None
    verdicts: tuple[Verdict, ...]


def build(
    model: Path,
    output: Path,
    *,
    backend: Backend,
    precision: Precision,
    profile: Profile,
    spec: ModelSpec,
    subject: str,
) -> EngineBuild:
    """Compile `model` to a strongly typed engine for `profile` and write it to `output`.

    Verdicts: `build.compiles` (figure: seconds), `build.precision` (figure: share of half tensors), and
    `build.executes`, always `not_run`: an engine is built here, not executed. A single `build.compiles` of `not_run`
    with what is missing when the backend is not available.

    Raises `InputError` for a file that is no ONNX or a profile that does not fit the model, `StepFailedError` when
    TensorRT refuses the network (naming the node), crashes, or the network's tensors are not of `precision`, and
    `StoreError` when `output` cannot be written. `output` is untouched then.
    """
    shapes = profile.input_shapes(spec)
    onnx_file.read(model)  # refuses damaged files with a better sentence than TensorRT's
    absent = missing(backend)
    if absent is not None:
        return _not_available(absent, subject)
    try:
        with replacing(output) as written:
            sizes = (shapes.minimum, shapes.optimum, shapes.maximum)
            built = _built(_ask_worker(Request(backend, str(model), str(written), precision, *sizes)), output)
            summary = _summary(built, backend, precision, profile, spec)
    except _NotAvailableError as error:
        return _not_available(error.absent, subject)
    except StepFailedError as error:
        raise StepFailedError(f"{NAMES[backend]}: {error.what}", where=model, remedy=error.remedy) from error
    return EngineBuild(summary, _verdicts(summary, profile, shapes, subject))


class _NotAvailableError(Exception):
    """The backend is installed, but does not load."""

    def __init__(self, absent: Absent) -> None:
        self.absent = absent
        super().__init__(absent.reason)


def _built(reply: Reply, output: Path) -> Reply:
    """Return what was built, or raise what the worker met instead."""
    if "absent" in reply:
        raise _NotAvailableError(Absent(**reply["absent"]))
    if "unwritable" in reply:
        raise unwritable(output, reply["unwritable"])
    if "failed" in reply:
        raise StepFailedError(reply["failed"]["what"], remedy=reply["failed"]["remedy"])
    return dict(reply["built"])


def _ask_worker(request: Request) -> Reply:
    """Run one worker process to its end; raises `StepFailedError` when it dies or hangs."""
    # Safe path (Python 3.11): a file of the working directory must not stand in for a module of the worker.
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    try:
        worker = subprocess.run(
            WORKER_COMMAND,
            input=json.dumps(asdict(request)),
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            timeout=_TIME_LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StepFailedError(f"no engine after {_TIME_LIMIT_SECONDS} s") from error
    if worker.returncode != 0:
        raise _died(worker)
    return dict(json.loads(worker.stdout))


def _died(worker: subprocess.CompletedProcess[str]) -> StepFailedError:
    last_words = worker.stderr.strip().splitlines()[-1:] or ["it printed nothing"]
    if worker.returncode > 0:
        return StepFailedError(f"the build process ended with exit code {worker.returncode} ({last_words[0]})")
    name = signal.Signals(-worker.returncode).name
    remedy = "Probably out of memory: try a smaller maximum batch" if name == "SIGKILL" else "Try a smaller profile"
    return StepFailedError(f"the build process crashed with {name} ({last_words[0]})", remedy=remedy)


def _summary(built: Reply, backend: Backend, precision: Precision, profile: Profile, spec: ModelSpec) -> EngineSummary:
    expected = {output.name: profile.output_shapes(spec, output) for output in spec.outputs}
    inputs = [_tensor(tensor, "input", profile.input_shapes(spec)) for tensor in built["inputs"]]
    outputs = [_tensor(tensor, "output", expected.get(tensor["name"])) for tensor in built["outputs"]]
    return EngineSummary(
        backend=backend,
        version=built["version"],
        precision=precision,
        seconds=built["seconds"],
        bytes=built["bytes"],
        tensors=(*inputs, *outputs),
        tensor_types=built["tensor_types"],
        cuda_driver=built["cuda_driver"],
    )


def _tensor(tensor: Reply, mode: Literal["input", "output"], shapes: Shapes | None) -> EngineTensor:
    """Describe one tensor; the builder says nothing about a flattened or fixed batch, so it is refused here."""
    dims = tuple(tensor["dims"])
    for shape in (shapes.minimum, shapes.maximum) if shapes is not None else ():
        if len(dims) != len(shape) or any(dim not in (-1, size) for dim, size in zip(dims, shape, strict=True)):
            raise StepFailedError(
                f"{mode} '{tensor['name']}' is {list(dims)} in the network, expected {list(shape)}",
                remedy="Run surgery first, which repairs the batch axis",
            )
    return EngineTensor(tensor["name"], mode, tensor["dtype"], dims, shapes)


def _verdicts(summary: EngineSummary, profile: Profile, shapes: Shapes, subject: str) -> tuple[Verdict, ...]:
    builder = f"{NAMES[summary.backend]} {summary.version}"
    size = f"{summary.bytes / 1e6:.1f} MB in {summary.seconds:.1f} s"
    height, width = shapes.maximum[2:]
    why = "this stage executes no engines" if summary.cuda_driver else "this machine has no CUDA driver"
    return (
        Verdict(
            "build.compiles",
            subject,
            Status.PASS,
            f"{builder} built {size} for {profile} at {height}x{width}",
            figure=summary.seconds,
            unit="s",
        ),
        _precision(summary, subject),
        not_run("build.executes", subject, f"built, not executed: {why}"),
    )


def _precision(summary: EngineSummary, subject: str) -> Verdict:
    """The guard has let the network pass; this keeps the figure."""
    half, full = summary.tensor_types.get(HALF, 0), summary.tensor_types.get(FLOAT, 0)
    threshold = SMALLEST_HALF_SHARE if summary.precision == "fp16" else 0.0
    reason = f"{half} half and {full} float tensors in the network, as {summary.precision} asks for"
    figure = round(summary.half_share, 4)
    return Verdict("build.precision", subject, Status.PASS, reason, figure, threshold, unit="share of half tensors")


def _not_available(absent: Absent, subject: str) -> EngineBuild:
    return EngineBuild(None, (not_run("build.compiles", subject, f"{absent.reason}. {absent.remedy}"),))
