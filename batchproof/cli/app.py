"""The command itself, and how its help is laid out."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import batchproof

EXIT_CODES = (
    "Exit codes: 0 fine · 1 a verdict failed · 2 usage or input error · 3 nothing definite where asked for "
    "· 130 interrupted."
)
_ORDER = (
    "run",
    "export",
    "surgery",
    "build",
    "prove",
    "probe",
    "parity",
    "gate",
    "deploy",
    "report",
    "targets",
    "doctor",
)


class InOrderOfStages(TyperGroup):
    """Commands are listed as a model walks through them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Sort by `_ORDER`; a verb that is not in it is an error that every test of the help shows."""
        return sorted(super().list_commands(ctx), key=_ORDER.index)


class ImpliedApply(TyperGroup):
    """`surgery MODEL` means `surgery apply MODEL`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the implied verb unless a verb or a request for help comes first."""
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args.insert(0, "apply")
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="batchproof",
    cls=InOrderOfStages,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)
surgery_app = typer.Typer(
    cls=ImpliedApply,
    no_args_is_help=True,
    help="Make an ONNX graph batch-safe, or explain what that would change.\n\n"
    "batchproof surgery MODEL.onnx -o OUT.onnx [--fp16] is short for batchproof surgery apply ...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
deploy_app = typer.Typer(
    no_args_is_help=True,
    help="Turn a store into a deployment, or check one.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(surgery_app, name="surgery")
app.add_typer(deploy_app, name="deploy")


@app.callback(invoke_without_command=True)
def _version(show: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    """Batch-safe InsightFace models: every artifact carries a measurement and a verdict."""
    if show:
        typer.echo(batchproof.__version__)
        raise typer.Exit
