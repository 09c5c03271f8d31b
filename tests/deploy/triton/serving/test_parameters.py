from __future__ import annotations

import pytest

from batchproof.deploy.triton.serving.parameters import Parameters, read_parameters
from batchproof.errors import InputError


def config(**parameters: str) -> dict[str, object]:
    return {"parameters": {name: {"string_value": text} for name, text in parameters.items()}}


def test_what_is_not_set_is_insightfaces_default() -> None:
    assert read_parameters({}) == Parameters(0.5, 0.4, 0, 640, 640, 25)


def test_every_parameter_is_read_in_its_own_type() -> None:
    given = config(threshold="0.25", iou="0.3", max_num="7", height="320", width="480", max_megapixels="2")
    found = read_parameters(given)
    assert found == Parameters(0.25, 0.3, 7, 320, 480, 2)
    assert isinstance(found.max_num, int)
    assert found.max_pixels == 2_000_000


def test_tritons_own_parameters_are_left_to_it() -> None:
    assert read_parameters(config(FORCE_CPU_ONLY_INPUT_TENSORS="no")) == Parameters()


@pytest.mark.parametrize(
    ("name", "text", "remedy"),
    [
        ("threshold", "1.5", "Give a number from 0 to 1."),
        ("threshold", "nan", "Give a number from 0 to 1."),
        ("iou", "-0.1", "Give a number from 0 to 1."),
        ("iou", "", "Give a number from 0 to 1."),
        ("max_num", "-1", "Give a whole number, 0 or more."),
        ("max_num", "2.5", "Give a whole number, 0 or more."),
        ("height", "0", "Give a whole number, 1 or more."),
        ("max_megapixels", "1e9", "Give a whole number from 1 to 1000."),
        ("max_megapixels", "0", "Give a whole number from 1 to 1000."),
    ],
)
def test_impossible_values_are_named(name: str, text: str, remedy: str) -> None:
    with pytest.raises(InputError) as caught:
        read_parameters(config(**{name: text}))
    assert caught.value.line() == f"parameter '{name}' is '{text}'. {remedy}"


def test_a_misspelt_parameter_is_named() -> None:
    with pytest.raises(InputError, match=r"unknown parameter 'treshold'\. There are threshold, iou, max_num"):
        read_parameters(config(treshold="0.5"))
