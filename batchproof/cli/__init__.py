"""The command line: verbs are stages. Each verb parses, calls, renders, and returns an exit code."""

from __future__ import annotations

import sys

import typer

from batchproof.cli import judging, machine, making, packs, surgery  # noqa: F401 - each registers its verbs
from batchproof.cli.app import app
from batchproof.cli.outcome import print_json
from batchproof.errors import BatchproofError, StepFailedError


def main() -> None:
    """Run the command line; an error is one line: exit code 1 for a model that fails, 2 for what the user can mend."""
    try:
        app()
    except BatchproofError as error:
        code = 1 if isinstance(error, StepFailedError) else 2
        if "--json" in sys.argv:
            print_json({"error": error.line(), "exit_code": code})
        typer.echo(f"batchproof: error: {error.line()}", err=True)
        sys.exit(code)
