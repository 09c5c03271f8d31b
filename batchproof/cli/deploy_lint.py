"""The verb that checks bundles and model repositories: deploy lint."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batchproof.cli.app import deploy_app
from batchproof.cli.options import Json
from batchproof.cli.outcome import plain, print_json
from batchproof.errors import printable

if TYPE_CHECKING:
    from batchproof.deploy.lint.folder import Folder
    from batchproof.deploy.lint.lint import Report


@deploy_app.command("lint")
def deploy_lint(
    bundle: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="A folder with DeepStream's configuration files, Triton's model repositories, or both.",
            show_default=False,
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="NAME",
            help="The DeepStream that it is for, as deepstream-8.0; default: what its manifest.json says.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find what DeepStream or Triton would ignore, refuse, or do wrong without a word: before anything runs, anywhere.

    Reads nvinfer, nvdspreprocess, nvinferserver and deepstream-app files, INI, YAML and protobuf text, and every
    config.pbtxt of Triton's model repositories, whoever wrote them, and compares them with each other and with the ONNX
    files. Exit code 1 when there is an error, 0 when there are warnings alone. docs/deepstream-lint.md and
    docs/triton-lint.md list the rules.

    Example: batchproof deploy lint face_bundle --target deepstream-8.0
    """
    from batchproof.console import working
    from batchproof.deploy.lint.folder import lint_folder, read_folder
    from batchproof.deploy.lint.version import version_of_target

    release = version_of_target(target) if target else None
    with working(f"reading {bundle.name}"):
        read = read_folder(bundle, release)
        report = lint_folder(read)
    code = int(report.errors > 0)
    if as_json:
        facts = {"bundle": printable(str(bundle)), "release": _release(read)}
        files = {printable(path): role for path, role in read.roles.items()}
        judged = {"findings": plain(report.findings), "verdicts": plain(report.verdicts)}
        print_json({**facts, "files": files, "rules": report.rules_that_ran, **judged, "exit_code": code})
    else:
        _show(report, read)
    raise typer.Exit(code)


def _release(folder: Folder) -> str | None:
    from batchproof.deploy.lint.version import shown

    return shown(folder.bundle.release) if folder.bundle and folder.bundle.release else None


def _show(report: Report, folder: Folder) -> None:
    """Show the findings file by file, those with errors first, and one line about all of them."""
    from batchproof import console
    from batchproof.report.plain_text import plain_text

    console.show_lines([plain_text(line) for line in (*_lines(report), _summed_up(report, folder))])


def _lines(report: Report) -> Iterator[str]:
    first = {finding.file: index for index, finding in reversed(list(enumerate(report.findings)))}
    for file, findings in groupby(sorted(report.findings, key=lambda one: first[one.file]), key=lambda one: one.file):
        yield file
        for finding in findings:
            where = "-" if finding.line is None else str(finding.line)
            yield f"  {where:>4} {finding.severity:<7} {finding.rule}: {finding.sentence}. {finding.remedy}."


def _summed_up(report: Report, folder: Folder) -> str:
    warnings = len(report.findings) - report.errors
    counted = f"errors: {report.errors}, warnings: {warnings}, files: {len(folder.roles)}"
    if folder.triton:
        counted += f", Triton models: {len(folder.triton.models)}"
    if folder.bundle is None:
        return counted
    if release := _release(folder):
        return f"{counted}; for DeepStream {release}"
    return f"{counted}; rules about releases were not run: name the DeepStream with --target"
