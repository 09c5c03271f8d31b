"""What is built in a target's container: a step for the job of each engine, and one for the script of the target."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import PurePosixPath

from batchproof.artifacts import layout
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.build.cell import Cell
from batchproof.build.container.emitted import emit_job, emit_script
from batchproof.build.job import script_files
from batchproof.settings import Settings
from batchproof.targets import Target
from batchproof.targets.target import SCRIPT_NAME


def job_step(cell: Cell, settings: Settings) -> Step:
    """Write the job of one engine, and a copy of its graph beside it: the folder is all that the container needs."""
    return Step(
        "build",
        f"build.{cell.target.name}.job",
        cell.subject,
        partial(_write_job, cell, settings),
        parents=(cell.graph,),
        produces=tuple(f"{cell.folder}/{name}" for name in script_files(cell.stem)),
        settings={
            "profiles": [asdict(profile) for profile in cell.profiles],
            "options": asdict(settings.engines.options),
            "activation_bytes": settings.policy.build.activation_bytes,
        },
        tools=("onnx",),
    )


def script_step(target: Target) -> Step:
    """Write the script that builds all engines of a target."""
    path = PurePosixPath(layout.built(target.name), SCRIPT_NAME)
    subject = path.relative_to("build").as_posix()
    return Step(
        "build",
        f"build.{target.name}.script",
        subject,
        partial(_write_script, target, subject),
        produces=(path.as_posix(),),
    )


def _write_job(cell: Cell, settings: Settings, workspace: Workspace) -> Outcome:
    place = PurePosixPath(cell.folder).relative_to(layout.built(cell.target.name))
    return Outcome((emit_job(cell.job(workspace), settings, place),))


def _write_script(target: Target, subject: str, workspace: Workspace) -> Outcome:
    return Outcome((emit_script(workspace.outputs[0], target, subject),))
