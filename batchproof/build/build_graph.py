"""One build, whatever its target's builder is."""

from __future__ import annotations

from dataclasses import replace

from batchproof.artifacts.step import Outcome
from batchproof.build.engine_build import build_engine
from batchproof.build.job import Job
from batchproof.build.tensorrt.timing_cache import TimingCache
from batchproof.settings import Settings
from batchproof.verdict import Verdict


def build_graph(job: Job, settings: Settings, timing_cache: TimingCache | None = None) -> Outcome:
    """Build, or execute, one graph for its target; the verdicts carry the target in their names.

    Raises `StepNotRunError` when the builder is not available here, `StepFailedError` when it refuses the graph.
    """
    if job.target.builder != "ort":
        outcome = build_engine(job, job.target.builder, settings, timing_cache)
    else:
        outcome = _execute(job, settings) if job.target.is_provider else _session(job, settings)
    return Outcome(tuple(_filed(verdict, job) for verdict in outcome.verdicts), outcome.notes)


def _session(job: Job, settings: Settings) -> Outcome:
    from batchproof.build.onnxruntime import session as onnxruntime_session

    built = onnxruntime_session.build(
        job.graph,
        job.outputs[0],
        profile=job.profiles.overall,
        spec=job.spec,
        subject=job.subject,
        tolerance=settings.policy.limits(job.precision).build.session_max_abs,
    )
    times = ", ".join(f"N={batch} {seconds:.2f} s" for batch, seconds in built.summary.executed.items())
    notes = {**built.notes, "build_seconds": built.summary.seconds, "detail": f"executed {times}"}
    return Outcome(built.verdicts, notes)


def _execute(job: Job, settings: Settings) -> Outcome:
    from batchproof.build.onnxruntime import provider as onnxruntime_provider

    run = onnxruntime_provider.execute(
        job.graph,
        provider=job.target.provider,
        profile=job.profiles.overall,
        spec=job.spec,
        subject=job.subject,
        tolerance=settings.policy.limits(job.precision).build.session_max_abs,
    )
    return Outcome(run.verdicts, run.summary.notes)


def _filed(verdict: Verdict, job: Job) -> Verdict:
    """Name the target in the check: the builders say `build.executes`, whichever they are."""
    return replace(verdict, check=f"build.{job.target.name}{verdict.check.removeprefix('build')}")
