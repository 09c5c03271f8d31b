from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from batchproof.report.html.spread import spread
from batchproof.report.html.store_files import StoreFiles
from batchproof.validate.chain.chain_file import Errors
from tests.report.chains import SEEN, chain_store
from tests.report.html.document import Node, parsed


def card(root: Path, errors: Errors) -> Node:
    return parsed(spread(chain_store(root, replace(SEEN, errors=errors)), StoreFiles(root)))


def test_a_dot_lies_at_the_power_of_its_error(tmp_path: Path) -> None:
    (dots,) = card(tmp_path, Errors(box=(0.0, 1e-12, 1e-3, math.inf), landmark=(), score=(), cosine=())).all(
        "path", "dots"
    )
    places = [dot.split()[0] for dot in dots.attributes["d"].split("M")[1:]]
    first, _, middle, last = places
    assert places[0] == places[1]
    assert float(middle) - float(first) == 6 * 44
    assert float(last) - float(first) == 11 * 44  # beyond the axis is at its end


def test_each_quantity_has_median_and_worst(tmp_path: Path) -> None:
    errors = Errors(box=(0.1, 0.2, 0.4), landmark=(), score=(1e-5,), cosine=())
    texts = [node.text for node in card(tmp_path, errors).all("text")]
    assert texts[-4:] == ["box (px)", "0.2, 0.4", "score", "1e-05, 1e-05"]


def test_a_chain_without_faces_has_no_errors_to_show(tmp_path: Path) -> None:
    nothing = replace(SEEN, errors=Errors((), (), (), ()))
    assert spread(chain_store(tmp_path, nothing), StoreFiles(tmp_path)) == ""
