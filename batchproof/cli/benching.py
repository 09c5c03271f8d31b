"""The verb that measures speed: bench."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from batchproof.cli.app import app
from batchproof.cli.options import Json, PolicyOption, policy_of
from batchproof.cli.outcome import plain, print_json, write_reports
from batchproof.errors import printable

if TYPE_CHECKING:
    from batchproof.artifacts.manifest import Manifest
    from batchproof.bench.settings import BenchSettings

_ROUNDS = 50


@app.command()
def bench(
    store: Annotated[
        Path, typer.Argument(metavar="DIR", help="A store, for example artifacts/demo.", show_default=False)
    ],
    images: Annotated[
        Path | None,
        typer.Option("--images", metavar="DIR", help="Pictures for the pipeline; default: those insightface brings."),
    ] = None,
    batches: Annotated[
        str, typer.Option("--batches", metavar="N,N,...", help="Batch sizes of the sweep.")
    ] = "1,2,4,8,16,32",
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="HxW", help="Image size of detectors; default: what they were built for."),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, max=10_000, help="Most repetitions of a batch; slow ones get fewer.")
    ] = _ROUNDS,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            min=1,
            max=1024,
            help="Of each network, ours and insightface's; default: ONNX Runtime's choice.",
        ),
    ] = None,
    policy: PolicyOption = None,
    as_json: Json = False,
) -> None:
    """Measure how fast what a store holds is: every engine by batch, and the pipeline against insightface's loop.

    Latency with and without host transfer, throughput, what the machine's roof allows, and ratios that carry over to
    other machines. Engines of one model take turns, so that a slow minute is slow for all. The figures go into the
    store, its reports, and to the gate; every call measures anew. Up to two minutes a model on two cores.

    Example: batchproof bench artifacts/demo --threads 2 --batches 1,8,32
    """
    from batchproof.bench.settings import BenchSettings, read_batch_list
    from batchproof.profile_text import read_size

    settings = BenchSettings(
        batches=read_batch_list(batches),
        rounds=rounds,
        threads=threads,
        size=None if size is None else read_size(size),
        min_cosine=policy_of(policy).fp32.embedder.min_cosine,
    )
    _finish(store, _measured(store, settings, _readable(images)), as_json)


def _readable(images: Path | None) -> list[Path]:
    """List the pictures, and refuse what is none before minutes of work, not after."""
    from batchproof.surgery.stage import pictures

    shown = pictures(images)
    if shown:
        from batchproof.pipeline.pictures import read_picture

        for path in shown:
            read_picture(path)
    return shown


def _measured(root: Path, settings: BenchSettings, pictures: Sequence[Path]) -> Manifest:
    """Bring the measurements into the store at `root`; return its manifest."""
    from batchproof import console
    from batchproof.artifacts import manifest as manifests
    from batchproof.artifacts.store import MANIFEST, open_store
    from batchproof.bench import stage

    pack = manifests.read(root / MANIFEST).pack  # refuses what is no store before it makes one
    moment = datetime.now(timezone.utc).isoformat()
    with console.ProgressDisplay() as progress, open_store(root, pack, progress) as store:
        steps = stage.plan(store, settings, pictures, moment)
        store.retain(steps, stage.STAGE)
        progress.stage(stage.STAGE, len(steps))
        store.run_all(steps)
        return store.manifest


def _finish(root: Path, manifest: Manifest, as_json: bool) -> NoReturn:
    """Show the figures; exit with 1 when a pipeline differs from insightface's, with 3 when nothing was measured."""
    from batchproof import console
    from batchproof.bench.stage import STAGE
    from batchproof.report import speed
    from batchproof.verdict import exit_code

    verdicts = [verdict for record in manifest.records if record.stage == STAGE for verdict in record.verdicts]
    code = exit_code(verdicts) or (0 if any(verdicts) else 3)
    report_path, page_path = write_reports(root, manifest)
    measured = speed.measured(manifest, root)
    if as_json:
        paths = {"store": root, "report": report_path, "page": page_path}
        facts = {"pack": printable(manifest.pack), **{name: printable(str(path)) for name, path in paths.items()}}
        figures = {"engines": plain(measured.sweeps), "pipelines": plain(measured.pipelines)}
        print_json({**facts, **figures, "verdicts": plain(verdicts), "exit_code": code})
    else:
        for title, heads, rows in speed.for_terminals(measured):
            console.show_table(title, heads, rows)
        open_ones = [verdict for verdict in verdicts if not verdict]
        console.show_verdicts(open_ones, {"Every figure": str(page_path)}, of_several=True)
    raise typer.Exit(code)
