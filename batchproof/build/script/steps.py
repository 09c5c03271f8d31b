"""What is built in a target's container: a job for each engine, and the script that does the jobs of its folder."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from functools import partial
from pathlib import PurePosixPath

from batchproof.artifacts import onnx_file
from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.build.cell import Cell
from batchproof.build.job import script_files
from batchproof.build.script.engine_script import ScriptJob, write_job, write_script
from batchproof.settings import Settings
from batchproof.targets import Target
from batchproof.targets.target import SCRIPT_NAME
from batchproof.verdict import Status, Verdict


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
        },
    )


def script_step(folder: str, target: Target) -> Step:
    """Write the script that builds the engines of a folder."""
    return Step(
        "build",
        f"build.{target.name}.script",
        PurePosixPath(folder, SCRIPT_NAME).relative_to("build").as_posix(),
        partial(_write_script, target, f"{folder}/{SCRIPT_NAME}"),
        produces=(f"{folder}/{SCRIPT_NAME}",),
    )


def _write_job(cell: Cell, settings: Settings, workspace: Workspace) -> Outcome:
    graph, job = workspace.outputs
    shutil.copyfile(workspace.parents[0], graph)
    engine = cell.target.engine_name(cell.stem, cell.profiles, cell.precision)
    model = onnx_file.read(graph)
    write_job(
        job,
        cell.target,
        ScriptJob(
            onnx=graph.name,
            sha256=content_sha256(graph),
            input_name=model.graph.input[0].name,
            profiles=cell.profiles,
            spec=cell.model.spec,
            precision=cell.precision,
            options=settings.engines.options,
            engine=engine,
        ),
    )
    return Outcome((Verdict(f"build.{cell.target.name}.job", cell.subject, Status.PASS, f"will give {engine}"),))


def _write_script(target: Target, path: str, workspace: Workspace) -> Outcome:
    write_script(workspace.outputs[0], target)
    reason = f"builds the engines in the container of {target.product}: {target.command}"
    subject = path.removeprefix("build/")
    return Outcome((Verdict(f"build.{target.name}.script", subject, Status.PASS, reason),))
