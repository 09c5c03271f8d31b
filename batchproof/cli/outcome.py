"""How a command ends: verdicts on the screen or as JSON, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from batchproof.errors import printable

if TYPE_CHECKING:
    from batchproof.artifacts.manifest import Manifest
    from batchproof.verdict import Verdict


def finish(root: Path, manifest: Manifest, as_json: bool) -> NoReturn:
    """Write the report of a store, show its summary, and exit."""
    from batchproof import console
    from batchproof.artifacts.output_file import write_bytes
    from batchproof.report import markdown
    from batchproof.verdict import exit_code

    report_path, code = root / "report.md", exit_code(manifest.verdicts)
    write_bytes(report_path, markdown.render(manifest).encode())
    if as_json:
        facts = {"pack": manifest.pack, "store": str(root), "report": str(report_path)}
        print_json({**facts, "verdicts": plain(manifest.verdicts), "exit_code": code})
    else:
        console.show_summary(manifest, report_path)
    raise typer.Exit(code)


def stop_if_failed(verdicts: Sequence[Verdict], as_json: bool) -> None:
    """End the command inside the block that writes, so that a rejected file never reaches its place."""
    if any(verdict.status.is_failure for verdict in verdicts):
        conclude(verdicts, as_json, output=None)


def stop_if_unproven(verdicts: Sequence[Verdict], as_json: bool) -> None:
    """End the command in the same way, with exit code 3, when a proof is unknown."""
    from batchproof.verdict import Status

    open_questions = [verdict for verdict in verdicts if verdict.status is Status.UNKNOWN]
    if open_questions:
        conclude(open_questions, as_json, definite=True, output=None)


def conclude(verdicts: Sequence[Verdict], as_json: bool, *, definite: bool = False, **facts: Any) -> NoReturn:
    """Show verdicts and facts, and exit: 1 for a failure; with `definite`, 3 when nothing was decided."""
    from batchproof import console
    from batchproof.verdict import exit_code

    facts = {name: printable(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
    code = exit_code(verdicts)
    if definite and not code and not any(verdicts):
        code = 3
    if as_json:
        print_json({**facts, "verdicts": plain(verdicts), "exit_code": code})
    else:
        console.show_verdicts(verdicts, facts)
    raise typer.Exit(code)


def plain(values: Iterable[Any]) -> list[Any]:
    """Turn dataclasses into what JSON holds."""
    from pydantic import TypeAdapter

    return [json.loads(TypeAdapter(type(value)).dump_json(value)) for value in values]


def print_json(document: dict[str, Any]) -> None:
    """Print one document; JSON has no infinity and no NaN, so these become null."""
    from pydantic import TypeAdapter

    typer.echo(TypeAdapter(dict[str, Any]).dump_json(document, indent=1).decode())
