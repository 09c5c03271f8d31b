from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from batchproof.cli.outcome import conclude, finish
from batchproof.report import html, markdown
from batchproof.verdict import Status, Verdict
from tests.report.html.stores import whole_run


def test_a_run_leaves_its_reports_beside_the_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = whole_run()
    with pytest.raises(typer.Exit) as ended:
        finish(tmp_path, manifest, as_json=True)
    assert ended.value.exit_code == 1
    told = json.loads(capsys.readouterr().out)
    assert Path(told["report"]).read_text(encoding="utf-8") == markdown.render(manifest, tmp_path)
    assert Path(told["page"]).read_text(encoding="utf-8") == html.render(manifest, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"report.md", "report.html"}


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ((Status.PASS, Status.NOT_RUN), 0),
        ((Status.PASS, Status.UNKNOWN), 3),
        ((Status.UNKNOWN, Status.FAIL), 1),
    ],
)
def test_what_must_be_complete_leaves_nothing_unknown(statuses: tuple[Status, ...], code: int) -> None:
    with pytest.raises(typer.Exit) as ended:
        conclude([Verdict("check", "subject", status, "why") for status in statuses], as_json=True, complete=True)
    assert ended.value.exit_code == code
