"""The verb that turns a store into what a deployment needs: deploy deepstream."""

from __future__ import annotations

from typing import Annotated

import typer

from batchproof.cli.app import deploy_app
from batchproof.cli.bundles import MODELS, Detector, Embedder, Out, StoreFolder, Unproven, write_out
from batchproof.cli.options import Json
from batchproof.zoo.spec import Precision


@deploy_app.command("deepstream")
def deploy_deepstream(
    store: StoreFolder,
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="NAME",
            help="deepstream-6.3 to deepstream-9.2, which the store was run with; see batchproof targets.",
            show_default=False,
        ),
    ],
    output: Out,
    precision: Annotated[
        Precision | None,
        typer.Option("--precision", help="Default: fp16 where the target builds it.", show_default=False),
    ] = None,
    detector: Detector = "",
    embedder: Embedder = "",
    streams: Annotated[
        int,
        typer.Option(
            "--streams", min=1, max=1024, metavar="N", help="Sources, and frames in a batch.", rich_help_panel=MODELS
        ),
    ] = 4,
    faces: Annotated[
        int,
        typer.Option(
            "--faces",
            min=1,
            max=4096,
            metavar="N",
            help="Most faces that are kept of a frame; buffers are sized for it.",
            rich_help_panel=MODELS,
        ),
    ] = 64,
    unproven: Unproven = False,
    as_json: Json = False,
) -> None:
    """Write a bundle for DeepStream: configurations, graphs, the sources of parser and aligner, and how to run them.

    Everything in it is derived from the store: names, shapes, batches, constants. Models whose verdicts failed are
    refused (exit code 1), and those that nobody has proven or probed (exit code 3). Inside it, or in the target's
    container, sh run.sh build makes libraries and engines, and sh run.sh runs the pipeline.

    Example: batchproof run --target deepstream-8.0 && batchproof deploy deepstream artifacts/demo
    --target deepstream-8.0 -o bundle
    """
    from batchproof.artifacts import manifest as manifests
    from batchproof.artifacts.store import MANIFEST
    from batchproof.deploy.deepstream.bundle import bundle_files, library_sources
    from batchproof.deploy.deepstream.from_store import Wishes, plan_from_store
    from batchproof.deploy.deepstream.manifest import KIND
    from batchproof.deploy.store_jobs import stored_path
    from batchproof.targets import target as named

    goal, manifest = named(target), manifests.read(store / MANIFEST)
    chosen = precision or ("fp16" if "fp16" in goal.precisions else "fp32")
    plan = plan_from_store(store, manifest, goal, Wishes(chosen, detector, embedder, streams, faces))
    verdicts = [verdict for model in plan.models for verdict in model.verdicts]
    copies = {path: (store / stored_path(path, goal.name), sha256) for path, sha256 in plan.files.items()}
    texts = bundle_files(plan, library_sources())
    write_out(KIND, output, texts, copies, verdicts, unproven=unproven, as_json=as_json)
