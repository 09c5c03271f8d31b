"""The build stage: models x precisions x targets x profiles, each an engine, a session, or a job for a container."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial

from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.build.build_graph import build_graph
from batchproof.build.cell import Cell
from batchproof.build.job import Job, engine_files
from batchproof.build.provenance import provenance
from batchproof.build.script.steps import job_step, script_step
from batchproof.profile import EngineProfiles
from batchproof.settings import Settings
from batchproof.targets import Target, target
from batchproof.zoo.pack import Pack

STAGE = "build"


def plan(pack: Pack, settings: Settings) -> list[Step]:
    """One step for each cell; for targets that have a container a job for each and the script of the jobs."""
    return [step for name in settings.engines.targets for step in _steps_of(target(name), pack, settings)]


def _steps_of(target: Target, pack: Pack, settings: Settings) -> Iterator[Step]:
    cells = list(_cells(target, pack, settings))
    yield from (_step(cell, settings) for cell in cells)
    if target.container:
        yield from (job_step(cell, settings) for cell in cells)
        yield from (script_step(folder, target) for folder in dict.fromkeys(cell.folder for cell in cells))


def _cells(target: Target, pack: Pack, settings: Settings) -> Iterator[Cell]:
    """A session has no profiles; what it is executed with is the profile around all of a model's."""
    for model in pack.models:
        engines = settings.profiles.engines(model)
        if target.builder == "ort":
            engines = (EngineProfiles((settings.profiles.overall(model.name),)),)
        for precision in settings.engines.precisions:
            if precision in target.precisions:
                yield from (Cell(model, precision, target, profiles, len(engines) > 1) for profiles in engines)


def _step(cell: Cell, settings: Settings) -> Step:
    names = engine_files(cell.target, cell.stem, cell.profiles, cell.precision)
    return Step(
        STAGE,
        f"build.{cell.target.name}",
        cell.subject,
        partial(_action, cell, settings),
        parents=(cell.graph,),
        produces=tuple(f"{cell.folder}/{name}" for name in names),
        settings=_decisive(cell, settings),
        tools=("onnx", "onnxruntime", "onnxruntime-gpu"),
    )


def _decisive(cell: Cell, settings: Settings) -> dict[str, object]:
    """What decides the files of a cell or the verdicts on them, beside the graph."""
    facts: dict[str, object] = {
        "target": cell.target.name,
        "profiles": [asdict(profile) for profile in cell.profiles],
        "limits": asdict(settings.policy.limits(cell.precision).build),
    }
    if cell.target.builder != "ort":
        facts |= {
            "options": asdict(settings.engines.options),
            "activation_bytes": settings.policy.build.activation_bytes,
            "provenance": provenance(cell.target.builder).facts,
        }
    return facts


def _action(cell: Cell, settings: Settings, workspace: Workspace) -> Outcome:
    job = Job(
        workspace.parents[0],
        workspace.outputs,
        cell.target,
        cell.precision,
        cell.profiles,
        cell.model.spec,
        cell.subject,
    )
    return build_graph(job, settings)
