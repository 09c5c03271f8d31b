"""Servers that start on what they should, and say why they do not start on anything else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from batchproof.deploy.triton.server import shared_memory
from batchproof.deploy.triton.server.server import ServerOptions, running_server
from batchproof.errors import StepFailedError
from batchproof.pipeline.pictures import Picture
from tests.deploy.triton.packs import ServedPack
from tests.deploy.triton.repositories import Layout, lay_repository
from tests.deploy.triton.served.asking import ask_frame

pytestmark = pytest.mark.served
DETECTOR = "det_500m.fp32"


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "an unknown parameter": (
        lambda models: replaced(models / "faces" / "config.pbtxt", '"iou"', '"IoU"'),
        "unknown parameter 'IoU'. There are threshold, iou, max_num, height, width, max_megapixels.",
    ),
    "an impossible threshold": (
        lambda models: replaced(models / "faces" / "config.pbtxt", '"0.4"', '"40 %"'),
        "parameter 'iou' is '40 %'. Give a number from 0 to 1.",
    ),
    "no description": (
        lambda models: (models / "faces" / "1" / "pipeline.json").unlink(),
        "pipeline.json: cannot be read",
    ),
    "no network": (
        lambda models: (models / DETECTOR / "1" / "model.onnx").unlink(),
        "ONNX Runtime cannot load this network",
    ),
    "other names": (
        lambda models: replaced(models / DETECTOR / "config.pbtxt", '"score_8"', '"score_eight"'),
        "config.pbtxt says bbox_16, bbox_32, bbox_8, kps_16, kps_32, kps_8, score_16, score_32, score_eight.",
    ),
    "threads that are no number": (
        lambda models: replaced(models / DETECTOR / "config.pbtxt", 'string_value: "1"', 'string_value: "many"'),
        "parameter 'threads' is 'many'. Give a whole number, 0 or more.",
    ),
    "a field that Triton does not know": (
        lambda models: replaced(models / DETECTOR / "config.pbtxt", "max_batch_size", "max_batch_sizes"),
        'has no field named "max_batch_sizes"',
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_keeps_a_server_from_starting_is_said(pack: ServedPack, tmp_path: Path, name: str) -> None:
    spoil, sentence = BROKEN[name]
    layout = Layout(instances=1, parameters={"iou": "0.4"})
    models = lay_repository(tmp_path / "model_repository", pack.pipeline, pack.files, layout)
    spoil(models)
    with pytest.raises(StepFailedError) as caught, running_server(models):
        pass
    assert sentence in caught.value.line()
    assert not any(word in caught.value.line() for word in ("Traceback", "At:", "model.py("))
    assert shared_memory.regions(f"{shared_memory.OURS}{os.getpid()}_") == []


@pytest.mark.parametrize("platform", ['platform: "tensorrt_plan"', 'backend: "onnxruntime"'])
def test_stand_ins_answer_for_backends_that_are_not_here(
    pack: ServedPack, pictures: list[Picture], tmp_path: Path, platform: str
) -> None:
    layout = Layout(instances=1, platform=platform)
    models = lay_repository(tmp_path / "model_repository", pack.pipeline, pack.files, layout)
    if "tensorrt" in platform:
        (tmp_path / "engines").mkdir()
        for model in pack.files:
            shutil.move(models / model / "1" / "model.onnx", tmp_path / "engines" / f"{model}.onnx")
    with running_server(models, ServerOptions(stand_ins=True)) as server:
        assert ask_frame(server, pictures[0].pixels)["num_faces"].tolist() == [[1]]
        name = platform.split('"')[1].removesuffix("_plan")
        assert f"{DETECTOR}: backend {name} is a stand-in, ONNX Runtime on the CPU runs " in server.log


def test_an_operator_sets_thresholds_and_sizes(pack: ServedPack, pictures: list[Picture], tmp_path: Path) -> None:
    chosen = {"threshold": "0.6", "max_num": "2", "height": "320", "width": "320", "max_megapixels": "1"}
    layout = Layout(instances=1, parameters=chosen)
    models = lay_repository(tmp_path / "model_repository", pack.pipeline, pack.files, layout)
    (models / DETECTOR / "configs").mkdir()
    shutil.copy(models / DETECTOR / "config.pbtxt", models / DETECTOR / "configs" / "rehearsal.pbtxt")
    replaced(models / DETECTOR / "config.pbtxt", "KIND_CPU", "KIND_GPU")
    crowd = next(picture.pixels for picture in pictures if picture.name == "lumia.jpg")
    with running_server(models, ServerOptions(config_name="rehearsal")) as server:
        answer = ask_frame(server, cv2.resize(crowd, (1000, 700)))
        assert answer["boxes"].shape == (1, 2, 4)
        assert answer["scores"].min() >= 0.6
        with pytest.raises(Exception, match="frame 0: 1100x1000 is more than 1 megapixels"):
            ask_frame(server, np.zeros((1000, 1100, 3), np.uint8))
