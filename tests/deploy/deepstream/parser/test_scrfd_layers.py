"""Which output is what."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.deploy.deepstream.parser.nvinfer_layers import INT8, Layer
from tests.deploy.deepstream.parser.parser_library import Parsers
from tests.deploy.deepstream.parser.raw_outputs import BOXES_ONLY, FIVE_LEVELS, SIZE, Outputs, crowd, one_face

Change = Callable[[list[Layer]], list[Layer]]


def layers(outputs: Outputs) -> list[Layer]:
    return [Layer.of(name, values) for name, values in outputs.items()]


def renamed(given: list[Layer]) -> list[Layer]:
    """As PyTorch numbers them in the published files."""
    return [dataclasses.replace(layer, name=str(443 + 25 * index).encode()) for index, layer in enumerate(given)]


def reshaped(given: list[Layer]) -> list[Layer]:
    return [dataclasses.replace(layer, dims=(1, *layer.dims), num_dims=3) for layer in given]


def decoy(given: list[Layer]) -> list[Layer]:
    """Foreign outputs, one of them shaped like scores: names decide."""
    quality = Layer.of("quality", np.ones(given[0].dims, np.float32))
    return [quality, *given, Layer.of("features", np.ones((7, 9), np.float32))]


SAME: dict[str, Change] = {
    "backwards": lambda given: given[::-1],
    "without names": lambda given: [dataclasses.replace(layer, name=None) for layer in given],
    "numbered": renamed,
    "with an axis of length 1 before": reshaped,
    "among others": decoy,
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
@pytest.mark.parametrize("levels", [3, 5])
def test_outputs_are_found_by_name_and_by_shape(
    parsers: Parsers, capfd: pytest.CaptureFixture[str], levels: int, change: Change
) -> None:
    given = layers(crowd(FIVE_LEVELS) if levels == 5 else crowd())
    found, masks = parsers.masks(given, SIZE)
    assert len(found) > 20
    again, same_masks = parsers.masks(change(given), SIZE)
    np.testing.assert_array_equal(again["score"], found["score"])
    np.testing.assert_array_equal(again["left"], found["left"])
    np.testing.assert_array_equal(same_masks, masks)
    assert capfd.readouterr().err == ""


def without(name: bytes) -> Change:
    return lambda given: [layer for layer in given if layer.name != name]


def changed(name: bytes, **changes: Any) -> Change:
    return lambda given: [dataclasses.replace(layer, **changes) if layer.name == name else layer for layer in given]


WRONG: dict[str, tuple[Change, str]] = {
    "nothing": (lambda given: [], "no output is 'score_8' [1024, 1]; there are: none"),
    "no scores": (without(b"score_8"), "no output is 'score_8' [1024, 1]; there are: 'score_16' [256, 1],"),
    "no boxes": (without(b"bbox_32"), "no output is 'bbox_32' [64, 4]"),
    "twice": (lambda given: [*given, given[1]], "2 outputs could be 'score_16' [256, 1]: only one may"),
    "two shapes alike": (
        lambda given: renamed([*given, given[0]]),
        "2 outputs could be 'score_8' [1024, 1]: only one may have that name, or that shape where none has",
    ),
    "integers": (
        changed(b"score_8", data_type=INT8),
        "; 1 others are no [rows, channels] of FLOAT or HALF on the host",
    ),
    "no memory": (changed(b"bbox_8", values=None), "no output is 'bbox_8' [1024, 4]"),
    "rank 1": (changed(b"score_8", dims=(1024,), num_dims=1), "no output is 'score_8'"),
    "rank 0": (changed(b"score_8", dims=(), num_dims=0), "no output is 'score_8'"),
    "a rank beyond 8": (changed(b"score_8", num_dims=9), "no output is 'score_8'"),
    "another frame": (changed(b"score_8", dims=(2, 512, 1), num_dims=3), "no output is 'score_8'"),
    "fewer elements than its shape": (changed(b"score_8", num_elements=1023), "no output is 'score_8'"),
    "a flattened batch": (changed(b"score_8", dims=(1, 1), num_elements=1), "no output is 'score_8'"),
    "elements that overflow": (changed(b"score_8", dims=(2**31, 2), num_elements=0), "no output is 'score_8'"),
}


@pytest.mark.parametrize(("change", "reason"), WRONG.values(), ids=WRONG)
def test_outputs_that_do_not_fit_are_no_faces_and_one_line(
    parsers: Parsers, capfd: pytest.CaptureFixture[str], change: Change, reason: str
) -> None:
    given = change(layers(crowd()))
    assert len(parsers.boxes(given, SIZE)) == 0
    told = capfd.readouterr().err
    assert reason in told
    assert told.startswith("batchproof: SCRFD parser: ")
    assert told.count("\n") == 1


@pytest.mark.parametrize("size", [(0, 0), (100, 128), (128, 250), (2**32 - 32, 2**32 - 32), (1, 2**31)])
def test_networks_of_other_sizes_find_nothing(
    parsers: Parsers, capfd: pytest.CaptureFixture[str], size: tuple[int, int]
) -> None:
    assert len(parsers.boxes(layers(crowd()), size)) == 0
    multiples = size[0] % 32 == size[1] % 32 == 0 < min(size)
    told = "no output is 'score_8'" if multiples else "the sides of the network are no multiples of 32 pixels"
    assert told in capfd.readouterr().err


def test_names_cannot_write_to_the_terminal(parsers: Parsers, capfd: pytest.CaptureFixture[str]) -> None:
    evil = b"\x1b[2J\n" + b"x" * 1000
    assert len(parsers.boxes([Layer.of("", np.zeros((3, 5), np.float32))], SIZE)) == 0
    capfd.readouterr()
    parsers.boxes([dataclasses.replace(Layer.of("", np.zeros((3, 5), np.float32)), name=evil)], SIZE)
    assert f"there are: '?[2J?{'x' * 59}' [3, 5]\n" in capfd.readouterr().err


def test_a_detector_without_landmarks_lists_faces_without_masks(
    parsers: Parsers, capfd: pytest.CaptureFixture[str]
) -> None:
    outputs = crowd(BOXES_ONLY)
    assert len(parsers.boxes(layers(outputs), SIZE)) > 20
    assert capfd.readouterr().err == ""
    found, masks = parsers.masks(layers(outputs), SIZE)
    assert len(found) == len(parsers.boxes(layers(outputs), SIZE))
    assert not found["mask"].any()
    assert not found["mask_size"].any()
    assert np.isnan(masks).all()
    assert "no output is 'kps_32' [64, 10]" in capfd.readouterr().err


def test_landmarks_of_some_levels_are_none(parsers: Parsers) -> None:
    outputs = one_face()
    assert parsers.masks(layers(outputs), SIZE)[0]["mask"].all()
    del outputs["kps_8"]
    found, _ = parsers.masks(layers(outputs), SIZE)
    assert len(found) == 1
    assert not found["mask"].any()
