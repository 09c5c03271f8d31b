"""The verb that asks a server about itself: deploy stats."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from batchproof.cli.app import deploy_app
from batchproof.cli.options import Json, Url
from batchproof.cli.outcome import plain, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from batchproof.deploy.triton.client.statistics import ModelCost


@deploy_app.command("stats")
def deploy_stats(
    url: Url,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, metavar="SECONDS", help="For one answer.")] = 10.0,
    as_json: Json = False,
) -> None:
    """Show whether a server can be asked for faces, and what each of its models has done since it was loaded.

    Below the table stands how well requests were batched: how many runs had how many images. Times are means over the
    answered requests. Exit code 1 when the server answers and is not ready, 2 when nobody answers.

    Example: batchproof deploy stats grpc://127.0.0.1:8001
    """
    from batchproof import console
    from batchproof.deploy.triton.client.server_stats import server_stats

    found = asyncio.run(server_stats(url, timeout))
    code = int(found.not_ready is not None)
    if as_json:
        print_json({"url": url, "not_ready": found.not_ready, "models": plain(found.models), "exit_code": code})
    else:
        show_models(url, found.models, console.out)
        console.show_lines([f"not ready: {found.not_ready}" if found.not_ready else "ready"])
    raise typer.Exit(code)


def show_models(title: str, models: Sequence[ModelCost], to: Console) -> None:
    """Show what models have done, and below that in how large batches."""
    from batchproof import console
    from batchproof.deploy.triton.client.statistics import HEADS, batch_lines, rows

    console.show_table(title, HEADS, rows(models), to)
    how = "queue and compute in ms a request; how many runs of how many images:"
    console.show_lines([how, *batch_lines(models)], to)
