from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from batchproof.artifacts.manifest import Manifest
from batchproof.report.html.chain import chain
from batchproof.report.html.store_files import StoreFiles
from tests.report.chains import CHAIN, VERDICTS
from tests.report.html.document import Node, parsed


def section(*records: object, tmp_path: Path) -> Node:
    return parsed(chain(Manifest("p", records=tuple(records)), StoreFiles(tmp_path)))  # type: ignore[arg-type]


def test_each_stage_has_its_figures_beside_their_limits(tmp_path: Path) -> None:
    root = section(CHAIN, tmp_path=tmp_path)
    rows = [[cell.text for cell in row.all("td")] for row in root.all("tr")[1:]]
    assert rows == [
        ["nms", "2 faces at a.jpg", "≤ 0", "", "0 faces", "1 faces", "≤ 0", ""],
        ["crop", "", "", "", "", "3", "≤ 40", ""],
    ]
    assert [node.text for node in root.all("span", "fail")] == ["fail", "2 faces at a.jpg", "1 faces"]


def test_the_first_departing_stage_is_named_and_its_table_open(tmp_path: Path) -> None:
    (fold,) = section(CHAIN, tmp_path=tmp_path).all("details")
    assert fold.all("summary")[0].text == "fail det.fp16 (det and rec): first departing stage: nms"
    assert "open" in fold.attributes
    (fold,) = section(replace(CHAIN, verdicts=VERDICTS[3:4]), tmp_path=tmp_path).all("details")
    assert "open" not in fold.attributes


def test_a_store_without_chains_has_no_such_section(tmp_path: Path) -> None:
    assert chain(Manifest("p"), StoreFiles(tmp_path)) == ""
