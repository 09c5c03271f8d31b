"""The verb that turns a store into a model repository of Triton: deploy triton."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import typer

from batchproof.cli.app import deploy_app
from batchproof.cli.bundles import MODELS, Detector, Embedder, Out, StoreFolder, Unproven, write_out
from batchproof.cli.options import Json
from batchproof.zoo.spec import Precision

_RELEASE = re.compile(r"\d+\.\d+")


@deploy_app.command("triton")
def deploy_triton(
    store: StoreFolder,
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="NAME",
            help="The release of the server: 25.03, 26.01, 26.03, 26.06 or 26.07, with triton- before it or without.",
            show_default=False,
        ),
    ],
    output: Out,
    backend: Annotated[
        Literal["tensorrt", "onnxruntime", "python"],
        typer.Option(
            "--backend",
            help="What executes the networks: engines on a GPU, Triton's ONNX Runtime on the CPU, or ONNX Runtime "
            "inside the Python backend, which every Triton has.",
        ),
    ] = "tensorrt",
    precision: Annotated[
        Precision | None,
        typer.Option("--precision", help="Default: fp16 for tensorrt, fp32 for the CPU.", show_default=False),
    ] = None,
    detector: Detector = "",
    embedder: Embedder = "",
    frames: Annotated[
        int | None,
        typer.Option(
            "--frames",
            min=1,
            max=4096,
            metavar="N",
            help="Most frames in a batch of faces. Default: as many as the detector takes.",
            rich_help_panel=MODELS,
            show_default=False,
        ),
    ] = None,
    instances: Annotated[
        int,
        typer.Option(
            "--instances",
            min=1,
            max=64,
            metavar="N",
            help="Batches of faces that are worked on at once, each in a process of its own.",
            rich_help_panel=MODELS,
        ),
    ] = 2,
    unproven: Unproven = False,
    as_json: Json = False,
) -> None:
    """Write a model repository for Triton, in which one model, faces, is the whole pipeline, and how to serve it.

    Frames or picture files go in; boxes, landmarks and embeddings come out, and what clients ask at the same time goes
    through the networks in common batches. Names, shapes and types are read from what the store holds; batch sizes
    follow what batchproof bench has measured there, if it has. Models whose verdicts failed are refused (exit code 1),
    and those that nobody has proven or probed (exit code 3).

    With --backend tensorrt the store must be of a run with the same --target, and in the bundle sh run.sh build makes
    the engines; the other two take any store. Then sh run.sh serve starts the server, and sh run.sh check asks it.

    Example: batchproof run --target triton-26.07 && batchproof deploy triton artifacts/demo --target 26.07 -o served

    Without a GPU: batchproof deploy triton artifacts/demo --target 26.07 --backend python -o served
    """
    from batchproof.artifacts import manifest as manifests
    from batchproof.artifacts.store import MANIFEST
    from batchproof.deploy.triton.from_store import Wishes, plan_from_store
    from batchproof.deploy.triton.manifest import KIND
    from batchproof.deploy.triton.repository import package_sources, repository_files
    from batchproof.targets import target as named

    goal = named(f"triton-{target}" if _RELEASE.fullmatch(target) else target)
    chosen = precision or ("fp16" if backend == "tensorrt" else "fp32")
    wishes = Wishes(chosen, backend, detector, embedder, frames, instances)
    planned = plan_from_store(store, manifests.read(store / MANIFEST), goal, wishes)
    verdicts = [verdict for network in planned.plan.networks for verdict in network.model.verdicts]
    copies = {path: (store / planned.stored[path], sha256) for path, sha256 in planned.plan.files.items()}
    texts = repository_files(planned.plan, package_sources())
    write_out(KIND, output, texts, copies, verdicts, unproven=unproven, as_json=as_json)
