"""The build stage: every graph, in both precisions, for every backend."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Literal

from batchproof.artifacts.output_file import write_bytes
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.build.profile import Profile
from batchproof.build.tensorrt_compat import Backend
from batchproof.errors import StepNotRunError
from batchproof.settings import Settings
from batchproof.verdict import Verdict
from batchproof.zoo.pack import Pack, PackModel
from batchproof.zoo.spec import ModelSpec, Precision

STAGE = "build"
_TOOLS: dict[Backend, tuple[str, ...]] = {
    "rtx": ("tensorrt-rtx-cu13-bindings", "polygraphy"),
    "tensorrt": ("tensorrt", "polygraphy"),
}


def session_file(model: str, precision: Precision) -> str:
    """Locate a built ONNX Runtime session file in the store."""
    return f"{STAGE}/ort/{model}.{precision}.ort"


def plan(pack: Pack, settings: Settings) -> list[Step]:
    """Three steps for a model in one precision: ONNX Runtime, TensorRT-RTX, TensorRT."""
    graphs = [(model, precision) for model in pack.models for precision in settings.precisions]
    return [
        step
        for model, precision in graphs
        for step in (
            _session(model, precision, settings),
            _engine(model, precision, settings, "rtx"),
            _engine(model, precision, settings, "tensorrt"),
        )
    ]


def _session(model: PackModel, precision: Precision, settings: Settings) -> Step:
    tolerance = settings.policy.limits(precision).build.session_max_abs
    return Step(
        STAGE,
        "build.ort",
        f"{model.name}.{precision}",
        partial(_build_session, model, precision, settings.profile, tolerance),
        parents=(f"surgery/{model.name}.{precision}.onnx",),
        produces=(session_file(model.name, precision),),
        settings={"profile": asdict(settings.profile), "tolerance": tolerance},
        tools=("onnx", "onnxruntime"),
    )


def _engine(model: PackModel, precision: Precision, settings: Settings, backend: Backend) -> Step:
    path = f"{STAGE}/{backend}/{model.name}.{precision}.engine"
    return Step(
        STAGE,
        f"build.{backend}",
        f"{model.name}.{precision}",
        partial(_build_engine, model, precision, settings.profile, backend),
        parents=(f"surgery/{model.name}.{precision}.onnx",),
        produces=(path, f"{path}.json"),
        settings={"profile": asdict(settings.profile)},
        tools=_TOOLS[backend],
    )


def _build_session(
    model: PackModel, precision: Precision, profile: Profile, tolerance: float, workspace: Workspace
) -> Outcome:
    from batchproof.build import onnxruntime_session

    subject = f"{model.name}.{precision}"
    built = onnxruntime_session.build(
        workspace.parents[0],
        workspace.outputs[0],
        profile=profile,
        spec=model.spec,
        subject=subject,
        tolerance=tolerance,
    )
    times = ", ".join(f"N={batch} {seconds:.2f} s" for batch, seconds in built.summary.executed.items())
    notes = {**built.notes, "build_seconds": built.summary.seconds, "detail": f"executed {times}"}
    return Outcome(_filed("build.ort", built.verdicts), notes)


def _build_engine(
    model: PackModel, precision: Precision, profile: Profile, backend: Backend, workspace: Workspace
) -> Outcome:
    from batchproof.build import tensorrt_engine

    subject = f"{model.name}.{precision}"
    engine, sidecar = workspace.outputs
    built = tensorrt_engine.build(
        workspace.parents[0],
        engine,
        backend=backend,
        precision=precision,
        profile=profile,
        spec=model.spec,
        subject=subject,
    )
    if built.summary is None:
        raise StepNotRunError(built.verdicts[0].reason)
    sidecar.write_text(json.dumps(built.summary.sidecar, indent=1) + "\n")
    detail = (
        f"{built.summary.version}, {built.summary.half_share:.0%} of the network's tensors half; built, not executed"
    )
    return Outcome(
        _filed(f"build.{backend}", built.verdicts), {"build_seconds": built.summary.seconds, "detail": detail}
    )


def build_file(
    model: Path,
    folder: Path,
    backend: Literal["ort", "rtx", "tensorrt"],
    precision: Precision,
    spec: ModelSpec,
    settings: Settings,
) -> tuple[list[Path], tuple[Verdict, ...]]:
    """Build one file into `folder`: the session or engine, and an engine's description; no file when it cannot run."""
    from batchproof.build import onnxruntime_session, tensorrt_engine

    if backend == "ort":
        output = folder / f"{model.stem}.ort"
        tolerance = settings.policy.limits(precision).build.session_max_abs
        session = onnxruntime_session.build(
            model, output, profile=settings.profile, spec=spec, subject=model.stem, tolerance=tolerance
        )
        return [output], session.verdicts
    output = folder / f"{model.stem}.engine"
    engine = tensorrt_engine.build(
        model, output, backend=backend, precision=precision, profile=settings.profile, spec=spec, subject=model.stem
    )
    if engine.summary is None:
        return [], engine.verdicts
    sidecar = output.with_name(f"{output.name}.json")
    write_bytes(sidecar, json.dumps(engine.summary.sidecar, indent=1).encode() + b"\n")
    return [output, sidecar], engine.verdicts


def _filed(check: str, verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """Name the backend in the checks: the builders say `build.executes`, whichever they are."""
    return tuple(replace(verdict, check=check + verdict.check.removeprefix("build")) for verdict in verdicts)
