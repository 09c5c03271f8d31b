"""The verb that decides whether a store may be used: gate."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batchproof.cli.app import app
from batchproof.cli.options import Json
from batchproof.cli.outcome import plain, print_json
from batchproof.errors import printable

if TYPE_CHECKING:
    from batchproof.gate.judge import Judgement
    from batchproof.verdict import Verdict


@app.command()
def gate(
    store: Annotated[
        Path, typer.Argument(metavar="DIR", help="A store, for example artifacts/demo.", show_default=False)
    ],
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="Rules (TOML); default: the committed gate.toml.")
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="MANIFEST", help="The manifest.json of an earlier run to compare with."),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML, a test suite for each model.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Decide whether a store may be used: its files, proofs, figures, sizes and licences, by a committed policy.

    Exit code 1 when a rule is broken, 3 when one could not be decided. GitHub Actions gets annotations and a summary.

    Example: batchproof gate artifacts/models --policy gate.toml --baseline baseline.json --junit gate.xml
    """
    from batchproof.artifacts import manifest as manifests
    from batchproof.artifacts.store import MANIFEST
    from batchproof.console import working
    from batchproof.gate.judge import Case, decided, judge
    from batchproof.gate.rules import load_rules

    rules, manifest = load_rules(policy), manifests.read(store / MANIFEST)
    case = Case(manifest, store, rules, manifests.read(baseline) if baseline else None)
    with working(f"judging {store.name}"):
        judgements = judge(case)
    verdicts = [verdict for judgement in judgements for verdict in judgement.verdicts]
    code = decided(verdicts)
    _publish(judgements, manifest.pack, junit)
    _show(verdicts, store / MANIFEST, as_json)
    if as_json:
        facts = {"pack": printable(manifest.pack), "store": printable(str(store))}
        print_json({**facts, "verdicts": plain(verdicts), "exit_code": code})
    else:
        typer.echo(_summed_up(verdicts))
    raise typer.Exit(code)


def _publish(judgements: Sequence[Judgement], pack: str, junit: Path | None) -> None:
    """Write what others read: JUnit XML where it is asked for, and the page of a step of GitHub Actions."""
    from batchproof.artifacts.output_file import unwritable, write_bytes
    from batchproof.report import github
    from batchproof.report import junit as junit_xml

    title = f"Batchproof gate: {pack}"
    if junit:
        write_bytes(junit, junit_xml.render(title, judgements))
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(page).open("a", encoding="utf-8") as stream:
                stream.write(github.step_summary(title, judgements))
        except OSError as error:
            raise unwritable(Path(page), error.strerror) from error


def _show(verdicts: Sequence[Verdict], manifest: Path, as_json: bool) -> None:
    """Show each rule that does not hold: as annotations in GitHub Actions, which obeys commands inside other lines."""
    from batchproof import console
    from batchproof.report.github import workflow_commands

    if os.environ.get("GITHUB_ACTIONS"):
        for line in workflow_commands(verdicts, str(manifest)):
            typer.echo(line, err=as_json)
    elif not as_json:
        console.show_verdicts([_on_one_line(verdict) for verdict in verdicts if not verdict], {})


def _on_one_line(verdict: Verdict) -> Verdict:
    """Name a verdict by its subject too, and let nothing in it reach the terminal as a code."""
    from batchproof.report.plain_text import plain_text

    witness = None if verdict.witness is None else plain_text(verdict.witness)
    name, reason = plain_text(f"{verdict.subject} {verdict.check}"), plain_text(verdict.reason)
    return replace(verdict, check=name, reason=reason, witness=witness)


def _summed_up(verdicts: Sequence[Verdict]) -> str:
    hold, broken = sum(map(bool, verdicts)), sum(verdict.status.is_failure for verdict in verdicts)
    return f"{hold} rules hold, {broken} are broken, {len(verdicts) - hold - broken} could not be decided"
