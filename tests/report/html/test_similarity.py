from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from batchproof.report.html.similarity import similarity
from batchproof.report.html.store_files import StoreFiles
from batchproof.validate.chain.chain_file import Similarity
from tests.report.chains import SEEN, chain_store
from tests.report.html.document import Node, parsed


def section(root: Path) -> Node:
    return parsed(similarity(chain_store(root), StoreFiles(root)))


def test_the_cosines_of_both_sides_lie_across_from_each_other(tmp_path: Path) -> None:
    """Of faces 0 and 2 they share a shade: what is the same is drawn symmetrically."""
    root = section(tmp_path)
    shades = {path.attributes["d"]: path.attributes.get("fill-opacity") for path in root.all("path")}
    assert shades["M238 0h24v24h-24zM190 48h24v24h-24z"] == "0.58"
    assert [text.text for text in root.all("text")] == ["a.jpg", "b.jpg"]


def test_the_most_similar_pairs_come_first_with_both_cosines(tmp_path: Path) -> None:
    root = section(tmp_path)
    rows = [[cell.text for cell in row.all("td")] for row in root.all("tr")[1:]]
    assert rows[0] == ["a.jpg, face 0", "b.jpg, face 0", "0.5900", "0.6000"]
    assert len(rows) == 3
    assert "3 faces, no cosine changed by more than 0.01" in root.all("summary")[0].text


def test_one_face_alone_looks_like_nobody(tmp_path: Path) -> None:
    alone = replace(SEEN, similarity=Similarity(("a.jpg, face 0",), ((1.0,),), ((1.0,),)))
    assert similarity(chain_store(tmp_path, alone), StoreFiles(tmp_path)) == ""
