"""The build stage: every graph, in both precisions, for every backend."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from batchproof.artifacts import layout
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.errors import StepNotRunError
from batchproof.settings import PRECISIONS, Settings
from batchproof.verdict import Verdict
from batchproof.zoo.pack import Pack, PackModel
from batchproof.zoo.spec import ModelSpec, Precision

STAGE = "build"
Backend = Literal["ort", "rtx", "tensorrt"]

_BACKENDS: tuple[Backend, ...] = ("ort", "rtx", "tensorrt")
_TOOLS: dict[Backend, tuple[str, ...]] = {
    "ort": ("onnx", "onnxruntime", "onnxruntime-gpu"),
    "rtx": ("tensorrt-rtx-cu13-bindings", "polygraphy"),
    "tensorrt": ("tensorrt", "polygraphy"),
}


def plan(pack: Pack, settings: Settings) -> list[Step]:
    """One step for each backend, of each model in each precision."""
    return [
        _step(model, precision, backend, settings)
        for model in pack.models
        for precision in PRECISIONS
        for backend in _BACKENDS
    ]


def _step(model: PackModel, precision: Precision, backend: Backend, settings: Settings) -> Step:
    def action(workspace: Workspace) -> Outcome:
        job = Job(workspace.parents[0], workspace.outputs, backend, precision, model.spec, subject)
        return build_graph(job, settings)

    subject = f"{model.name}.{precision}"
    return Step(
        STAGE,
        f"build.{backend}",
        subject,
        action,
        parents=(layout.repaired(model.name, precision),),
        produces=produced(layout.built(model.name, precision, backend), backend),
        settings={"profile": asdict(settings.profile), "limits": asdict(settings.policy.limits(precision).build)},
        tools=_TOOLS[backend],
    )


def produced(path: str, backend: Backend) -> tuple[str, ...]:
    """Name the files of one build: a session alone, an engine with its description beside it."""
    return (path,) if backend == "ort" else (path, f"{path}.json")


@dataclass(frozen=True)
class Job:
    """One graph to build for one backend, into files that are named as `produced` says."""

    graph: Path
    outputs: Sequence[Path]
    backend: Backend
    precision: Precision
    spec: ModelSpec
    subject: str


def build_graph(job: Job, settings: Settings) -> Outcome:
    """Build one graph.

    Raises `StepNotRunError` when the backend is not available here, `StepFailedError` when it refuses the graph.
    """
    return _session(job, settings) if job.backend == "ort" else _engine(job, job.backend, settings)


def _session(job: Job, settings: Settings) -> Outcome:
    from batchproof.build import onnxruntime_session

    built = onnxruntime_session.build(
        job.graph,
        job.outputs[0],
        profile=settings.profile,
        spec=job.spec,
        subject=job.subject,
        tolerance=settings.policy.limits(job.precision).build.session_max_abs,
    )
    times = ", ".join(f"N={batch} {seconds:.2f} s" for batch, seconds in built.summary.executed.items())
    notes = {**built.notes, "build_seconds": built.summary.seconds, "detail": f"executed {times}"}
    return Outcome(_filed("build.ort", built.verdicts), notes)


def _engine(job: Job, backend: Literal["rtx", "tensorrt"], settings: Settings) -> Outcome:
    from batchproof.build import tensorrt_engine

    output, sidecar = job.outputs
    built = tensorrt_engine.build(
        job.graph,
        output,
        backend=backend,
        precision=job.precision,
        profile=settings.profile,
        spec=job.spec,
        subject=job.subject,
    )
    if built.summary is None:
        raise StepNotRunError(built.verdicts[0].reason)
    sidecar.write_text(json.dumps(built.summary.sidecar, indent=1) + "\n")
    half = f"{built.summary.half_share:.0%} of the network's tensors half"
    notes = {
        "build_seconds": built.summary.seconds,
        "detail": f"{built.summary.version}, {half}; built, not executed",
    }
    return Outcome(_filed(f"build.{backend}", built.verdicts), notes)


def _filed(check: str, verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """Name the backend in the checks: the builders say `build.executes`, whichever they are."""
    return tuple(replace(verdict, check=check + verdict.check.removeprefix("build")) for verdict in verdicts)
