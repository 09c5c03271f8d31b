"""The verb that serves a bundle of Triton on this machine and judges its answers: deploy rehearse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batchproof.cli.app import deploy_app
from batchproof.cli.options import Images, Json, PolicyOption, policy_of
from batchproof.cli.outcome import conclude


@deploy_app.command("rehearse")
def deploy_rehearse(
    bundle: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A bundle that batchproof deploy triton has written.", show_default=False),
    ],
    images: Images = None,
    clients: Annotated[
        int, typer.Option("--clients", min=2, max=256, metavar="N", help="How many ask at the same time.")
    ] = 64,
    policy: PolicyOption = None,
    as_json: Json = False,
) -> None:
    """Serve a bundle on this machine by a real tritonserver, without GPU or container, and judge its answers.

    A crowd of clients asks for different pictures at the same time. Each answer must be the one that the picture gets
    alone, that one must be the pipeline's in this process, and the server's own statistics must show that images of
    different clients shared batches. What is no picture must be refused without harm to anybody.

    Where the bundle is for TensorRT or Triton's ONNX Runtime, a stand-in runs the ONNX files, and the verdict about the
    backend is not_run: the rehearsal shows configuration, wiring, batching and arithmetic, not an engine. Files must be
    those that were written, except configurations, which operators change. Exit code 1 when a verdict fails, 3 when one
    is unknown, as where no batches were shared.

    It needs an environment of its own, with batchproof[cpu,validate,triton,tritonserver]: nox -s rehearse -- DIR.

    Example: batchproof deploy rehearse served --images pictures
    """
    from batchproof.console import working
    from batchproof.deploy.triton.rehearsal.rehearse import rehearse
    from batchproof.deploy.triton.rehearsal.served_bundle import read_bundle
    from batchproof.pipeline.pictures import load_pictures

    read, limits, pictures = read_bundle(bundle), policy_of(policy), load_pictures(images)
    with working(f"rehearsing {bundle.name} with {clients} clients"):
        verdicts = rehearse(read, pictures, clients, limits)
    conclude(verdicts, as_json, complete=True, bundle=str(bundle), target=read.target, backend=read.backend)
