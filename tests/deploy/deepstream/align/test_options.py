from __future__ import annotations

import dataclasses

import pytest

from tests.deploy.deepstream.align.native import Native, Options

DEFAULT = Options(False, 127.5, 127.5, 0, 1, "")


def test_nothing_said_means_arcface(native: Native) -> None:
    assert native.options({}) == DEFAULT


def test_every_option_is_read(native: Native) -> None:
    said = {"mode": "bbox1.5", "source": "mask", "mean": "0", "std": " 1.5 ", "min-face": "24"}
    found = native.options({**said, "embed-interval": "30", "dump-folder": "/somewhere/crops"})
    assert found == Options(True, 0, 1.5, 24, 30, "/somewhere/crops")
    assert native.options({"mode": "arcface5"}) == DEFAULT


def test_numbers_have_a_point_in_every_language(native: Native) -> None:
    native.shim.shim_decimal_comma(1)
    try:
        assert native.options({"std": "0.5"}) == dataclasses.replace(DEFAULT, std=0.5)
        assert isinstance(native.options({"std": "0,5"}), str)
    finally:
        native.shim.shim_decimal_comma(0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mode", "arcface"),
        ("mode", ""),
        ("source", "pgie"),
        ("mean", "127,5"),
        ("mean", "127.5;127.5;127.5"),
        ("mean", "-1"),
        ("mean", "nan"),
        ("mean", ""),
        ("std", "0"),
        ("std", "-127.5"),
        ("std", "inf"),
        ("std", "1e400"),
        ("min-face", "-1"),
        ("min-face", "16px"),
        ("embed-interval", "0"),
        ("embed-interval", "1.5"),
        ("embed-interval", "99999999999"),
        ("dump-folder", ""),
    ],
)
def test_a_malformed_value_is_named(native: Native, key: str, value: str) -> None:
    assert native.options({key: value}) == f"[user-configs] {key} cannot be '{value}'"


@pytest.mark.parametrize("key", ["modes", "Mode", "offsets", "pixel-normalization-factor", ""])
def test_an_unknown_key_is_named(native: Native, key: str) -> None:
    assert native.options({"mean": "0", key: "1"}) == f"[user-configs] has no key {key}"


def test_landmarks_from_the_tensor_are_refused_with_the_way_out(native: Native) -> None:
    found = native.options({"source": "tensor"})
    assert isinstance(found, str)
    assert found.startswith("source=tensor is not supported: carry the landmarks in the mask")


@pytest.mark.parametrize("shape", [[1, 3, 112, 112], [1024, 3, 256, 256], [16, 3, 1024, 1024]])
def test_shapes_that_have_a_template_fit(native: Native, shape: list[int]) -> None:
    assert native.check_shape(shape) == ""


@pytest.mark.parametrize("size", [96, 192])
def test_any_square_fits_a_box(native: Native, size: int) -> None:
    assert native.check_shape([16, 3, size, size], box_mode=True) == ""
    assert native.check_shape([16, 3, size, size]).startswith(f"no alignment template for crops of {size} pixels")


@pytest.mark.parametrize(
    ("shape", "complaint"),
    [
        ([16, 112, 112, 3], "must be N;3;SIZE;SIZE"),
        ([16, 3, 112, 96], "must be N;3;SIZE;SIZE"),
        ([16, 3, 112], "must be N;3;SIZE;SIZE"),
        ([], "must be N;3;SIZE;SIZE"),
        ([0, 3, 112, 112], "is for 0 faces"),
        ([4096, 3, 112, 112], "is for 4096 faces"),
        ([16, 3, 0, 0], "has 0 pixels a side"),
        ([16, 3, 1120, 1120], "has 1120 pixels a side"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(native: Native, shape: list[int], complaint: str) -> None:
    assert complaint in native.check_shape(shape, box_mode=True)
