"""Time of the proof against the number of nodes: linear, or the proof is of no use for deep networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from batchproof.artifacts import onnx_file
from batchproof.validate.independence import prove
from benchmarks.timing import best_seconds

_ROUNDS = 7
_BLOCKS = (5, 10, 20, 40, 80, 160, 320, 640)
_CHANNELS, _SIDE = 8, 16


@dataclass(frozen=True)
class Timed:
    """One proof."""

    name: str
    nodes: int
    verdict: str
    seconds: float

    @property
    def microseconds_a_node(self) -> float:
        """What a plot that is a straight line through the origin has as its slope."""
        return self.seconds / self.nodes * 1e6


def measure(files: Iterable[Path]) -> list[Timed]:
    """Time residual networks of 5 to 640 blocks, and whatever models there are in `files`."""
    models = {f"residual, {blocks} blocks": residual(blocks) for blocks in _BLOCKS}
    models |= {file.stem: onnx_file.read(file) for file in files}
    seconds = best_seconds({name: partial(prove, model) for name, model in models.items()}, _ROUNDS)
    return [
        Timed(name, len(model.graph.node), prove(model).status.value, seconds[name]) for name, model in models.items()
    ]


def residual(blocks: int) -> onnx.ModelProto:
    """Make a network of the blocks of ArcFace's iresnet: BN, Conv, BN, PReLU, Conv, BN, and the sum."""
    nodes = [helper.make_node("Conv", ["input", "stem"], ["x0"], pads=[1] * 4)]
    for block in range(blocks):
        nodes += _block(f"x{block}", f"x{block + 1}")
    nodes.append(helper.make_node("Flatten", [f"x{blocks}"], ["flat"]))
    nodes.append(helper.make_node("Gemm", ["flat", "head"], ["embedding"]))
    return helper.make_model(
        helper.make_graph(
            nodes,
            "residual",
            [helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, ["N", 3, _SIDE, _SIDE])],
            [helper.make_tensor_value_info("embedding", onnx.TensorProto.FLOAT, ["N", 4])],
            list(_weights()),
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )


def _block(source: str, result: str) -> Iterator[onnx.NodeProto]:
    norm, conv = ("BatchNormalization", ["norm"] * 4), ("Conv", ["conv"])
    last = source
    for index, (op, weights) in enumerate((norm, conv, norm, ("PRelu", ["slope"]), conv, norm, ("Add", [source]))):
        node = helper.make_node(op, [last, *weights], [result if op == "Add" else f"{result}_{index}"])
        if op == "Conv":
            node.attribute.append(helper.make_attribute("pads", [1] * 4))
        yield node
        last = node.output[0]


def _weights() -> Iterator[onnx.TensorProto]:
    shapes = {
        "stem": (_CHANNELS, 3, 3, 3),
        "conv": (_CHANNELS, _CHANNELS, 3, 3),
        "norm": (_CHANNELS,),
        "slope": (_CHANNELS, 1, 1),
        "head": (_CHANNELS * _SIDE * _SIDE, 4),
    }
    for name, shape in shapes.items():
        yield numpy_helper.from_array(np.ones(shape, np.float32), name)


def plot(timed: Sequence[Timed], path: Path) -> None:
    """Draw milliseconds against nodes, with the line through the origin that fits best."""
    from matplotlib.figure import Figure

    nodes, milliseconds = np.array([(each.nodes, each.seconds * 1e3) for each in timed]).T
    slope = float(nodes @ milliseconds / (nodes @ nodes))
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, nodes.max()], [0, slope * nodes.max()], color="0.7", label=f"{slope * 1e3:.0f} µs a node")
    axes.scatter(nodes, milliseconds, color="tab:blue", zorder=2)
    axes.set(xlabel="nodes in the graph", ylabel="time of the proof (ms)", xlim=(0, None), ylim=(0, None))
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


def markdown(timed: Sequence[Timed], picture: str) -> str:
    """Return the section of the report."""
    rows = "\n".join(
        f"| {each.name} | {each.nodes} | {each.verdict} | {each.seconds * 1e3:.1f} | {each.microseconds_a_node:.0f} |"
        for each in timed
    )
    return f"""## Time of the proof

Time grows with the nodes to the power of {_exponent(timed):.2f}, over the residual networks of more than 100 nodes.

![time of the proof against the number of nodes]({picture})

| model | nodes | verdict | ms | µs a node |
|---|---|---|---|---|
{rows}
"""


def _exponent(timed: Sequence[Timed]) -> float:
    """Fit log(seconds) = exponent * log(nodes) + constant; below 100 nodes the constant part of a proof shows."""
    deep = [each for each in timed if each.name.startswith("residual") and each.nodes > 100]
    nodes, seconds = np.log([(each.nodes, each.seconds) for each in deep]).T
    return float(np.polyfit(nodes, seconds, 1)[0])
