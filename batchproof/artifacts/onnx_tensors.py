"""All tensors that an ONNX model holds, wherever it holds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import onnx


def named_tensors(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Yield weights, the parts of sparse weights, and constants in attributes, of subgraphs and functions too.

    A tensor in an attribute goes by the name of what its node makes.
    """
    yield from _tensors_of_graph(model.graph)
    for function in model.functions:
        yield from _tensors_of_nodes(function.node)


def _tensors_of_graph(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    yield from ((tensor.name, tensor) for tensor in graph.initializer)
    for sparse in graph.sparse_initializer:
        yield from ((sparse.values.name, tensor) for tensor in (sparse.values, sparse.indices))
    yield from _tensors_of_nodes(graph.node)


def _tensors_of_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[tuple[str, onnx.TensorProto]]:
    for node in nodes:
        for attribute in node.attribute:
            name = next(iter(node.output), node.name)
            yield from ((name, tensor) for tensor in (attribute.t, *attribute.tensors))
            for subgraph in (attribute.g, *attribute.graphs):
                yield from _tensors_of_graph(subgraph)
