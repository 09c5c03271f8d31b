from __future__ import annotations

from base64 import b64decode
from math import inf
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from batchproof.artifacts import json_file
from batchproof.artifacts.manifest import Artifact, Record
from batchproof.errors import StoreError
from batchproof.report.html.slots import slots
from batchproof.report.html.store_files import StoreFiles
from batchproof.validate.findings import Difference, ProbeResult
from batchproof.validate.heat_map import HeatMap
from batchproof.validate.probe_file import ProbeFile
from tests.report.html.document import parsed

PATH = "validate/det.fp32.probe.json"
RECORD = Record("validate", "probe", "det.fp32", "k", artifacts=(Artifact(PATH, "0", 1),))


def result(heat_map: HeatMap | None, contamination: tuple[float, ...]) -> ProbeResult:
    rounding = Difference({"score_8": (0.0, 2e-7), "bbox_8": (3e-6, 0.0)})
    return ProbeResult(
        "cpu", 96, 160, (1, 2), Difference({"score_8": contamination}), Difference({}), rounding, heat_map
    )


@pytest.fixture
def files(tmp_path: Path) -> StoreFiles:
    contaminated = HeatMap(("nan",), ((0.0, 0.25), (0.0, 0.0)))
    results = (result(None, (0.0, 0.0)), result(contaminated, (0.25, 0.0)), result(None, (0.0, inf)))
    (tmp_path / "validate").mkdir()
    (tmp_path / PATH).write_bytes(json_file.write(ProbeFile("<det>", results)))
    return StoreFiles(tmp_path)


def test_each_output_has_its_largest_differences_of_all_scenes(files: StoreFiles) -> None:
    found = [[cell.text for cell in row.all("td")] for row in parsed(slots(RECORD, files)).all("tr")[1:]]
    assert found == [["score_8", "inf", "0", "2e-07"], ["bbox_8", "0", "0", "3e-06"]]


def test_the_worst_heat_map_is_a_picture_inside_the_page(files: StoreFiles) -> None:
    (picture,) = parsed(slots(RECORD, files)).all("img")
    kind, _, data = picture.attributes["src"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    drawn = Xml.fromstring(b64decode(data))
    assert "1 of 2 pairs changed, the worst by 0.25." in "".join(drawn.itertext())


def test_a_step_that_wrote_nothing_and_a_file_that_is_gone_show_nothing(files: StoreFiles, tmp_path: Path) -> None:
    assert slots(Record("validate", "probe", "det.fp32", "k"), files) == ""
    (tmp_path / PATH).unlink()
    assert slots(RECORD, files) == ""


def test_a_file_that_was_edited_is_named(files: StoreFiles, tmp_path: Path) -> None:
    (tmp_path / PATH).write_text("{}")
    with pytest.raises(StoreError, match=r"det\.fp32\.probe\.json.*Run the validate stage again"):
        slots(RECORD, files)
