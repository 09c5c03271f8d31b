from __future__ import annotations

from pathlib import Path

import numpy as np

from batchproof.artifacts.step import Workspace
from batchproof.pipeline.opencv import cv2
from batchproof.pipeline.pictures import read_picture, to_jpeg
from batchproof.validate.thumbnails import thumbnail_step


def test_each_picture_has_a_small_copy_and_its_name(tmp_path: Path) -> None:
    sources = (tmp_path / "wide.png", tmp_path / "small.png")
    for source, shape in zip(sources, ((100, 2000, 3), (30, 20, 3)), strict=True):
        cv2.imwrite(str(source), np.full(shape, 200, np.uint8))
    step = thumbnail_step("pack", sources)
    assert step.produces == ("validate/pictures/0000.jpg", "validate/pictures/0001.jpg")
    outputs = tuple(tmp_path / Path(name).name for name in step.produces)
    outcome = step.action(Workspace((), sources, outputs))
    assert outcome.notes["names"] == ["wide.png", "small.png"]
    assert [read_picture(output).pixels.shape for output in outputs] == [(48, 960, 3), (30, 20, 3)]


def test_a_picture_of_one_line_of_pixels_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "line.jpg").write_bytes(to_jpeg(np.zeros((1, 5000, 3), np.uint8), 960, 80))
    assert read_picture(tmp_path / "line.jpg").pixels.shape == (1, 960, 3)
