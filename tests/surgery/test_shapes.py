from __future__ import annotations

from batchproof.surgery.shapes import BatchShapes, ImageSize, forget_shapes, image_size
from batchproof.zoo.recognise import recognise
from tests.surgery.tiny_graphs import SIZE, detector, embedder, graph, node, node_of, to_ir


def test_the_batch_axis_is_followed_through_a_transpose() -> None:
    model = to_ir(detector())
    shapes = BatchShapes.of(model, SIZE)
    transpose = node_of(model, "Transpose_out_score_8_t")
    assert shapes.batch_axis(transpose.inputs[0]) == 0
    assert shapes.batch_axis(transpose.outputs[0]) == 2
    assert shapes.show(transpose.outputs[0]) == "[8, 12, N, 2]"


def test_rows_of_all_frames_are_no_batch_axis() -> None:
    model = to_ir(detector())
    shapes = BatchShapes.of(model, SIZE)
    output = model.graph.outputs[0]
    assert shapes.batch_axis(output) is None
    assert shapes.follows_batch(output) is False


def test_an_unknown_shape_is_neither_yes_nor_no() -> None:
    nodes = [
        node("NonZero", ["image"], "places"),
        node("ReduceMax", ["places"], "target", axes=[1], keepdims=0),
        node("Reshape", ["image", "target"], "out"),
    ]
    model = to_ir(graph(nodes, {"out": None}, opset=13))
    shapes = BatchShapes.of(model, SIZE)
    assert shapes.batch_axis(model.graph.outputs[0]) is None
    assert shapes.follows_batch(model.graph.outputs[0]) is None


def test_forgetting_keeps_inputs_and_outputs() -> None:
    model = to_ir(detector())
    model.graph[0].outputs[0].shape = model.graph.inputs[0].shape
    forget_shapes(model)
    assert model.graph[0].outputs[0].shape is None
    assert model.graph.inputs[0].shape is not None
    assert all(output.shape is not None for output in model.graph.outputs)


def test_the_size_is_the_declared_one_or_one_that_suits_the_family() -> None:
    fixed, free, small = detector(), detector(image=(1, 3, "H", "W")), embedder()
    assert image_size(to_ir(fixed), recognise(fixed)) == SIZE
    assert image_size(to_ir(free), recognise(free)) == ImageSize(448, 640)
    assert image_size(to_ir(small), recognise(small)) == ImageSize(112, 112)
