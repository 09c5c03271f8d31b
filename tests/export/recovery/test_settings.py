from __future__ import annotations

import pytest

from batchproof.export.recovery.settings import settings_of


def test_what_is_not_written_has_its_default() -> None:
    written = {"group": 1, "strides": [1, 1], "pads": [0, 0, 0, 0], "dilations": [1, 1], "auto_pad": b"NOTSET"}
    assert settings_of("Conv", {}) == settings_of("Conv", written)
    assert settings_of("Conv", {"strides": [2, 2]}) != settings_of("Conv", written)


def test_the_defaults_of_newer_opsets_are_those_of_older_ones() -> None:
    assert settings_of("Resize", {"antialias": 0, "keep_aspect_ratio_policy": b"stretch"}) == settings_of("Resize", {})
    assert settings_of("Resize", {"antialias": 1}) != settings_of("Resize", {})
    assert settings_of("BatchNormalization", {"training_mode": 0}) == settings_of("BatchNormalization", {})
    assert settings_of("BatchNormalization", {"training_mode": 1}) != settings_of("BatchNormalization", {})


def test_numbers_are_those_that_single_precision_stores() -> None:
    assert settings_of("BatchNormalization", {"epsilon": 9.999999747378752e-06}) == settings_of(
        "BatchNormalization", {}
    )


@pytest.mark.parametrize(
    ("kind", "silent"),
    [
        ("Conv", {"kernel_shape": [3, 3]}),
        ("BatchNormalization", {"momentum": 0.9, "spatial": 1}),
        ("AveragePool", {"ceil_mode": 1, "count_include_pad": 0}),
        ("Resize", {"nearest_mode": b"floor", "coordinate_transformation_mode": b"asymmetric"}),
    ],
)
def test_what_does_not_decide_the_result_is_left_out(kind: str, silent: dict[str, object]) -> None:
    assert settings_of(kind, silent) == settings_of(kind, {})


def test_what_is_silent_of_one_kind_speaks_of_another() -> None:
    assert settings_of("MaxPool", {"kernel_shape": [2, 2]})["kernel_shape"] == (2, 2)


def test_for_one_image_its_axis_may_stand_anywhere() -> None:
    assert settings_of("Transpose", {"perm": [2, 3, 0, 1]}) == settings_of("Transpose", {"perm": [0, 2, 3, 1]})
    assert settings_of("Transpose", {"perm": [0, 3, 2, 1]}) != settings_of("Transpose", {"perm": [0, 2, 3, 1]})
    assert settings_of("Transpose", {}) == {"perm": None}
