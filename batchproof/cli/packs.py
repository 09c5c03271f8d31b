"""Verbs for whole packs: run and report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from batchproof.cli import engine_options as engines
from batchproof.cli.app import app
from batchproof.cli.options import Images, Json, PolicyOption, Profiles, SizeOption, settings_of
from batchproof.cli.outcome import finish
from batchproof.engine_options import DEFAULTS

if TYPE_CHECKING:
    from batchproof.settings import Settings
    from batchproof.zoo.pack import Pack

StageName = Literal["export", "surgery", "build", "validate"]


@app.command()
def run(
    stage: Annotated[StageName, typer.Argument(help="Bring everything up to this stage up to date.")] = "validate",
    pack: Annotated[
        str | None,
        typer.Option(
            "--pack",
            metavar="NAME",
            help="demo (default) or a pack in ~/.insightface/models such as buffalo_l; names the store of --models",
        ),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option("--models", metavar="DIR", help="Your own .onnx, .pt and .pth files."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The store is DIR/<pack>.")] = Path("artifacts"),
    profile: Profiles = None,
    profiles: Annotated[
        Path | None,
        typer.Option(
            "--profiles", metavar="FILE", help="Profiles by model (TOML); default: profiles.toml in --models, if there."
        ),
    ] = None,
    size: SizeOption = "640x640",
    images: Images = None,
    policy: PolicyOption = None,
    plans: Annotated[
        Path | None,
        typer.Option("--plans", metavar="DIR", help="Precision plans, MODEL.json: what stays in FP32."),
    ] = None,
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
    jobs: engines.Jobs = 1,
    as_json: Json = False,
) -> None:
    """Walk a pack through the stages: export, surgery, build, validate.

    What is unchanged is not computed again. Interrupt it, or kill it: finished steps are kept.

    Example: batchproof run --models ./my_models --images ./faces --batch 1,8,16
    """
    from batchproof.export.resolve import directory_pack, named_pack, pack_name
    from batchproof.settings import TARGETS

    options = engines.options_of(
        tf32, optimisation_level, workspace, hardware, version_compatible, distributive_independence, compute_capability
    )
    settings = settings_of(profile, size, images, policy, profiles, models)
    chosen_engines = replace(
        settings.engines,
        targets=tuple(dict.fromkeys(("ort", *target) if target else TARGETS)),  # the validation executes sessions
        options=options,
        cache=engines.cache_of(cache, no_cache),
        jobs=jobs,
    )
    name = pack_name(pack) if pack else None
    chosen = directory_pack(models, name) if models else named_pack(name or "demo")
    settings = replace(settings, plans=plans, engines=chosen_engines)
    walk(chosen, out / chosen.name, settings, stage, as_json, wanted=target or ())


def walk(
    pack: Pack, root: Path, settings: Settings, stage: StageName, as_json: bool, *, wanted: Sequence[str] = ()
) -> NoReturn:
    """Bring the store at `root` up to date and show its report; exit code 3 when a target of `wanted` got nothing."""
    from batchproof import console, stages
    from batchproof.artifacts.store import open_store

    settings.check(pack)
    with console.ProgressDisplay() as progress, open_store(root, pack.name, progress) as store:
        stages.run(store, pack, settings, until=stage, listener=progress)
        manifest = store.manifest
    finish(root, manifest, as_json, wanted)


@app.command()
def report(
    store: Annotated[
        Path, typer.Argument(metavar="DIR", help="A store, for example artifacts/demo.", show_default=False)
    ],
    pictures: Annotated[
        bool,
        typer.Option(
            "--pictures/--no-pictures",
            help="Show the pictures, or draw faces on empty ground; the next run or bench shows them.",
        ),
    ] = True,
    as_json: Json = False,
) -> None:
    """Write the reports of a store again, HTML and Markdown, and show its summary."""
    from batchproof.artifacts import manifest as manifests
    from batchproof.artifacts.store import MANIFEST

    finish(store, manifests.read(store / MANIFEST), as_json, pictures=pictures)
