"""Verbs for whole packs: run and report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from batchproof.cli.app import app
from batchproof.cli.options import Images, Json, PolicyOption, ProfileOption, SizeOption, settings_of
from batchproof.cli.outcome import finish

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
    profile: ProfileOption = "1,16,32",
    size: SizeOption = "640x640",
    images: Images = None,
    policy: PolicyOption = None,
    plans: Annotated[
        Path | None,
        typer.Option("--plans", metavar="DIR", help="Precision plans, MODEL.json: what stays in FP32."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Walk a pack through the stages: export, surgery, build, validate.

    What is unchanged is not computed again. Interrupt it, or kill it: finished steps are kept.

    Example: batchproof run --models ./my_models --images ./faces --batch 1,8,16
    """
    from batchproof import console, stages
    from batchproof.artifacts.store import open_store
    from batchproof.export.resolve import directory_pack, named_pack, pack_name

    settings = replace(settings_of(profile, size, images, policy), plans=plans)
    name = pack_name(pack) if pack else None
    chosen = directory_pack(models, name) if models else named_pack(name or "demo")
    settings.check(chosen)
    root = out / chosen.name
    with console.ProgressDisplay() as progress, open_store(root, chosen.name, progress) as store:
        stages.run(store, chosen, settings, until=stage, listener=progress)
        manifest = store.manifest
    finish(root, manifest, as_json)


@app.command()
def report(
    store: Annotated[
        Path, typer.Argument(metavar="DIR", help="A store, for example artifacts/demo.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Write the Markdown report of a store again and show its summary."""
    from batchproof.artifacts import manifest as manifests
    from batchproof.artifacts.store import MANIFEST

    finish(store, manifests.read(store / MANIFEST), as_json)
