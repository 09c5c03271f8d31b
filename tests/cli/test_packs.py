from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
import typer

from batchproof.artifacts import manifest as manifests
from batchproof.artifacts.store import MANIFEST
from batchproof.cli.packs import report
from tests.report.chains import JPEG, chain_store


def test_a_report_without_pictures_holds_none_and_not_those_that_it_had(tmp_path: Path) -> None:
    manifests.write(chain_store(tmp_path), tmp_path / MANIFEST)
    picture = b64encode(JPEG).decode()
    for pictures in (True, False):
        with pytest.raises(typer.Exit):
            report(tmp_path, pictures=pictures, as_json=True)
        page, text = ((tmp_path / name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))
        assert ("image/jpeg" in page, picture in page) == (pictures, pictures)
        assert picture not in text
