"""The steps of a benchmark: one for each engine that the store holds, and one for each pair of detector and embedder.

It stands above the stages and measures what they left. A measurement is of its moment, so no call is answered by an
older one; it is forgotten, like every record, when an artifact that it was made on changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from batchproof.artifacts import json_file, layout
from batchproof.artifacts.manifest import Manifest
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.artifacts.store import Store
from batchproof.bench import pipeline_file
from batchproof.bench.candidate import Candidate, candidates
from batchproof.bench.machine_roof import CpuRoof
from batchproof.bench.settings import BenchSettings
from batchproof.bench.sweep import ModelSweep
from batchproof.bench.verdicts import pipeline_verdicts, sweep_verdicts
from batchproof.errors import InputError, MissingDependencyError, StepNotRunError
from batchproof.profile_text import Size
from batchproof.verdict import not_run
from batchproof.zoo.pairing import pairs
from batchproof.zoo.spec import ModelSpec

STAGE = layout.BENCHMARKS
_TOOLS = ("onnxruntime", "onnxruntime-gpu", "numpy")
_PIPELINE_TOOLS = (*_TOOLS, "insightface", "opencv-python", "opencv-python-headless", "scikit-image")


def plan(store: Store, settings: BenchSettings, pictures: Sequence[Path], moment: str) -> list[Step]:
    """Plan the measurements of a store; `moment` is when they are made, `pictures` go through the pipeline.

    Raises `InputError` for a store in which nothing is built, and for a size that one of its models cannot take.
    """
    manifest = store.manifest
    found = list(candidates(store.root, manifest))
    if not found:
        raise InputError("nothing is built here", where=store.root, remedy="Run batchproof run, up to the build stage")
    settings.check(entry.spec for entry in manifest.models.values())
    roof, decisive = CpuRoof(settings.threads), {**settings.decisive, "measured": moment}
    sweeps = {
        model: ModelSweep([one for one in found if one.model == model], settings, roof) for model in manifest.models
    }
    return [
        *(_sweep(candidate, sweeps[candidate.model], decisive) for candidate in found),
        *_pipelines(manifest, settings, pictures, decisive, {one.model: one.profiles[0].size for one in found}),
    ]


def _sweep(candidate: Candidate, sweep: ModelSweep, decisive: dict[str, object]) -> Step:
    """Measure one engine; the first of a model's measures them all."""
    return Step(
        STAGE,
        f"bench.{candidate.backend}",
        candidate.subject,
        partial(_sweep_action, sweep, candidate),
        parents=candidate.parents,
        produces=(layout.benchmark(candidate.subject, candidate.backend),),
        settings=decisive,
        tools=_TOOLS,
    )


def _sweep_action(sweep: ModelSweep, candidate: Candidate, workspace: Workspace) -> Outcome:
    measured = sweep.of(candidate)
    workspace.outputs[0].write_bytes(json_file.write(measured))
    return Outcome(tuple(sweep_verdicts(measured)))


def _pipelines(
    manifest: Manifest,
    settings: BenchSettings,
    pictures: Sequence[Path],
    decisive: dict[str, object],
    sizes: Mapping[str, Size],
) -> list[Step]:
    """One step for each pair of models; `sizes` are those that the models were built for."""
    specs = {model: entry.spec for model, entry in manifest.models.items()}
    found = pairs(specs)
    if not found:
        detected = any(spec.has_keypoints for spec in specs.values())
        return [_no_pipeline(manifest.pack, "an ArcFace-like embedder" if detected else "a detector with landmarks")]
    return [
        _pipeline(pair, specs, replace(settings, size=settings.size or sizes.get(pair[0])), pictures, decisive)
        for pair in found
    ]


def _no_pipeline(pack: str, lacking: str) -> Step:
    verdict = not_run(
        pipeline_file.CHECK, pack, f"the pack has no model that is {lacking}: there is no pipeline to compare"
    )
    return Step(STAGE, verdict.check, pack, lambda _: Outcome((verdict,)), settings={"reason": verdict.reason})


def _pipeline(
    pair: tuple[str, str],
    specs: dict[str, ModelSpec],
    settings: BenchSettings,
    pictures: Sequence[Path],
    decisive: dict[str, object],
) -> Step:
    subject = "+".join(pair)
    return Step(
        STAGE,
        pipeline_file.CHECK,
        subject,
        partial(_pipeline_action, pair, specs, settings),
        parents=(*map(layout.exported, pair), *(layout.repaired(model, "fp32") for model in pair)),
        produces=(layout.benchmark(subject, "pipeline"),),
        sources=tuple(pictures),
        settings=decisive,
        tools=_PIPELINE_TOOLS,
    )


def _pipeline_action(
    pair: tuple[str, str], specs: dict[str, ModelSpec], settings: BenchSettings, workspace: Workspace
) -> Outcome:
    try:
        measured = _measured_pipeline(pair, specs, settings, workspace)
    except MissingDependencyError as error:  # engines need neither insightface nor OpenCV
        raise StepNotRunError(error.what, remedy=error.remedy) from error
    workspace.outputs[0].write_bytes(json_file.write(measured))
    return Outcome(tuple(pipeline_verdicts(measured, settings.min_cosine)))


def _measured_pipeline(
    pair: tuple[str, str], specs: dict[str, ModelSpec], settings: BenchSettings, workspace: Workspace
) -> pipeline_file.PipelineFile:
    from batchproof.bench.pipeline_ratio import Contestant, measure
    from batchproof.pipeline.pictures import read_picture

    originals, repaired = workspace.parents[:2], workspace.parents[2:]
    detector, embedder = (
        Contestant(model, original, graph, specs[model])
        for model, original, graph in zip(pair, originals, repaired, strict=True)
    )
    return measure(detector, embedder, [read_picture(path) for path in workspace.sources], settings)
