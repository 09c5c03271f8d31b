"""Engines of TensorRT and TensorRT-RTX: checked beforehand, then taken from the cache or built."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from batchproof.artifacts import onnx_file
from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.step import Outcome
from batchproof.build.cache.engine_cache import EngineCache
from batchproof.build.cache.engine_key import EngineKey, engine_key
from batchproof.build.job import Job
from batchproof.build.profile_check import check_profiles
from batchproof.build.provenance import provenance
from batchproof.build.tensorrt.compat import Backend, missing
from batchproof.build.tensorrt.summary import EngineSummary
from batchproof.build.tensorrt.timing_cache import TimingCache
from batchproof.build.tensorrt.verdicts import verdicts
from batchproof.errors import StepFailedError, StepNotRunError, StoreError
from batchproof.settings import Settings


def build_engine(job: Job, backend: Backend, settings: Settings, timing_cache: TimingCache | None = None) -> Outcome:
    """Build the engine of `job`, or take one from the cache that was built of all the same.

    What is asked for is checked before the builder is looked for: a container could not build it either.

    Raises `InputError` for an engine that the target has no use for or options that cannot be used, `StepFailedError`
    for a graph that the profiles do not fit or the builder refuses, `StepNotRunError` when the builder, or the release
    that the target wants, is not installed here, and `StoreError` when a file or the cache cannot be written.
    """
    job.target.check_engine(job.precision, job.profiles)
    limit = settings.policy.build.activation_bytes
    check_profiles(onnx_file.read(job.graph), job.profiles, job.spec, activation_bytes=limit)
    _require_builder(job, backend)
    if timing_cache is not None:
        timing_cache.check(backend)  # also where the engine is in the cache
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
        raise absent.error


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
    summary = tensorrt_engine.build(
        job.graph,
        engine,
        backend=backend,
        precision=job.precision,
        profiles=job.profiles,
        options=settings.engines.options,
        timing_cache=timing_cache,
        spec=job.spec,
    )
    if summary.on_gpu.problem is not None:
        raise StepFailedError(f"the engine does not load: {summary.on_gpu.problem}")  # here and now: it may tomorrow
    if _key(job, backend, settings, timing_cache) != key:
        raise StepFailedError("the graph has changed while it was built", remedy="Build it again")
    content = {**summary.sidecar, "sha256": content_sha256(engine), "provenance": key.parts}
    sidecar.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _read(sidecar: Path) -> EngineSummary:
    try:
        return TypeAdapter(EngineSummary).validate_json(sidecar.read_bytes())
    except ValidationError as error:
        remedy = "Remove its entry from the engine cache, or build with --no-cache"
        raise StoreError("describes no engine", where=sidecar, remedy=remedy) from error


def _notes(summary: EngineSummary) -> dict[str, object]:
    """Nothing of where the engine came from: what is built and what is fetched are the same."""
    half = f"{summary.half_share:.0%} of the network's tensors half"
    executed = "built, not executed" if summary.on_gpu.absent else "executed on the GPU"
    return {"build_seconds": summary.seconds, "detail": f"{summary.version}, {half}; {executed}"}
