"""The verb that asks a served pipeline: deploy client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from batchproof.cli.app import deploy_app
from batchproof.cli.deploy_stats import show_models
from batchproof.cli.options import Url
from batchproof.cli.outcome import plain, print_json
from batchproof.errors import InputError, printable

if TYPE_CHECKING:
    from batchproof.deploy.triton.client.asking import PictureOutcome, RunCost
    from batchproof.deploy.triton.client.faces_client import Wishes
    from batchproof.deploy.triton.client.tally import Tally

_HOW = "How it asks"


@deploy_app.command("client")
def deploy_client(
    url: Url,
    pictures: Annotated[
        list[Path],
        typer.Argument(metavar="PICTURES...", help="Files, and folders with pictures in them.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the lines there; pictures that have an answer in it are not asked for again.",
            show_default=False,
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Start FILE anew.")] = False,
    embeddings: Annotated[
        Literal["normed", "raw", "none"],
        typer.Option("--embeddings", help="At length 1, as the network gives them, or none."),
    ] = "normed",
    send: Annotated[
        Literal["files", "frames", "shared-memory"],
        typer.Option(
            "--send",
            help="Files, which the server decodes, or pixels: in the request, or in shared memory of this machine.",
            rich_help_panel=_HOW,
        ),
    ] = "files",
    concurrency: Annotated[
        int,
        typer.Option(
            "--concurrency", min=1, max=1024, metavar="N", help="Most requests at a time.", rich_help_panel=_HOW
        ),
    ] = 8,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, metavar="SECONDS", help="For one request.", rich_help_panel=_HOW)
    ] = 60.0,
    retries: Annotated[
        int,
        typer.Option("--retries", min=0, max=100, metavar="N", help="When nobody answers.", rich_help_panel=_HOW),
    ] = 3,
    wait: Annotated[
        float,
        typer.Option("--wait", min=0, metavar="SECONDS", help="For a server that is not ready.", rich_help_panel=_HOW),
    ] = 0.0,
    stats: Annotated[
        bool, typer.Option("--stats", help="Show on stderr what the run has cost each model, by the server's counters.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document about the run on stdout; the lines go to FILE (-o).")
    ] = False,
) -> None:
    """Ask a served pipeline for the faces of pictures: a line of JSON for each, in the order in which they are done.

    A line has the picture's path, the milliseconds that it took, reading included, and either faces (box, score,
    keypoints, embedding and what else is served, in pixels of the picture) or error. One that fails does not stop the
    others: exit code 1 when any did, 2 when server or model are not there. After Ctrl-C, or worse, the same command
    with -o goes on where it stopped.

    Examples:
    batchproof deploy client grpc://127.0.0.1:8001 photo.jpg

    batchproof deploy client http://gpu-server:8000 photos -o faces.jsonl --concurrency 32 --wait 120 --stats
    """
    from batchproof import console
    from batchproof.deploy.triton.client.faces_client import Wishes
    from batchproof.deploy.triton.client.json_lines import name_of
    from batchproof.deploy.triton.client.picture_list import listed
    from batchproof.deploy.triton.client.tally import Tally

    if output is None and (as_json or again):
        told = "--json needs -o FILE" if as_json else "--again needs -o FILE"
        raise InputError(told, remedy="Say where the lines are to go")
    wishes, found = Wishes(send, embeddings, concurrency, timeout, wait), listed(pictures)
    with _lines(output, {name_of(path) for path in found}, embeddings, again) as (write, answered):
        asked = [path for path in found if name_of(path) not in answered]
        tally = Tally(skipped=len(found) - len(asked))
        with console.counting("asking", len(asked), hidden=output is None) as advance:
            cost = _asked(url, wishes, asked, retries, _Teller(write, advance, embeddings, tally))
    code = int(tally.failed > 0)
    console.show_lines([tally.line(cost.seconds)], to=console.err)
    if stats:
        _show_cost(cost)
    if as_json:
        facts = {"url": url, "send": send, "embeddings": embeddings, "output": printable(str(output))}
        spent = {"seconds": cost.seconds, "models": plain(cost.models), "models_unknown": cost.unknown}
        print_json({**facts, **tally.document(), **spent, "exit_code": code})
    raise typer.Exit(code)


@dataclass(frozen=True)
class _Teller:
    """Writes every outcome, and counts it."""

    write: Callable[[str], None]
    advance: Callable[[], None]
    embeddings: str
    tally: Tally

    def __call__(self, outcome: PictureOutcome) -> None:
        from batchproof.deploy.triton.client.json_lines import line

        self.write(line(outcome, self.embeddings))
        self.tally.add(outcome)
        self.advance()


def _asked(url: str, wishes: Wishes, pictures: list[Path], retries: int, teller: _Teller) -> RunCost:
    """Ask for all; nothing is sent where there is nothing to ask."""
    from batchproof import console
    from batchproof.deploy.triton.client.asking import RunCost, ask_all

    if not pictures:
        return RunCost()
    try:
        return asyncio.run(ask_all(url, wishes, pictures, retries, teller))
    except KeyboardInterrupt:
        done = teller.tally.answered + teller.tally.failed
        console.show_lines([f"interrupted: {done} of {len(pictures)} lines are written"], to=console.err)
        raise


@contextmanager
def _lines(
    output: Path | None, pictures: set[str], embeddings: str, again: bool
) -> Iterator[tuple[Callable[[str], None], Collection[str]]]:
    """Give what writes a line, and whose answers are there already."""
    from batchproof.deploy.triton.client.answers_file import opened_answers

    if output is None:
        yield typer.echo, ()
        return
    with opened_answers(output, pictures, embeddings, again=again) as answers:
        yield answers.write, answers.answered


def _show_cost(cost: RunCost) -> None:
    from batchproof import console

    if cost.unknown is not None:
        console.show_lines([f"no statistics: {cost.unknown}"], to=console.err)
    else:
        show_models("What the server has counted", cost.models, console.err)
