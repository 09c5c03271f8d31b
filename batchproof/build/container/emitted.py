"""What a container gets of one engine: its graph, its job and its description; and the script that does the jobs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path, PurePosixPath

from batchproof.artifacts import onnx_file, output_file
from batchproof.build.container.description import description
from batchproof.build.container.engine_job import EngineJob, write_job
from batchproof.build.container.engine_script import write_script
from batchproof.build.job import Job, script_files
from batchproof.build.profile_check import check_profiles
from batchproof.settings import Settings
from batchproof.targets import Target
from batchproof.targets.target import SCRIPT_NAME
from batchproof.verdict import Status, Verdict


def emit_folder(job: Job, folder: Path, settings: Settings) -> tuple[Verdict, ...]:
    """Write into `folder` all that the container needs to build the one engine of `job`, whose `outputs` are not used.

    The graph keeps its name. Raises like `emit_job`, and `InputError` when the target has no container.
    """
    files = [folder / name for name in script_files(job.graph.stem)]
    written = emit_job(replace(job, outputs=files), settings, PurePosixPath())
    return written, emit_script(folder / SCRIPT_NAME, job.target, SCRIPT_NAME)


def emit_job(job: Job, settings: Settings, place: PurePosixPath) -> Verdict:
    """Write `job.outputs`, a copy of the graph with its weights inside, its job and its description.

    `place` is their folder as seen from the script's. Raises `InputError` for an engine or options that the target does
    not support, `StepFailedError` for a graph that the profiles do not fit, that needs too much memory, or that is not
    typed as asked, and `StoreError` when a file cannot be written.
    """
    graph, recipe, described = job.outputs
    model = onnx_file.read(job.graph)
    limit = settings.policy.build.activation_bytes
    check_profiles(model, job.profiles, job.spec, activation_bytes=limit)
    content = model.SerializeToString()
    known = description(model, job, settings.engines.options)
    engine = place / job.target.engine_name(graph.stem, job.profiles, job.precision)
    engine_job = EngineJob(
        onnx=(place / graph.name).as_posix(),
        sha256=hashlib.sha256(content).hexdigest(),
        input_name=model.graph.input[0].name,
        profiles=job.profiles,
        spec=job.spec,
        precision=job.precision,
        options=settings.engines.options,
        engine=engine.as_posix(),
    )
    write_job(recipe, job.target, engine_job)
    output_file.write_bytes(graph, content)
    output_file.write_bytes(described, json.dumps(known, indent=1).encode() + b"\n")
    return Verdict(f"build.{job.target.name}.job", job.subject, Status.PASS, f"will give {engine_job.engine}")


def emit_script(script: Path, target: Target, subject: str) -> Verdict:
    """Write the script that does the jobs of its folder and one below; raises like `write_script`."""
    write_script(script, target)
    reason = f"builds the engines in the container of {target.product}: {target.command}"
    return Verdict(f"build.{target.name}.script", subject, Status.PASS, reason)
