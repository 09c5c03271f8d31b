from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batchproof.errors import InputError
from batchproof.export.mmdet.preprocessing import normalised
from batchproof.zoo import families

PATH = Path("config.py")
NOTHING = {"type": "DetDataPreprocessor"}
IMAGE = families.scrfd().input

Step = dict[str, Any]
Place = Callable[..., Step]


def step(mean: float = 104.0, std: float = 2.0, *, to_rgb: bool = False) -> Step:
    return {"type": "Normalize", "mean": [mean] * 3, "std": [std] * 3, "to_rgb": to_rgb}


def preprocessor(mean: float = 104.0, std: float = 2.0, *, to_rgb: bool = False) -> Step:
    return {"type": "DetDataPreprocessor", "mean": [mean] * 3, "std": [std] * 3, "bgr_to_rgb": to_rgb, "pad_value": 0}


def pipeline(normalize: Step) -> list[Step]:
    return [{"type": "Load"}, {"type": "MultiScaleFlipAug", "transforms": [{"type": "Resize"}, normalize]}]


PLACES: dict[str, Place] = {
    "test_pipeline": lambda **way: {"test_pipeline": pipeline(step(**way))},
    "data.test": lambda **way: {"data": {"test": {"pipeline": pipeline(step(**way))}}},
    "test_dataloader": lambda **way: {"test_dataloader": {"dataset": {"pipeline": pipeline(step(**way))}}},
    "model.data_preprocessor": lambda **way: {"model": {"data_preprocessor": preprocessor(**way)}},
    "data_preprocessor": lambda **way: {"data_preprocessor": preprocessor(**way)},
}


@pytest.mark.parametrize("to_rgb", [True, False])
@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_read(place: str, to_rgb: bool) -> None:
    found = normalised(IMAGE, PLACES[place](to_rgb=to_rgb), PATH)
    assert (found.mean, found.std, found.colour) == (104.0, 2.0, "RGB" if to_rgb else "BGR")


def test_places_may_agree() -> None:
    values = {key: value for place in PLACES.values() for key, value in place().items()}
    assert normalised(IMAGE, values, PATH) == normalised(IMAGE, {"test_pipeline": [step()]}, PATH) != IMAGE


@pytest.mark.parametrize("other", [{"mean": 103.0}, {"std": 1.0}, {"to_rgb": True}], ids=str)
@pytest.mark.parametrize("place", [place for place in PLACES if place != "test_pipeline"])
def test_places_that_disagree_are_refused_with_what_they_say(place: str, other: Step) -> None:
    with pytest.raises(InputError) as error:
        normalised(IMAGE, {**PLACES["test_pipeline"](), **PLACES[place](**other)}, PATH)
    assert "config.py: configuration refused: pixels are normalised in more than one way: " in error.value.line()
    assert "test_pipeline.Normalize has mean 104.0, std 2.0, BGR; " in error.value.line()
    assert f"; {place}" in error.value.line()


def test_two_steps_of_one_pipeline_that_disagree_are_refused() -> None:
    with pytest.raises(InputError, match=r"std 2\.0, BGR; test_pipeline\.Normalize \(2\) has mean 104\.0, std 3\.0"):
        normalised(IMAGE, {"test_pipeline": [step(), step(std=3.0)]}, PATH)


@pytest.mark.parametrize("part", ["mean", "std"])
@pytest.mark.parametrize("place", PLACES)
def test_colours_that_are_treated_differently_are_refused(place: str, part: str) -> None:
    values = PLACES[place]()
    inner = next(_mappings_with(values, part))
    inner[part] = [1.0, 2.0, 3.0]
    with pytest.raises(InputError, match=rf"{place}.*: not all colours have one mean and one std"):
        normalised(IMAGE, values, PATH)


def _mappings_with(value: Any, key: str) -> Iterator[Step]:
    if isinstance(value, dict) and key in value:
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _mappings_with(part, key)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"test_pipeline": [{"type": "Load"}]},
        {"train_pipeline": [step()], "data": {"train": {"pipeline": [step()]}}},
        {"model": {"data_preprocessor": {**NOTHING, "pad_size_divisor": 32}}},
        {"model": 5, "data": None},
    ],
    ids=["nothing", "no Normalize", "training alone", "padding alone", "odd"],
)
def test_without_a_word_on_it_the_familys_preprocessing_stays(values: Step) -> None:
    assert normalised(IMAGE, values, PATH) == IMAGE


@pytest.mark.parametrize(
    ("fault", "values"),
    [
        ("Normalize.std.1: Input should be greater", {"test_pipeline": [{**step(), "std": [1.0, 0.0, 1.0]}]}),
        (
            "Normalize.mean.0: Input should be a valid number, not '1'",
            {"test_pipeline": [{**step(), "mean": ["1", 0.0, 0.0]}]},
        ),
        (
            "Normalize.type: Input should be 'Normalize', not 'mmcv.Normalize'",
            {"data": {"test": [{**step(), "type": "mmcv.Normalize"}]}},
        ),
        (
            "data_preprocessor.std: Field required",
            {"data_preprocessor": {**NOTHING, "mean": [0.0] * 3}},
        ),
        ("rgb_to_bgr: Input should be False, not True", {"data_preprocessor": {**preprocessor(), "rgb_to_bgr": True}}),
        ("to_uint8: Unexpected keyword", {"data_preprocessor": {**preprocessor(), "to_uint8": True}}),
        ("data_preprocessor.type: Input should be", {"data_preprocessor": {**preprocessor(), "type": "Mine"}}),
    ],
)
def test_what_is_not_known_is_refused_by_name(fault: str, values: Step) -> None:
    with pytest.raises(InputError) as error:
        normalised(IMAGE, values, PATH)
    assert fault in error.value.line()
