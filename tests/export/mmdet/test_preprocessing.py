from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batchproof.errors import InputError
from batchproof.export.mmdet.preprocessing import normalised
from batchproof.zoo import families

PATH = Path("config.py")
NOTHING = {"type": "DetDataPreprocessor", "pad_size_divisor": 32}
IMAGE = families.scrfd().input

Step = dict[str, Any]
Place = Callable[..., Step]


def step(mean: float = 104.0, std: float = 2.0, *, to_rgb: bool = False) -> Step:
    return {"type": "Normalize", "mean": [mean] * 3, "std": [std] * 3, "to_rgb": to_rgb}


def preprocessor(mean: float = 104.0, std: float = 2.0, *, to_rgb: bool = False) -> Step:
    return {"type": "DetDataPreprocessor", "mean": [mean] * 3, "std": [std] * 3, "bgr_to_rgb": to_rgb, "pad_value": 0}


def pipeline(*normalize: Step) -> list[Step]:
    return [{"type": "LoadImageFromFile"}, {"type": "MultiScaleFlipAug", "transforms": [{"type": "Pad"}, *normalize]}]


IN_PIPELINES: dict[str, Place] = {
    "test_pipeline": lambda **way: {"test_pipeline": pipeline(step(**way))},
    "data.test": lambda **way: {"data": {"test": {"pipeline": pipeline(step(**way))}}},
    "test_dataloader": lambda **way: {"test_dataloader": {"dataset": {"pipeline": pipeline(step(**way))}}},
    "val_dataloader": lambda **way: {"val_dataloader": {"dataset": {"pipeline": pipeline(step(**way))}}},
}
BESIDE: dict[str, Place] = {
    "model.data_preprocessor": lambda **way: {"model": {"data_preprocessor": preprocessor(**way)}},
    "data_preprocessor": lambda **way: {"data_preprocessor": preprocessor(**way)},
}
PLACES = {**IN_PIPELINES, **BESIDE}


def found(values: Step) -> tuple[float, float, str]:
    image = normalised(IMAGE, values, PATH)
    assert image is not None
    return image.mean, image.std, image.colour


def refusal(values: Step) -> str:
    with pytest.raises(InputError) as error:
        normalised(IMAGE, values, PATH)
    assert error.value.line().startswith("config.py: configuration refused: ")
    return error.value.line()


@pytest.mark.parametrize("to_rgb", [True, False])
@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_read(place: str, to_rgb: bool) -> None:
    assert found(PLACES[place](to_rgb=to_rgb)) == (104.0, 2.0, "RGB" if to_rgb else "BGR")


@pytest.mark.parametrize("places", [IN_PIPELINES, BESIDE], ids=["in pipelines", "beside the model"])
def test_places_that_do_not_follow_each_other_may_agree(places: dict[str, Place]) -> None:
    values = {key: value for place in places.values() for key, value in place().items()}
    assert found(values) == (104.0, 2.0, "BGR")


@pytest.mark.parametrize("other", [{"mean": 103.0}, {"std": 1.0}, {"to_rgb": True}], ids=str)
@pytest.mark.parametrize(
    ("first", "second"),
    [*(("test_pipeline", place) for place in list(IN_PIPELINES)[1:]), ("model.data_preprocessor", "data_preprocessor")],
)
def test_places_that_disagree_are_refused_with_what_they_say(first: str, second: str, other: Step) -> None:
    line = refusal({**PLACES[first](), **PLACES[second](**other)})
    assert "pixels are normalised in more than one way: " in line
    assert f"{first} has mean 104.0, std 2.0, BGR; {second}" in line


def test_a_pipeline_that_leaves_pixels_alone_disagrees_too() -> None:
    line = refusal({"test_pipeline": pipeline(), **PLACES["data.test"]()})
    assert "test_pipeline has mean 0.0, std 1.0, BGR; data.test.pipeline has mean 104.0, std 2.0, BGR" in line


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("before", IN_PIPELINES)
def test_a_preprocessor_after_a_pipeline_that_normalises_is_refused(before: str, beside: str) -> None:
    line = refusal({**PLACES[before](), **PLACES[beside]()})
    assert "pixels are normalised twice: " in line
    assert f"; and after that {beside} has mean 104.0, std 2.0, BGR" in line


def test_colours_that_are_swapped_after_a_pipeline_are_refused() -> None:
    assert "twice" in refusal({**PLACES["test_pipeline"](), "data_preprocessor": {**NOTHING, "bgr_to_rgb": True}})


@pytest.mark.parametrize("place", PLACES)
def test_where_one_normalises_the_other_may_be_there_and_do_nothing(place: str) -> None:
    other: Step = {"data_preprocessor": NOTHING} if place in IN_PIPELINES else {"test_pipeline": pipeline()}
    assert found({**other, **PLACES[place]()}) == (104.0, 2.0, "BGR")


@pytest.mark.parametrize(
    ("colour", "values"),
    [
        ("BGR", {"test_pipeline": pipeline()}),
        ("BGR", {"data_preprocessor": NOTHING}),
        ("BGR", {"data_preprocessor": {**NOTHING, "mean": None, "std": None, "bgr_to_rgb": False}}),
        ("RGB", {"data_preprocessor": {**NOTHING, "bgr_to_rgb": True}}),
        ("BGR", {"test_pipeline": pipeline(), "model": {"data_preprocessor": NOTHING}}),
    ],
)
def test_pixels_that_nobody_normalises_are_those_that_were_read(colour: str, values: Step) -> None:
    assert found(values) == (0.0, 1.0, colour)


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
    [{}, {"train_pipeline": [step()], "data": {"train": {"pipeline": [step()]}}}, {"model": 5, "data": None}],
    ids=["nothing", "training alone", "odd"],
)
def test_a_configuration_may_say_nothing(values: Step) -> None:
    assert normalised(IMAGE, values, PATH) is None


@pytest.mark.parametrize(
    ("fault", "values"),
    [
        ("data_preprocessor: mean and std belong together", {**NOTHING, "mean": [0.0] * 3}),
        ("data_preprocessor: mean and std belong together", {**NOTHING, "std": [1.0] * 3}),
        ("rgb_to_bgr: Input should be False, not True", {**preprocessor(), "rgb_to_bgr": True}),
        ("to_uint8: Unexpected keyword", {**preprocessor(), "to_uint8": True}),
        ("data_preprocessor.type: Input should be", {**NOTHING, "type": "Mine"}),
        ("data_preprocessor: Input should be a dictionary", 5),
    ],
)
def test_a_preprocessor_that_is_not_known_is_refused_by_name(fault: str, values: object) -> None:
    assert fault in refusal({"data_preprocessor": values})
