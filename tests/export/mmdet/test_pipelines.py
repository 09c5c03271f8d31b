from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchproof.errors import InputError
from batchproof.export.mmdet.pipelines import Normalize, normalising_steps

PATH = Path("config.py")
NORMALIZE = {"type": "Normalize", "mean": [104.0] * 3, "std": [2.0] * 3, "to_rgb": False}
FOUND = Normalize("Normalize", (104.0, 104.0, 104.0), (2.0, 2.0, 2.0), to_rgb=False)
LOAD = {"type": "LoadImageFromFile"}
ENDING = [{"type": "ImageToTensor", "keys": ["img"]}, {"type": "Collect", "keys": ["img"]}]


def augmented(*transforms: dict[str, Any]) -> list[dict[str, Any]]:
    """Write a pipeline as SCRFD's configurations do."""
    return [LOAD, {"type": "MultiScaleFlipAug", "img_scale": (640, 640), "flip": False, "transforms": list(transforms)}]


OF_MMDET_2 = augmented(
    {"type": "Resize", "keep_ratio": True},
    {"type": "RandomFlip", "flip_ratio": 0.0},
    NORMALIZE,
    {"type": "Pad", "size": (640, 640), "pad_val": 0},
    *ENDING,
)
OF_MMDET_3 = [
    {"type": "LoadImageFromFile", "backend_args": None},
    {"type": "Resize", "scale": (640, 640), "keep_ratio": True},
    {"type": "Pad", "size": (640, 640), "pad_val": {"img": (114.0, 114.0, 114.0)}},
    {"type": "LoadAnnotations", "with_bbox": True},
    {"type": "PackDetInputs", "meta_keys": ("img_id", "img_path")},
]


def refusal(values: dict[str, object]) -> str:
    with pytest.raises(InputError) as error:
        normalising_steps(values, PATH)
    assert error.value.line().startswith("config.py: configuration refused: ")
    return error.value.line()


def test_the_pipelines_of_both_generations_are_known() -> None:
    values: dict[str, object] = {"test_pipeline": OF_MMDET_2, "val_pipeline": OF_MMDET_3}
    assert normalising_steps(values, PATH) == {"test_pipeline": FOUND, "val_pipeline": None}


@pytest.mark.parametrize("place", ["test_pipeline", "val_pipeline"])
def test_pipelines_have_names_of_their_own(place: str) -> None:
    assert normalising_steps({place: [LOAD, NORMALIZE]}, PATH) == {place: FOUND}


@pytest.mark.parametrize("kind", ["test", "val"])
def test_pipelines_stand_in_data_sets(kind: str) -> None:
    dataset = {"type": "RetinaFaceDataset", "pipeline": [LOAD, NORMALIZE]}
    assert normalising_steps({"data": {kind: dataset}}, PATH) == {f"data.{kind}.pipeline": FOUND}
    loader = {"batch_size": 1, "dataset": dataset}
    assert normalising_steps({f"{kind}_dataloader": loader}, PATH) == {f"{kind}_dataloader.dataset.pipeline": FOUND}


def test_of_several_data_sets_all_pipelines_are_read() -> None:
    datasets = [{"pipeline": [LOAD]}, {"type": "RepeatDataset", "dataset": {"pipeline": [NORMALIZE]}}]
    found = normalising_steps({"data": {"test": {"type": "ConcatDataset", "datasets": datasets}}}, PATH)
    assert found == {"data.test.datasets.0.pipeline": None, "data.test.datasets.1.dataset.pipeline": FOUND}


def test_a_pipeline_without_steps_leaves_pixels_alone() -> None:
    assert normalising_steps({"test_pipeline": []}, PATH) == {"test_pipeline": None}


def test_training_and_what_is_absent_say_nothing() -> None:
    values: dict[str, object] = {
        "train_pipeline": [NORMALIZE],
        "data": {"train": {"pipeline": [NORMALIZE]}},
        "test_pipeline": None,
        "test_dataloader": None,
    }
    assert normalising_steps(values, PATH) == {}


@pytest.mark.parametrize("kind", ["NormalizeImage", "RescaleToZeroOne", "mmcv.Normalize", "TestTimeAug", None, ["Pad"]])
@pytest.mark.parametrize("nested", [False, True], ids=["flat", "augmented"])
def test_a_step_that_is_not_known_is_refused_by_its_type(kind: object, nested: bool) -> None:
    step = {"type": kind, "mean": [0.0] * 3, "std": [1.0] * 3}
    pipeline = augmented(step, NORMALIZE) if nested else [LOAD, step, NORMALIZE]
    assert f"has a step of type {kind!r}, which may change pixels" in refusal({"test_pipeline": pipeline})


@pytest.mark.parametrize("pipeline", [[LOAD, NORMALIZE, NORMALIZE], [NORMALIZE, *augmented(NORMALIZE)]])
def test_a_pipeline_that_normalises_twice_is_refused(pipeline: list[object]) -> None:
    assert "test_pipeline normalises pixels 2 times" in refusal({"test_pipeline": pipeline})


def test_a_pipeline_on_top_of_another_is_refused() -> None:
    inner = {"type": "RetinaFaceDataset", "pipeline": [LOAD, NORMALIZE]}
    values: dict[str, object] = {"data": {"test": {"type": "MultiImageMixDataset", "dataset": inner, "pipeline": []}}}
    assert "data.test.pipeline comes on top of data.test.dataset.pipeline" in refusal(values)


@pytest.mark.parametrize("pipeline", [5, {"type": "Pad"}, ["Pad"], [{"type": "MultiScaleFlipAug"}]], ids=str)
def test_what_is_no_pipeline_is_refused(pipeline: object) -> None:
    assert "test_pipeline" in refusal({"test_pipeline": pipeline})


@pytest.mark.parametrize(
    ("fault", "step"),
    [
        ("LoadImageFromFile.channel_order: Input should be 'bgr', not 'rgb'", {**LOAD, "channel_order": "rgb"}),
        ("LoadImageFromFile.color_type: Input should be", {**LOAD, "color_type": "grayscale"}),
        ("LoadImageFromFile.imdecode_backend: Input should be", {**LOAD, "imdecode_backend": "tifffile"}),
        ("LoadImageFromFile.gamma: Unexpected keyword", {**LOAD, "gamma": 2.2}),
        ("Normalize.std.1: Input should be greater", {**NORMALIZE, "std": [1.0, 0.0, 1.0]}),
        ("Normalize.mean.0: Input should be a valid number, not '1'", {**NORMALIZE, "mean": ["1", 0.0, 0.0]}),
        ("Normalize.inverse: Unexpected keyword", {**NORMALIZE, "inverse": True}),
    ],
)
def test_options_that_are_not_known_are_refused_by_name(fault: str, step: dict[str, object]) -> None:
    assert f"test_pipeline.{fault}" in refusal({"test_pipeline": [step]})
