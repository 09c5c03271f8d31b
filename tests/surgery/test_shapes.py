from __future__ import annotations

from batchproof.surgery.shapes import ImageSize, forget_shapes, image_size
from batchproof.zoo.recognise import recognise
from tests.surgery.tiny_graphs import SIZE, detector, embedder, to_ir


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
