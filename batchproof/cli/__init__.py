"""The command line: verbs are stages. Each verb parses, calls, renders, and returns an exit code."""

from __future__ import annotations

import sys

import typer

from batchproof.cli import (  # noqa: F401 - each registers its verbs
    benching,
    building,
    deploy_client,
    deploy_deepstream,
    deploy_lint,
    deploy_rehearse,
    deploy_stats,
    deploy_triton,
    gating,
    judging,
    machine,
    making,
    packs,
    surgery,
)
from batchproof.cli.app import app
from batchproof.cli.outcome import print_json
from batchproof.cli.standard_output import written_out
from batchproof.errors import BatchproofError, StepFailedError

# What typer itself ends with, after it has told people why.
_WITHOUT_DOCUMENT = {2: "the command was not understood, see stderr", 130: "interrupted"}


def main() -> None:
    """Run the command line; an error is one line: exit code 1 for a model that fails, 2 for what the user can mend.

    With --json there is one document in every case, also when the command was not understood or interrupted.
    """
    try:
        with written_out():
            _answer()
    except BatchproofError as error:
        sys.exit(_told(error))


def _answer() -> None:
    try:
        app()
    except SystemExit as stop:
        if stop.code in _WITHOUT_DOCUMENT and "--json" in sys.argv:
            print_json({"error": _WITHOUT_DOCUMENT[stop.code], "exit_code": stop.code})
        raise
    except BatchproofError as error:
        code = _told(error)
        if "--json" in sys.argv:
            print_json({"error": error.line(), "exit_code": code})
        sys.exit(code)


def _told(error: BatchproofError) -> int:
    """Print the one line; return the exit code."""
    typer.echo(f"batchproof: error: {error.line()}", err=True)
    return 1 if isinstance(error, StepFailedError) else 2
