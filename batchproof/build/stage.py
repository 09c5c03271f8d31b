"""The build stage: models x precisions x targets x profiles, each an engine, a session, or a job for a container."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial

from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.build.build_graph import build_graph
from batchproof.build.cell import Cell
from batchproof.build.container.steps import job_step, script_step
from batchproof.build.job import engine_files
from batchproof.build.provenance import provenance
from batchproof.errors import InputError
from batchproof.profile import EngineProfiles
from batchproof.settings import PRECISIONS, Settings
from batchproof.targets import Target, target
from batchproof.verdict import not_run
from batchproof.zoo.pack import Pack

STAGE = "build"


def plan(pack: Pack, settings: Settings) -> list[Step]:
    """One step for each cell, with a job where the target has a container; and there the script of all jobs."""
    return [step for name in settings.engines.targets for step in _steps_of(target(name), pack, settings)]


def _steps_of(target: Target, pack: Pack, settings: Settings) -> Iterator[Step]:
    for cell in _cells(target, pack, settings):
        if refusal := target.refusal(cell.precision):
            yield _refused(cell, refusal)
        else:
            yield _step(cell, settings)
            if target.container:
                yield job_step(cell, settings)
    if target.container:
        yield script_step(target)


def _cells(target: Target, pack: Pack, settings: Settings) -> Iterator[Cell]:
    """A session has no profiles; what it is executed with is the profile around all of a model's."""
    for model in pack.models:
        engines = settings.profiles.engines(model)
        if target.builder == "ort":
            engines = (EngineProfiles((settings.profiles.overall(model.name),)),)
        for precision in settings.engines.precisions or PRECISIONS:
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
    return build_graph(cell.job(workspace), settings)


def _refused(cell: Cell, refusal: InputError) -> Step:
    """Say why the cell is empty."""
    verdict = not_run(f"build.{cell.target.name}", cell.subject, refusal.line())
    return Step(STAGE, verdict.check, cell.subject, lambda _: Outcome((verdict,)), settings={"reason": verdict.reason})
