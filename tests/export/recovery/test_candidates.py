from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from batchproof.errors import InputError
from batchproof.export.networks.catalogue import architecture
from batchproof.export.recovery.candidates import candidates
from batchproof.export.recovery.layers import LayerGraph

Shape = tuple[int, ...]


def shapes_of(name: str) -> list[Shape]:
    tensors = architecture(name).skeleton().state_dict().items()
    return [tuple(tensor.shape) for key, tensor in tensors if key.endswith(".weight") and tensor.ndim > 1]


def layers(shapes: list[Shape], *, copies: int = 1, factor: float = 1.0) -> LayerGraph:
    """Make convolutions and products with these weights, each a number of times, `factor` larger each time."""
    nodes, tensors = [], []
    for index, shape in enumerate(shapes):
        array = np.random.default_rng(index).standard_normal(shape, np.float32)
        for copy in range(copies):
            scaled = array * np.float32(factor**copy)
            name, kind = f"w{index}_{copy}", "Conv" if len(shape) == 4 else "MatMul"
            tensors.append(numpy_helper.from_array(np.ascontiguousarray(scaled if kind == "Conv" else scaled.T), name))
            nodes.append(helper.make_node(kind, ["x", name], [f"y{index}_{copy}"]))
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    output = helper.make_tensor_value_info("y0_0", TensorProto.FLOAT, None)
    return LayerGraph(helper.make_model(helper.make_graph(nodes, "g", [image], [output], tensors)), "x")


def found(graph: LayerGraph) -> list[str]:
    return candidates(graph, Path("model.onnx"))


@pytest.mark.parametrize(("copies", "factor"), [(1, 1.0), (3, 1.0), (3, 0.7)])
def test_weights_are_counted_once_whatever_shares_them(copies: int, factor: float) -> None:
    assert found(layers(shapes_of("scrfd_500m"), copies=copies, factor=factor)) == ["scrfd_500m"]


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
