from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from batchproof.errors import InputError
from batchproof.export.recovery.image_size import Size, compared_sizes, declared_size, require_size
from batchproof.zoo import families

DETECTOR, EMBEDDER = families.scrfd().input, families.arcface().input
WHERE = Path("det.onnx")


def declaring(*dims: int | str | None) -> onnx.ModelProto:
    """Make a graph whose weight is declared among its inputs, before the image."""
    inputs: dict[str, tuple[int | str | None, ...]] = {"w": (2, 3, 1, 1), "x": dims}
    declared = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node("Conv", ["x", "w"], ["y"])], "g", declared, [output])
    model: onnx.ModelProto = helper.make_model(graph)
    return model


@pytest.mark.parametrize(
    ("dims", "size"), [((1, 3, 64, 96), (64, 96)), (("N", 3, "H", 96), (0, 96)), ((1, 3, None, -1), (0, 0))]
)
def test_the_image_s_size_is_read_and_0_where_it_is_free(dims: tuple[int | str | None, ...], size: Size) -> None:
    assert declared_size(declaring(*dims), "x") == size


@pytest.mark.parametrize("size", [(0, 0), (640, 640), (32, 0), (4096, 4096)])
def test_a_detector_takes_multiples_of_its_largest_stride(size: Size) -> None:
    require_size(size, DETECTOR, WHERE)


@pytest.mark.parametrize(("size", "shown"), [((100, 96), "100x96"), ((0, 100), r"\?x100")])
def test_a_size_that_a_detector_cannot_take_is_refused(size: Size, shown: str) -> None:
    with pytest.raises(
        InputError, match=rf"det\.onnx: takes images of {shown} where the network takes multiples of 32"
    ):
        require_size(size, DETECTOR, WHERE)


def test_a_size_that_an_embedder_does_not_have_is_refused() -> None:
    require_size((112, 112), EMBEDDER, WHERE)
    with pytest.raises(InputError, match="takes images of 128x128 where the network takes 112x112"):
        require_size((128, 128), EMBEDDER, WHERE)


def test_a_size_that_nobody_can_compute_is_refused() -> None:
    with pytest.raises(InputError, match="takes images of 1048576x1048576, more than 16777216 pixels"):
        require_size((1 << 20, 1 << 20), DETECTOR, WHERE)


@pytest.mark.parametrize(
    ("declared", "sizes"),
    [((0, 0), ((96, 128), (160, 64))), ((64, 0), ((64, 128), (64, 64))), ((64, 160), ((64, 160),))],
)
def test_a_free_size_is_compared_twice(declared: Size, sizes: tuple[Size, ...]) -> None:
    assert compared_sizes(declared, DETECTOR) == sizes


def test_an_embedder_has_one_size() -> None:
    assert compared_sizes((0, 0), EMBEDDER) == compared_sizes((112, 112), EMBEDDER) == ((112, 112),)
