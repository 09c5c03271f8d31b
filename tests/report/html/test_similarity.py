from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

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


def test_cosines_that_are_no_number_have_no_shade(tmp_path: Path) -> None:
    nothing = tuple((math.nan,) * 3 for _ in range(3))
    seen = replace(SEEN, similarity=replace(SEEN.similarity, batched=nothing))
    root = parsed(similarity(chain_store(tmp_path, seen), StoreFiles(tmp_path)))
    assert "no cosine changed by more than nan" in root.all("summary")[0].text
    shaded = [path for path in root.all("path") if "fill-opacity" in path.attributes]
    assert {path.attributes["d"].count("M") for path in shaded} == {1}
    assert len(shaded) == 3


@pytest.mark.parametrize("rows", [(), ((1.0,), (1.0,), (1.0,)), ((1.0,) * 3,) * 2], ids=["none", "narrow", "few"])
def test_a_matrix_of_another_size_than_the_faces_is_refused(rows: tuple[tuple[float, ...], ...]) -> None:
    with pytest.raises(ValueError, match="3 faces need 3 rows of 3 cosines"):
        replace(SEEN.similarity, original=rows)


def test_one_face_alone_looks_like_nobody(tmp_path: Path) -> None:
    alone = replace(SEEN, similarity=Similarity(("a.jpg, face 0",), ((1.0,),), ((1.0,),)))
    assert similarity(chain_store(tmp_path, alone), StoreFiles(tmp_path)) == ""
