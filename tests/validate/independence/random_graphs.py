"""Random graphs of supported operators, kept executable by computing each node's shape with numpy for several N."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import helper, numpy_helper

BATCHES = (2, 3, 5)
Array = np.ndarray
Apply = Callable[..., Array]


@dataclass
class Builder:
    """Nodes so far, and for each tensor its array of zeros by batch size."""

    draw: st.DrawFn
    opset: int
    careful: bool
    frame: tuple[int, ...]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    pool: dict[str, dict[int, Array]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pool["image"] = {n: np.zeros((n, *self.frame), np.float32) for n in BATCHES}

    def pick(self, options: Sequence[object]) -> object:
        return self.draw(st.sampled_from(options))

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def tensor(self) -> str:
        return str(self.pick(list(self.pool)[-3:]))

    def shape(self, name: str, n: int = 3) -> tuple[int, ...]:
        return self.pool[name][n].shape

    def axis(self, name: str) -> int:
        """Any axis; when careful, one whose length does not follow the batch."""
        rank = len(self.shape(name))
        axes = list(range(rank))
        if self.careful:
            axes = [axis for axis in axes if self.shape(name, 2)[axis] == self.shape(name, 5)[axis]] or axes
        return int(str(self.pick(list(axes))))

    def constant(self, array: Array) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def weight(self, shape: tuple[int, ...]) -> str:
        values = np.random.default_rng(len(self.constants)).normal(0, 1, shape)
        return self.constant(values.astype(np.float32))

    def ints(self, values: list[int]) -> str:
        return self.constant(np.array(values, dtype=np.int64))

    def add(self, op: str, inputs: list[str], sources: list[str], apply: Apply, **attributes: Any) -> bool:
        """Append a node whose shape is that of `apply`; refuse it unless it runs for every batch size."""
        arrays = {}
        for n in BATCHES:
            try:
                arrays[n] = np.asarray(apply(*(self.pool[name][n] for name in sources)))
            except (ValueError, IndexError):
                return False
            if not 0 < arrays[n].size < 4000 or not 1 <= arrays[n].ndim <= 5:
                return False
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"{op}_{name}", **attributes))
        self.pool[name] = arrays
        return True

    def with_axes(self, op: str, source: str, axes: list[int], since: int, apply: Apply, **attributes: Any) -> None:
        """A node whose axes are an attribute before opset `since` and an input from there on."""
        if self.opset >= since:
            self.add(op, [source, self.ints(axes)], [source], apply, **attributes)
        else:
            self.add(op, [source], [source], apply, axes=axes, **attributes)


def unary(b: Builder) -> None:
    source = b.tensor()
    b.add(str(b.pick(["Relu", "Sigmoid", "Neg", "Tanh", "Abs"])), [source], [source], lambda x: x)


def binary(b: Builder) -> None:
    first, second = b.tensor(), b.tensor()
    b.add(str(b.pick(["Add", "Mul", "Sub", "Max"])), [first, second], [first, second], lambda x, y: x + y)


def with_constant(b: Builder) -> None:
    source = b.tensor()
    shape = [dim if b.integer(0, 1) else 1 for dim in b.shape(source)]
    if b.careful:
        shape = [1 if b.shape(source, 2)[axis] != b.shape(source, 5)[axis] else dim for axis, dim in enumerate(shape)]
    weight = np.zeros(tuple(shape[b.integer(0, len(shape)) :]))
    b.add(str(b.pick(["Add", "Mul"])), [source, b.weight(weight.shape)], [source], lambda x: x + weight)


def transpose(b: Builder) -> None:
    source = b.tensor()
    perm = list(b.draw(st.permutations(range(len(b.shape(source))))))
    b.add("Transpose", [source], [source], lambda x: x.transpose(perm), perm=perm)


def reshape(b: Builder) -> None:
    source = b.tensor()
    shape = list(b.shape(source))
    kind = b.integer(0, 4)
    if kind == 0:  # merge two neighbours
        at = b.integer(0, max(len(shape) - 2, 0))
        target = [*([0] * at), -1, *shape[at + 2 :]]
    elif kind == 1:  # split one axis
        at = b.axis(source)
        parts = [part for part in (2, 3) if shape[at] % part == 0] or [1]
        part = int(str(b.pick(list(parts))))
        target = [*([0] * at), part, -1, *shape[at + 1 :]]
        target = target if at == 0 or b.integer(0, 1) else [-1, *shape[1:at], part, shape[at] // part, *shape[at + 1 :]]
    elif kind == 2:
        target = [0, -1]
    elif kind == 3:
        target = [-1, shape[-1]]
    else:
        target = [int(str(b.pick([-1, 1, 2]))), *shape[1:]] if b.integer(0, 1) else [1, -1]
    resolved = _resolver(target)
    b.add("Reshape", [source, b.ints(target)], [source], resolved)


def _resolver(target: list[int]) -> Apply:
    def apply(x: Array) -> Array:
        return x.reshape([x.shape[axis] if entry == 0 else entry for axis, entry in enumerate(target)])

    return apply


def computed_reshape(b: Builder) -> None:
    """[Shape[i], -1] or [-1, Shape[i]], as exporters write it."""
    source = b.tensor()
    axis = b.integer(0, len(b.shape(source)) - 1)
    shape, number, target = f"shape{len(b.nodes)}", f"number{len(b.nodes)}", f"target{len(b.nodes)}"
    rest = b.ints([-1])
    front = bool(b.integer(0, 1))
    nodes = [
        helper.make_node("Shape", [source], [shape]),
        helper.make_node("Gather", [shape, b.ints([axis])], [number]),
        helper.make_node("Concat", [number, rest] if front else [rest, number], [target], axis=0),
    ]
    before = len(b.nodes)
    kept = b.nodes[:]
    b.nodes.extend(nodes)
    fits = b.add(
        "Reshape",
        [source, target],
        [source],
        lambda x: x.reshape((x.shape[axis], -1) if front else (-1, x.shape[axis])),
    )
    if not fits:
        b.nodes[before:] = kept[before:]


def flatten(b: Builder) -> None:
    source = b.tensor()
    axis = b.integer(0, len(b.shape(source)))
    b.add(
        "Flatten",
        [source],
        [source],
        lambda x: x.reshape(int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis:]))),
        axis=axis,
    )


def softmax(b: Builder) -> None:
    source = b.tensor()
    b.add("Softmax", [source], [source], lambda x: x, axis=b.axis(source))


def reduce_(b: Builder) -> None:
    source = b.tensor()
    op, keep, axis = str(b.pick(["ReduceSum", "ReduceMean", "ReduceMax"])), b.integer(0, 1), b.axis(source)
    since = 13 if op == "ReduceSum" else 18
    b.with_axes(op, source, [axis], since, lambda x: x.sum(axis=axis, keepdims=bool(keep)), keepdims=keep)


def squeeze(b: Builder) -> None:
    source = b.tensor()
    axis = b.integer(0, len(b.shape(source)) - 1)
    b.with_axes("Squeeze", source, [axis], 13, lambda x: x.squeeze(axis))


def unsqueeze(b: Builder) -> None:
    source = b.tensor()
    axis = b.integer(0, len(b.shape(source)))
    b.with_axes("Unsqueeze", source, [axis], 13, lambda x: np.expand_dims(x, axis))


def concat(b: Builder) -> None:
    first, second = b.tensor(), b.tensor()
    axis = b.axis(first)
    b.add("Concat", [first, second], [first, second], lambda x, y: np.concatenate([x, y], axis), axis=axis)


def concat_constant(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    shape = (*b.shape(source)[:axis], 1, *b.shape(source)[axis + 1 :])
    b.add(
        "Concat",
        [source, b.weight(shape)],
        [source],
        lambda x: np.concatenate([x, np.zeros(shape)], axis),
        axis=axis,
    )


def slice_(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    start, end, step = (int(str(b.pick(list(options)))) for options in ((0, 0, 1, -1), (1, 2, -1, 2**62), (1, 1, 2)))
    if b.integer(0, 5) == 0:
        start, end, step = -1, -(2**62), -1
    inputs = [source, *(b.ints([value]) for value in (start, end, axis, step))]
    index = slice(start, None if abs(end) > 2**61 else end, step)
    b.add("Slice", inputs, [source], lambda x: x[tuple([slice(None)] * axis + [index])])


def gather(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    numbers = [b.integer(-1, 1) for _ in range(b.integer(1, 2))]
    indices = np.array(numbers[0] if b.integer(0, 1) else numbers, dtype=np.int64)
    b.add("Gather", [source, b.constant(indices)], [source], lambda x: np.take(x, indices, axis), axis=axis)


def gather_elements(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    shape = [min(dim, 2) if b.integer(0, 1) else dim for dim in b.shape(source)]
    indices = np.zeros(shape, dtype=np.int64)
    b.add(
        "GatherElements",
        [source, b.constant(indices)],
        [source],
        lambda x: np.take_along_axis(x[tuple(slice(0, size) for size in shape)], indices, axis),
        axis=axis,
    )


def split(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    length = b.shape(source)[axis]
    sizes = [1, length - 1]
    name = f"left{len(b.nodes) + 1}"
    inputs = [source, b.ints(sizes)] if b.opset >= 13 else [source]
    attributes: dict[str, Any] = {"axis": axis} if b.opset >= 13 else {"axis": axis, "split": sizes}

    def apply(x: Array) -> Array:
        if x.shape[axis] != length or length < 2:
            raise ValueError("the parts do not fit")
        return np.split(x, [1], axis)[1]

    if b.add("Split", inputs, [source], apply, **attributes):
        b.nodes[-1].output.insert(0, name)


def halves(b: Builder) -> None:
    """Two equal parts, of any axis."""
    source = b.tensor()
    axis = b.integer(0, len(b.shape(source)) - 1)
    attributes: dict[str, Any] = {"axis": axis, "num_outputs": 2} if b.opset >= 18 else {"axis": axis}
    if b.add("Split", [source], [source], lambda x: np.split(x, 2, axis)[1], **attributes):
        b.nodes[-1].output.insert(0, f"left{len(b.nodes)}")


def matmul_constant(b: Builder) -> None:
    source = b.tensor()
    weight = (b.shape(source)[-1], 3)
    b.add("MatMul", [source, b.weight(weight)], [source], lambda x: x @ np.zeros(weight))


def matmul(b: Builder) -> None:
    first, second = b.tensor(), b.tensor()
    b.add("MatMul", [first, second], [first, second], lambda x, y: x @ y)


def attention(b: Builder) -> None:
    """x times x transposed, by Einsum, over any pair of axes of a tensor of rank 3."""
    source = b.tensor()
    if len(b.shape(source)) != 3:
        return
    equation = str(
        b.pick(["abc,adc->abd", "abc,abd->acd", "abc,dbc->abd", "abc,abc->abc", "abc,abc->ab", "abc,abc->ca"])
    )
    b.add("Einsum", [source, source], [source, source], lambda x, y: np.einsum(equation, x, y), equation=equation)


def gemm(b: Builder) -> None:
    source = b.tensor()
    if len(b.shape(source)) != 2:
        return
    flag = b.integer(0, 1)
    rows = b.shape(source)[0 if flag else 1]
    inputs = [source, b.weight((rows, 4)), b.weight((4,))]
    b.add("Gemm", inputs, [source], lambda x: (x.T if flag else x) @ np.zeros((rows, 4)), transA=flag)


def normalise(b: Builder) -> None:
    source = b.tensor()
    shape = b.shape(source)
    if len(shape) < 3:
        return
    op = str(b.pick(["InstanceNormalization", "BatchNormalization", "LpNormalization", "LRN"]))
    follows = b.shape(source, 2)[1] != b.shape(source, 5)[1]
    channels = (shape[1],)
    if op == "LpNormalization":
        b.add(op, [source], [source], lambda x: x, axis=b.axis(source))
    elif op == "LRN" and len(shape) == 4:
        b.add(op, [source], [source], lambda x: x, size=3)
    elif op == "InstanceNormalization" and not follows:
        b.add(op, [source, b.weight(channels), b.weight(channels)], [source], lambda x: x)
    elif op == "BatchNormalization" and not follows:
        positive = b.constant(np.ones(channels, np.float32))
        b.add(op, [source, *(b.weight(channels) for _ in range(3)), positive], [source], lambda x: x)


def conv(b: Builder) -> None:
    source = b.tensor()
    shape = b.shape(source)
    if len(shape) != 3 or b.shape(source, 2)[1] != b.shape(source, 5)[1]:
        return
    kernel = min(shape[2], b.integer(1, 3))
    inputs = [source, b.weight((4, shape[1], kernel))]
    b.add("Conv", inputs, [source], lambda x: np.zeros((x.shape[0], 4, x.shape[2] - kernel + 1)))


def pool(b: Builder) -> None:
    source = b.tensor()
    if len(b.shape(source)) == 3:
        b.add("MaxPool", [source], [source], lambda x: x[:, :, 1:], kernel_shape=[2])


def global_pool(b: Builder) -> None:
    source = b.tensor()
    if len(b.shape(source)) in (3, 4):
        axes = tuple(range(2, len(b.shape(source))))
        b.add("GlobalAveragePool", [source], [source], lambda x: x.mean(axis=axes, keepdims=True))


def pad(b: Builder) -> None:
    source = b.tensor()
    rank, axis = len(b.shape(source)), b.axis(source)
    pads = [int(index in (axis, axis + rank)) for index in range(2 * rank)]
    widths = [(int(index == axis), int(index == axis)) for index in range(rank)]
    b.add("Pad", [source, b.ints(pads)], [source], lambda x: np.pad(x, widths))


def expand(b: Builder) -> None:
    source = b.tensor()
    target = [2, *[1] * (len(b.shape(source)) - b.integer(0, 1))]
    b.add("Expand", [source, b.ints(target)], [source], lambda x: x + np.zeros(target))


def tile(b: Builder) -> None:
    source = b.tensor()
    repeats = [1] * len(b.shape(source))
    repeats[b.axis(source)] = 2
    b.add("Tile", [source, b.ints(repeats)], [source], lambda x: np.tile(x, repeats))


def cumsum(b: Builder) -> None:
    source = b.tensor()
    axis = np.array(b.axis(source), dtype=np.int64)
    b.add("CumSum", [source, b.constant(axis)], [source], lambda x: x)


def top_k(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    if b.add("TopK", [source, b.ints([1])], [source], lambda x: x.max(axis, keepdims=True), axis=axis):
        b.nodes[-1].output.append(f"indices{len(b.nodes)}")


def where(b: Builder) -> None:
    first, second = b.tensor(), b.tensor()
    kept, flag = b.nodes[:], f"flag{len(b.nodes)}"
    b.nodes.append(helper.make_node("Greater", [first, second], [flag]))
    if not b.add("Where", [flag, first, second], [first, second], lambda x, y: x + y):
        b.nodes[:] = kept


def resize(b: Builder) -> None:
    source = b.tensor()
    scales = [1.0] * len(b.shape(source))
    axis = b.axis(source)
    scales[axis] = 2.0
    inputs = [source, b.weight((0,)), b.constant(np.array(scales, np.float32))]
    mode = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    b.add("Resize", inputs, [source], lambda x: np.repeat(x, 2, axis), **mode)


def times_length(b: Builder) -> None:
    """Multiplies with the length of an axis; no row may depend on the number of rows."""
    source = b.tensor()
    index, axis = len(b.nodes), b.integer(0, len(b.shape(source)) - 1)
    names = [f"s{index}", f"n{index}", f"f{index}"]
    kept = b.nodes[:]
    b.nodes += [
        helper.make_node("Shape", [source], names[:1]),
        helper.make_node("Gather", [names[0], b.constant(np.array(axis, np.int64))], names[1:2]),
        helper.make_node("Cast", names[1:2], names[2:], to=onnx.TensorProto.FLOAT),
    ]
    if not b.add("Mul", [source, names[2]], [source], lambda x: x):
        b.nodes[:] = kept


STEPS: list[Callable[[Builder], None]] = [
    unary, binary, with_constant, transpose, transpose, reshape, reshape, computed_reshape, flatten, softmax, reduce_,
    squeeze, unsqueeze, concat, concat_constant, slice_, gather, gather_elements, split, halves, matmul_constant,
    matmul, attention, gemm, normalise, conv, pool, global_pool, pad, expand, tile, cumsum, top_k, where,
    resize, times_length,
]  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn) -> onnx.ModelProto:
    """A graph of up to twelve nodes, whose output is its last tensor, with the batch in front when careful."""
    opset = draw(st.sampled_from([12, 13, 17, 18, 21]))
    frame = draw(st.sampled_from([(4,), (4, 6), (6, 4), (2, 4, 6), (1, 6), (4, 1, 2)]))
    b = Builder(draw, opset, draw(st.integers(0, 3)) > 0, frame)
    for _ in range(draw(st.integers(3, 12))):
        b.pick(list(STEPS))(b)  # type: ignore[operator]
    last = list(b.pool)[-1]
    if last == "image":
        b.add("Relu", ["image"], ["image"], lambda x: x)
        last = list(b.pool)[-1]
    shapes = b.shape(last, 2), b.shape(last, 5)
    followers = [axis for axis, pair in enumerate(zip(*shapes, strict=True)) if pair == (2, 5)]
    if b.careful and followers and followers[0] > 0:
        perm = [followers[0], *(axis for axis in range(len(shapes[0])) if axis != followers[0])]
        b.add("Transpose", [last], [last], lambda x: x.transpose(perm), perm=perm)
        last = list(b.pool)[-1]
    return _model(b, last)


def _model(b: Builder, last: str) -> onnx.ModelProto:
    image = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["N", *b.frame])
    output = helper.make_tensor_value_info(last, onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph(_needed(b.nodes, last), "random", [image], [output], b.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", b.opset)], ir_version=8)


def _needed(nodes: list[onnx.NodeProto], output: str) -> list[onnx.NodeProto]:
    """Without what the output does not need: ONNX Runtime would run it, and refuse batches for its sake."""
    wanted, kept = {output}, list[onnx.NodeProto]()
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.insert(0, node)
            wanted.update(node.input)
    return kept
