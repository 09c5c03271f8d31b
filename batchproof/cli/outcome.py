"""How a command ends: verdicts on the screen or as JSON, and the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from batchproof.errors import printable

if TYPE_CHECKING:
    from batchproof.artifacts.manifest import Manifest
    from batchproof.verdict import Verdict


def finish(
    root: Path, manifest: Manifest, as_json: bool, wanted: Sequence[str] = (), *, pictures: bool = True
) -> NoReturn:
    """Write the reports of a store, show its summary, and exit: with 3 when one of the `wanted` targets got nothing."""
    from batchproof import console
    from batchproof.verdict import exit_code

    code = exit_code(manifest.verdicts)
    if not code and any(not _gave_something(manifest, target) for target in wanted):
        code = 3
    report_path, page_path = write_reports(root, manifest, pictures=pictures)
    if as_json:
        facts = {"pack": manifest.pack, "store": str(root), "report": str(report_path), "page": str(page_path)}
        print_json({**facts, "verdicts": plain(manifest.verdicts), "exit_code": code})
    else:
        console.show_summary(manifest, page_path)
    raise typer.Exit(code)


def write_reports(root: Path, manifest: Manifest, *, pictures: bool = True) -> tuple[Path, Path]:
    """Write the reports of a store, the page with or without `pictures`; return where they are, Markdown then HTML."""
    from batchproof.artifacts import layout
    from batchproof.artifacts.output_file import write_bytes
    from batchproof.report import html, markdown

    report_path, page_path = root / layout.MARKDOWN_REPORT, root / layout.HTML_REPORT
    write_bytes(report_path, markdown.render(manifest, root).encode())
    write_bytes(page_path, html.render(manifest, root, pictures=pictures).encode())
    return report_path, page_path


def _gave_something(manifest: Manifest, target: str) -> bool:
    checks = f"build.{target}"
    found = [verdict for record in manifest.records if record.stage == "build" for verdict in record.verdicts]
    built = [verdict for verdict in found if f"{verdict.check}.".startswith(f"{checks}.")]
    return any(built) or not built


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


def conclude(
    verdicts: Sequence[Verdict], as_json: bool, *, definite: bool = False, complete: bool = False, **facts: Any
) -> NoReturn:
    """Show verdicts and facts, and exit: 1 for a failure.

    3 with `definite`, when nothing was decided, and with `complete`, when anything is unknown.
    """
    from batchproof import console
    from batchproof.verdict import Status, exit_code

    facts = {name: printable(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
    code = exit_code(verdicts)
    unknown = any(verdict.status is Status.UNKNOWN for verdict in verdicts)
    if not code and ((definite and not any(verdicts)) or (complete and unknown)):
        code = 3
    if as_json:
        print_json({**facts, "verdicts": plain(verdicts), "exit_code": code})
    else:
        console.show_verdicts(verdicts, facts)
    raise typer.Exit(code)


def plain(values: Iterable[Any]) -> list[Any]:
    """Turn dataclasses into what JSON holds."""
    from pydantic import TypeAdapter

    return [_printable(TypeAdapter(type(value)).dump_python(value, mode="json")) for value in values]


def _printable(value: Any) -> Any:
    """Names of files may be no text, which JSON cannot hold."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {name: _printable(entry) for name, entry in value.items()}
    return [_printable(entry) for entry in value] if isinstance(value, list) else value


def print_json(document: dict[str, Any]) -> None:
    """Print one document; JSON has no infinity and no NaN, so these become null."""
    from pydantic import TypeAdapter

    typer.echo(TypeAdapter(dict[str, Any]).dump_json(document, indent=1).decode())
