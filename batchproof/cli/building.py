"""The verb that builds: one graph for one target, or a matrix of them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from batchproof.cli import engine_options as engines
from batchproof.cli.app import app
from batchproof.cli.options import Json, PolicyOption, Profiles, SizeOption, recognised, settings_of
from batchproof.cli.outcome import conclude, stop_if_failed
from batchproof.cli.packs import walk
from batchproof.engine_options import DEFAULTS
from batchproof.errors import InputError, StepNotRunError
from batchproof.settings import PRECISIONS
from batchproof.verdict import not_run
from batchproof.zoo.spec import Precision

if TYPE_CHECKING:
    from batchproof.build.job import Job
    from batchproof.build.tensorrt.timing_cache import TimingCache
    from batchproof.profile import EngineProfiles
    from batchproof.settings import Settings
    from batchproof.verdict import Verdict
    from batchproof.zoo.spec import ModelSpec

_BACKENDS = {"ort": "ort", "rtx": "rtx", "tensorrt": "local"}
_MATRIX = ("rtx", "local")
_CPUS = os.cpu_count() or 1


@app.command()
def build(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL.onnx", help="A batch-safe graph; with --matrix a folder of models.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Where the engine goes, or the store.", show_default=False),
    ],
    backend: Annotated[
        Literal["ort", "rtx", "tensorrt"] | None,
        typer.Option("--backend", help="Short for --target ort (the default), rtx or local.", show_default=False),
    ] = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(
            "--precision",
            metavar="fp32|fp16",
            help="What the graph must be typed for; of a matrix, what is built; default: what it is, or both.",
            show_default=False,
        ),
    ] = None,
    profile: Profiles = None,
    size: SizeOption = "640x640",
    policy: PolicyOption = None,
    matrix: Annotated[
        bool,
        typer.Option(
            "--matrix", help="Models x precisions x profiles x targets, repaired before; --profile may be repeated."
        ),
    ] = False,
    target: engines.Targets = None,
    tf32: engines.Tf32 = DEFAULTS.tf32,
    optimisation_level: engines.Level = DEFAULTS.optimisation_level,
    workspace: engines.Workspace = DEFAULTS.workspace_mib,
    hardware: engines.HardwareOption = DEFAULTS.hardware,
    version_compatible: engines.VersionCompatible = DEFAULTS.version_compatible,
    distributive_independence: engines.DistributiveIndependence = DEFAULTS.distributive_independence,
    compute_capability: engines.Capabilities = None,
    cache: engines.CacheFolder = None,
    no_cache: engines.NoCache = False,
    jobs: engines.Jobs = _CPUS,
    timing_cache: engines.TimingMode = "off",
    timing_cache_file: engines.TimingFile = None,
    timing_cache_sha256: engines.TimingHash = None,
    as_json: Json = False,
) -> None:
    """Build a batch-safe ONNX graph: an ONNX Runtime session file or a TensorRT engine with its optimisation profiles.

    Precision comes from the graph's tensor types: build FP16 from a graph of `batchproof surgery --fp16`.

    Example: batchproof build det.fp16.onnx --target rtx --profile 1+1,16,32 -o engines

    A matrix goes on after failures, reports all of them at the end, and resumes where it was killed:
    batchproof build --matrix my_models --target rtx --target deepstream-8.0 --profile 1,16,32 --profile 8 -o store
    """
    options = engines.options_of(
        tf32, optimisation_level, workspace, hardware, version_compatible, distributive_independence, compute_capability
    )
    settings = settings_of(profile, size, None, policy, models=model if matrix else None)
    settings = replace(
        settings,
        engines=replace(
            settings.engines,
            targets=_targets(target, backend, matrix=matrix),
            options=options,
            cache=engines.cache_of(cache, no_cache),
            jobs=jobs,
        ),
    )
    recorded = engines.timing_cache_of(timing_cache, timing_cache_file, timing_cache_sha256)
    wanted = _precisions(precision)
    if matrix:
        _build_matrix(model, output, wanted, settings, recorded, as_json)
    _build_one(model, output, wanted, settings, recorded, as_json, sized="@" in "".join(profile or ()))


def _precisions(typed: list[str] | None) -> tuple[Precision, ...]:
    named = tuple(precision for precision in PRECISIONS if precision in (typed or ()))
    if strangers := sorted(set(typed or ()) - set(named)):
        raise InputError(f"'{strangers[0]}' is no precision", remedy=f"Choose {' or '.join(PRECISIONS)}")
    return named


def _targets(named: list[str] | None, backend: str | None, *, matrix: bool) -> tuple[str, ...]:
    if named and backend:
        raise InputError("--target and --backend exclude each other", remedy="--backend is short for three targets")
    if backend:
        return (_BACKENDS[backend],)
    return tuple(dict.fromkeys(named or (_MATRIX if matrix else ("ort",))))


def _build_matrix(
    models: Path,
    output: Path,
    precisions: tuple[Precision, ...],
    settings: Settings,
    timing_cache: TimingCache | None,
    as_json: bool,
) -> NoReturn:
    from batchproof.export.resolve import directory_pack

    if timing_cache is not None:
        raise InputError("a timing cache belongs to one engine", remedy="Build that one without --matrix")
    if precisions:
        chosen = replace(settings.engines, precisions=precisions)
        settings = replace(settings, engines=chosen)
    walk(directory_pack(models), output, settings, "build", as_json, wanted=settings.engines.targets)


def _build_one(
    model: Path,
    output: Path,
    precisions: tuple[Precision, ...],
    settings: Settings,
    timing_cache: TimingCache | None,
    as_json: bool,
    *,
    sized: bool,
) -> NoReturn:
    from batchproof.artifacts.output_file import folder_of
    from batchproof.build.container.emitted import emit_folder
    from batchproof.build.job import Job, engine_files
    from batchproof.console import working
    from batchproof.targets import target

    settings.engines.check()
    chosen, profiles = settings.engines.targets, settings.profiles.of(model.stem)
    if len(chosen) > 1 or len(profiles) > 1 or len(precisions) > 1:
        raise InputError("this asks for several engines", remedy="Add --matrix, or join profiles of one engine by +")
    spec, found = recognised(model)
    if sized:
        _require_own_size(profiles[0], spec)
    if precisions and precisions != (found,):
        remedy = "Make the graph that you want with batchproof surgery"
        raise InputError(f"is typed {found}, {precisions[0]} was asked for", where=model, remedy=remedy)
    goal, wanted = target(chosen[0]), profiles[0].distinct(spec)
    goal.check_engine(found, wanted)  # before any builder is looked for: here or in the container
    if timing_cache is not None and goal.builder == "ort":
        raise InputError(f"{goal.name} has no timing cache", remedy="Leave --timing-cache away for this target")
    with working(f"building {model.name} for {goal.name}"), folder_of(output) as written:
        files = [written / name for name in engine_files(goal, model.stem, wanted, found)]
        job = Job(model, files, goal, found, wanted, spec, model.stem)
        verdicts = emit_folder(job, written, settings) if goal.container else ()
        verdicts += _built(job, settings, timing_cache)
        stop_if_failed(verdicts, as_json)
    conclude(verdicts, as_json, definite=True, output=str(output) if any(verdicts) else None)


def _built(job: Job, settings: Settings, timing_cache: TimingCache | None) -> tuple[Verdict, ...]:
    from batchproof.build.build_graph import build_graph

    try:
        return build_graph(job, settings, timing_cache).verdicts
    except StepNotRunError as error:
        return (not_run(f"build.{job.target.name}.completes", job.subject, error.line()),)


def _require_own_size(profiles: EngineProfiles, spec: ModelSpec) -> None:
    """Refuse sizes that were typed for a model whose own is fixed, unless they are just that."""
    own = (spec.input.height, spec.input.width)
    if None not in own and any(size != own for profile in profiles for size in profile.sizes):
        what = f"profile {profiles.text} names sizes, and this {spec.family} takes {own[0]}x{own[1]} alone"
        raise InputError(what, remedy="Leave @ and the sizes away")
