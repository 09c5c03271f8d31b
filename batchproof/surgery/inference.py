"""Shape inference for one concrete input: onnx's own rule for every node, with the arithmetic on shapes carried out.

onnx infers whole models too, but below opset 13 it does not see through Shape, Gather and Concat, and those compute the
targets of Reshape and Resize in most published files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx import helper
from onnx.reference import ReferenceEvaluator

from batchproof.surgery.constants import tensor_of

Dims = tuple[int | None, ...]
Array = NDArray[np.generic]

# Arithmetic on shapes has a few elements; anything larger is a weight.
_LARGEST_SHAPE = 64
_LOOK_AT_SHAPE_ONLY = {"Shape", "Size"}


def infer(model: ir.Model, image: Sequence[int]) -> dict[str, Dims]:
    """Infer the shapes of all tensors of the main graph for an image input of the shape `image`.

    What the file declares or records is not believed. A dimension that cannot be inferred is None, a tensor of unknown
    rank is missing. `model` is not changed.
    """
    types = infer_types(model, image)
    shaped = {name: value.tensor_type for name, value in types.items() if value.tensor_type.HasField("shape")}
    return {name: _dims(tensor) for name, tensor in shaped.items()}


def infer_types(model: ir.Model, image: Sequence[int]) -> dict[str, onnx.TypeProto]:
    """Infer like `infer` element types and shapes, those of weights among them; what is not known is not set."""
    inference = _Inference(model)
    inference.start(image)
    for node in model.graph:
        inference.visit(node)
    return inference.types


class _Inference:
    """The types known so far, and the contents of the small constants and shapes."""

    def __init__(self, model: ir.Model) -> None:
        self.types: dict[str, onnx.TypeProto] = {}
        self._contents: dict[str, Array] = {}
        self._graph = model.graph
        self._ir_version = model.ir_version
        self._opsets = [helper.make_opsetid(domain, version) for domain, version in model.opset_imports.items()]

    def start(self, image: Sequence[int]) -> None:
        for value in self._graph.initializers.values():
            self._hold(value, value.const_value)
        for value in self._graph.inputs:
            if not value.is_initializer():
                dtype = int(value.dtype or ir.DataType.FLOAT)
                self.types[str(value.name)] = helper.make_tensor_type_proto(dtype, list(image))

    def visit(self, node: ir.Node) -> None:
        if node.op_type == "Constant" and node.domain == "":
            self._hold(node.outputs[0], tensor_of(node.outputs[0]))
            return
        proto = ir.serde.serialize_node(node)
        self.types.update(self._types_after(proto))
        self._contents.update(self._contents_after(proto))

    def _hold(self, value: ir.Value, tensor: ir.TensorProtocol | None) -> None:
        if tensor is None:
            return
        name = str(value.name)
        self.types[name] = helper.make_tensor_type_proto(int(tensor.dtype), list(tensor.shape.numpy()))
        if tensor.size <= _LARGEST_SHAPE:
            self._contents[name] = tensor.numpy()

    def _types_after(self, node: onnx.NodeProto) -> Mapping[str, onnx.TypeProto]:
        known = {name: self.types[name] for name in node.input if name in self.types}
        data = {name: onnx.numpy_helper.from_array(self._contents[name]) for name in known if name in self._contents}
        version = next((opset.version for opset in self._opsets if opset.domain == node.domain), 0)
        try:
            schema = onnx.defs.get_schema(node.op_type, version, node.domain)
            return onnx.shape_inference.infer_node_outputs(
                schema, node, known, data, opset_imports=self._opsets, ir_version=self._ir_version
            )
        # No such operator; an input of unknown type; shapes that do not fit: nothing is known about the outputs.
        except (onnx.defs.SchemaError, KeyError, onnx.shape_inference.InferenceError):
            return {}

    def _contents_after(self, node: onnx.NodeProto) -> Mapping[str, Array]:
        feeds = {name: self._content(node, name) for name in node.input if name}
        known = {name: content for name, content in feeds.items() if content is not None}
        if not known or len(known) < len(feeds):
            return {}
        model = helper.make_model(
            helper.make_graph(
                [node],
                "one node",
                [helper.make_tensor_value_info(name, self.types[name].tensor_type.elem_type, None) for name in known],
                [helper.make_empty_tensor_value_info(name) for name in node.output],
            ),
            opset_imports=self._opsets,
        )
        try:
            results = ReferenceEvaluator(model).run(None, known)
        except Exception:  # the reference operators raise whatever numpy does; what cannot be computed stays unknown
            return {}
        return {name: np.asarray(result) for name, result in zip(node.output, results, strict=True)}

    def _content(self, node: onnx.NodeProto, name: str) -> Array | None:
        """Return what a node is given at an input; for an operator that asks for its shape alone, any content."""
        if node.op_type in _LOOK_AT_SHAPE_ONLY and name in self.types:
            tensor = self.types[name].tensor_type
            known = [dim for dim in _dims(tensor) if dim is not None]
            complete = tensor.HasField("shape") and len(known) == len(tensor.shape.dim)
            return np.broadcast_to(np.zeros((), np.float32), known) if complete else None
        return self._contents.get(name)


def _dims(tensor: onnx.TypeProto.Tensor) -> Dims:
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
