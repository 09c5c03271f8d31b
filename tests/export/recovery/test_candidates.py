from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from batchproof.errors import InputError
from batchproof.export.networks.catalogue import architecture
from batchproof.export.recovery.candidates import candidates
from batchproof.export.recovery.layers import LayerGraph
from batchproof.export.recovery.reference import linear_shapes

Shape = tuple[int, ...]


def shapes_of(name: str) -> list[Shape]:
    return linear_shapes(architecture(name))


def layers(shapes: list[Shape], value: Callable[[int], float] = float, *, stored_once: bool = False) -> LayerGraph:
    """Make convolutions and products of these shapes, the weights of each filled with its value."""
    nodes, tensors = [], {}
    for index, shape in enumerate(shapes):
        name, kind = f"w{shape if stored_once else index}", "Conv" if len(shape) == 4 else "MatMul"
        tensors[name] = numpy_helper.from_array(
            np.full(shape if kind == "Conv" else shape[::-1], value(index), "f4"), name
        )
        nodes.append(helper.make_node(kind, ["x", name], [f"y{index}"]))
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    output = helper.make_tensor_value_info("y0", TensorProto.FLOAT, None)
    return LayerGraph(helper.make_model(helper.make_graph(nodes, "g", [image], [output], list(tensors.values()))), "x")


def found(graph: LayerGraph) -> list[str]:
    return candidates(graph, Path("model.onnx"))


@pytest.mark.parametrize("stored_once", [True, False])
@pytest.mark.parametrize("value", [float, lambda _: 1.0, lambda _: 0.0], ids=["multiples", "copies", "zeros"])
def test_layers_are_counted_whatever_their_weights_share(value: Callable[[int], float], stored_once: bool) -> None:
    graph = layers(shapes_of("scrfd_500m"), value, stored_once=stored_once)
    assert found(graph) == ["scrfd_500m"]


def test_what_only_the_layers_between_tell_apart_are_all_candidates() -> None:
    assert found(layers(shapes_of("scrfd_2.5g_bnkps"))) == ["scrfd_2.5g_bnkps", "scrfd_2.5g_gnkps"]


def test_linear_layers_are_compared_as_torch_stores_them() -> None:
    assert found(layers(shapes_of("mbf_w600k"))) == ["mbf_w600k"]


def test_a_near_one_is_named_with_what_differs() -> None:
    shapes = shapes_of("mobilefacenet_112")
    expected = (
        r"model\.onnx: nearly a mobilefacenet_112, but 1 weights missing: \[64, 3, 3, 3\]; "
        r"2 weights unexpected: \[5, 6, 7, 8\], \[62, 3, 3, 3\]\."
    )
    with pytest.raises(InputError, match=expected):
        found(layers([(62, 3, 3, 3), *shapes[1:], (5, 6, 7, 8)]))


def test_a_foreign_one_is_refused_with_the_known_names() -> None:
    with pytest.raises(InputError, match=r"its 2 convolutions .* of no known architecture\. Known are scrfd_500m"):
        found(layers([(8, 3, 3, 3), (8, 8, 3, 3)]))


def test_a_graph_without_layers_is_refused(tmp_path: Path) -> None:
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [image], [])
    model: onnx.ModelProto = helper.make_model(graph)
    with pytest.raises(InputError, match="its 0 convolutions"):
        candidates(LayerGraph(model, "x"), tmp_path)
