from __future__ import annotations

from xml.etree import ElementTree as Xml

import numpy as np
import pytest

from batchproof.report.heat_map_plot import render
from batchproof.validate.findings import Difference, ProbeResult
from batchproof.validate.heat_map import HeatMap

SVG = "{http://www.w3.org/2000/svg}"
NONE = Difference({})


def drawn(changes: np.ndarray, title: str = "det_500m") -> Xml.Element:
    found = HeatMap(("other picture", "nan"), tuple(map(tuple, changes.tolist())))
    result = ProbeResult("onnxruntime cpu, optimised", 96, 160, (1, 5), NONE, NONE, NONE, heat_map=found)
    return Xml.fromstring(render(result, title))


def squares(svg: Xml.Element, kind: str | None) -> list[Xml.Element]:
    return [square for square in svg.iter(f"{SVG}rect") if square.get("class") == kind]


def texts(svg: Xml.Element) -> list[str]:
    return [text.text or "" for text in svg.iter(f"{SVG}text")]


def test_the_row_is_the_victim_and_the_column_is_poisoned() -> None:
    changes = np.zeros((5, 5))
    changes[3, 1] = 0.25
    svg = drawn(changes)
    (square,) = squares(svg, "change")
    assert square.findtext(f"{SVG}title") == "slot 1 changes slot 3 by 0.25"
    step = float(square.get("width", 0))
    origin = squares(svg, "itself")[0]
    assert float(square.get("x", 0)) - float(origin.get("x", 0)) == 1 * step
    assert float(square.get("y", 0)) - float(origin.get("y", 0)) == 3 * step
    assert (len(squares(svg, None)), len(squares(svg, "itself"))) == (19, 5)
    assert "1 of 20 pairs changed, the worst by 0.25." in texts(svg)
    assert "onnxruntime cpu, optimised, 160x96, batch of 5, one slot poisoned at a time with" in texts(svg)


def test_larger_changes_are_stronger_and_infinite_ones_are_another_colour() -> None:
    svg = drawn(np.array([[0, 1e-6, 1e-2], [np.inf, 0, 1e-9], [0, 0, 0]]))
    opacities = [float(square.get("style", "").split()[-1]) for square in squares(svg, "change")]
    assert opacities == [0.20, 0.71, 0.20]
    assert [square.findtext(f"{SVG}title") for square in squares(svg, "broken")] == ["slot 0 changes slot 1 by ∞"]
    assert {"1e-06", "0.01", "∞"} <= set(texts(svg))


def test_a_clean_map_says_so() -> None:
    assert "No slot changed another one: 6 pairs, every difference exactly 0." in texts(drawn(np.zeros((3, 3))))


@pytest.mark.parametrize("batch", [2, 16, 32])
def test_everything_is_inside_the_drawing(batch: int) -> None:
    svg = drawn(np.ones((batch, batch)) - np.eye(batch))
    width, height = (float(svg.get(side, 0)) for side in ("width", "height"))
    for square in svg.iter(f"{SVG}rect"):
        assert float(square.get("x", 0)) + float(square.get("width", 0)) <= width
        assert float(square.get("y", 0)) + float(square.get("height", 0)) <= height
    numbers = [text for text in texts(svg) if text == "1"]
    assert (len(numbers) > 2) == (batch <= 10)


def test_both_colour_schemes_are_there_and_nothing_is_loaded() -> None:
    text = Xml.tostring(drawn(np.zeros((2, 2))), encoding="unicode")
    assert "@media (prefers-color-scheme: dark)" in text
    assert "currentColor" in text
    assert text.count("http") == text.count("http://www.w3.org/2000/svg")


def test_a_name_is_text_whatever_is_in_it() -> None:
    title = "<script>&\x1b[31m\ud800"
    assert any(text.startswith("<script>&") for text in texts(drawn(np.zeros((2, 2)), title)))


def test_a_long_name_does_not_leave_the_drawing() -> None:
    assert max(map(len, texts(drawn(np.zeros((2, 2)), "x" * 300)))) <= 100


def test_a_result_without_a_map_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="no heat map"):
        render(ProbeResult("r", 1, 1, (1,), NONE, NONE, NONE), "m")
