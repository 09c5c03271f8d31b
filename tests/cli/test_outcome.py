from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from batchproof.cli.outcome import finish
from batchproof.report import html, markdown
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
