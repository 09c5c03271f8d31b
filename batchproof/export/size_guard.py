"""The rule for the image size as part of the graph: whoever runs it, a size that the network cannot take is refused.

The levels of a detector meet in sums whose terms fit only where height and width are multiples of its largest stride.
At other sizes some runs fail deep inside, and others end with rows that are wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

_PREFIX = "size_guard"
_TO_THE_END = 2**31 - 1


def guard_size(graph: ir.Graph, multiple_of: int) -> None:
    """Reshape the first input `[N, C, H, W]` to `[N, C, H, W]` with H and W rounded up to multiples of `multiple_of`.

    Where they are such multiples this changes nothing. Elsewhere the image has fewer pixels than the Reshape asks for,
    and the runtime's own message names that node: `input_height_and_width_must_be_multiples_of_32`.
    """
    image = graph.inputs[0]
    readers = tuple(image.uses())
    nodes = _guard(graph, image, multiple_of)
    graph.insert_before(next(iter(graph)), nodes)
    for reader, index in readers:
        reader.replace_input_with(index, nodes[-1].outputs[0])


def _guard(graph: ir.Graph, image: ir.Value, step: int) -> list[ir.Node]:
    """Count the cells by a Slice that takes one pixel of each: ONNX's shape inference follows it, and follows no Div.

    It counts begun cells, so that no size is rounded to 0, which a Reshape takes for the input's own. The batch does
    become 0. Were it inferred, 4 images of 32x48 would pass as 3 of 32x64.
    """
    span = [_constant(graph, "starts", [0, 0]), _constant(graph, "ends", [_TO_THE_END, _TO_THE_END])]
    grid = [_constant(graph, "axes", [2, 3]), _constant(graph, "steps", [step, step])]
    cells = _node("Slice", [image, *span, *grid], f"{_PREFIX}/cells")
    count = _node("Shape", cells.outputs, f"{_PREFIX}/count")
    target = _node("Mul", [*count.outputs, _constant(graph, "scale", [0, 1, step, step])], f"{_PREFIX}/target")
    name = f"{image.name}_height_and_width_must_be_multiples_of_{step}"
    return [cells, count, target, _node("Reshape", [image, *target.outputs], name)]


def _node(op: str, inputs: Sequence[ir.Value], name: str) -> ir.Node:
    node = ir.node(op, inputs, name=name)
    node.outputs[0].name = f"{name}_output"
    return node


def _constant(graph: ir.Graph, name: str, entries: Sequence[int]) -> ir.Value:
    full_name = f"{_PREFIX}/{name}"
    value = ir.Value(name=full_name, const_value=ir.tensor(entries, dtype=ir.DataType.INT64, name=full_name))
    graph.register_initializer(value)
    return value
