"""Engines of TensorRT and TensorRT-RTX: checked beforehand, then taken from the cache or built."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from batchproof.artifacts import onnx_file
from batchproof.artifacts.step import Outcome
from batchproof.build.cache.engine_cache import EngineCache
from batchproof.build.cache.engine_key import EngineKey, engine_key
from batchproof.build.job import Job
from batchproof.build.profile_check import check_profiles
from batchproof.build.provenance import provenance
from batchproof.build.tensorrt.compat import missing
from batchproof.build.tensorrt.summary import EngineSummary
from batchproof.build.tensorrt.timing_cache import TimingCache
from batchproof.build.tensorrt.verdicts import verdicts
from batchproof.errors import StepNotRunError
from batchproof.settings import Settings

Backend = Literal["rtx", "tensorrt"]


def build_engine(job: Job, backend: Backend, settings: Settings, timing_cache: TimingCache | None = None) -> Outcome:
    """Build the engine of `job`, or take one from the cache that was built of all the same.

    Raises `StepNotRunError` when the builder, or the release that the target wants, is not installed here,
    `StepFailedError` for a graph that the profiles do not fit or the builder refuses, `InputError` for options that
    cannot be used, and `StoreError` when a file or the cache cannot be written.
    """
    _require_builder(job, backend)
    limit = settings.policy.build.activation_bytes
    check_profiles(onnx_file.read(job.graph), job.profiles, job.spec, activation_bytes=limit)
    job.target.check_engine(job.precision, job.profiles)
    key = _key(job, backend, settings, timing_cache)
    records = timing_cache is not None and timing_cache.mode == "record"  # which an engine of the cache would not
    cache = None if records else settings.engines.cache
    _bring(job, key, cache, lambda: _build(job, backend, settings, timing_cache, key))
    summary = _read(job.outputs[1])
    tolerance = settings.policy.limits(job.precision).build.session_max_abs
    return Outcome(tuple(verdicts(summary, tolerance, job.subject)), _notes(summary))


def _require_builder(job: Job, backend: Backend) -> None:
    absent = missing(backend)
    installed = None if absent else provenance(backend).release
    if mismatch := job.target.mismatch(installed):
        raise StepNotRunError(mismatch)
    if absent:
        raise StepNotRunError(f"{absent.reason}. {absent.remedy}")


def _key(job: Job, backend: Backend, settings: Settings, timing_cache: TimingCache | None) -> EngineKey:
    return engine_key(
        job.graph,
        precision=job.precision,
        shapes=[profile.input_shapes(job.spec) for profile in job.profiles],
        options=settings.engines.options,
        provenance=provenance(backend),
        timing_cache=None if timing_cache is None else timing_cache.sha256,
    )


def _bring(job: Job, key: EngineKey, cache: Path | None, build: Callable[[], object]) -> None:
    """Put engine and description in their places."""
    engine, sidecar = job.outputs
    engine.parent.mkdir(parents=True, exist_ok=True)
    if cache is None:
        build()
    else:
        EngineCache(cache).fetch_or_build(key, engine, sidecar, build)


def _build(job: Job, backend: Backend, settings: Settings, timing_cache: TimingCache | None, key: EngineKey) -> None:
    from batchproof.build.tensorrt import engine as tensorrt_engine

    engine, sidecar = job.outputs
    built = tensorrt_engine.build(
        job.graph,
        engine,
        backend=backend,
        precision=job.precision,
        profiles=job.profiles,
        options=settings.engines.options,
        timing_cache=timing_cache,
        spec=job.spec,
        subject=job.subject,
        tolerance=settings.policy.limits(job.precision).build.session_max_abs,
    )
    if built.summary is None:
        raise StepNotRunError(built.verdicts[0].reason)
    content = {**built.summary.sidecar, "provenance": key.parts}
    sidecar.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _read(sidecar: Path) -> EngineSummary:
    return TypeAdapter(EngineSummary).validate_json(sidecar.read_bytes())


def _notes(summary: EngineSummary) -> dict[str, object]:
    """Nothing of where the engine came from: what is built and what is fetched are the same."""
    half = f"{summary.half_share:.0%} of the network's tensors half"
    executed = "built, not executed" if summary.on_gpu.absent else "executed on the GPU"
    return {"build_seconds": summary.seconds, "detail": f"{summary.version}, {half}; {executed}"}
