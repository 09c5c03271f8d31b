"""What the verbs that write a bundle share: which models of a store, where to, and how it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from batchproof.cli.outcome import conclude

if TYPE_CHECKING:
    from batchproof.deploy.bundle_kind import BundleKind
    from batchproof.verdict import Verdict

MODELS = "Models and sizes"

StoreFolder = Annotated[
    Path, typer.Argument(metavar="DIR", help="A store, for example artifacts/demo.", show_default=False)
]
Out = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="The folder of the bundle; an earlier one that nobody has changed is replaced, anything else refused.",
        show_default=False,
    ),
]
Detector = Annotated[
    str, typer.Option("--detector", metavar="NAME", help="Where there are several.", rich_help_panel=MODELS)
]
Embedder = Annotated[
    str, typer.Option("--embedder", metavar="NAME", help="Where there are several.", rich_help_panel=MODELS)
]
Unproven = Annotated[bool, typer.Option("--unproven", help="Deploy models, too, whose proof or probe has not decided.")]


def write_out(
    kind: BundleKind,
    output: Path,
    texts: Mapping[str, str],
    copies: Mapping[str, tuple[Path, str]],
    verdicts: Sequence[Verdict],
    *,
    unproven: bool,
    as_json: bool,
) -> NoReturn:
    """Write a bundle of models with these verdicts, and end the command: with 3, and none, when one is undecided."""
    from batchproof.console import working
    from batchproof.deploy.write import write_bundle

    if not unproven and (undecided := [verdict for verdict in verdicts if not verdict]):
        conclude(undecided, as_json, definite=True, output=None)
    with working(f"writing {output.name}"):
        write_bundle(kind, output, texts, copies)
    conclude(verdicts, as_json, output=str(output), files=len(texts) + len(copies))
