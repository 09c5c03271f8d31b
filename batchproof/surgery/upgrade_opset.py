"""Pass: the standard operators in one newer opset. What they compute stays; how their parameters are given changes."""

from __future__ import annotations

import onnx
import onnx_ir as ir
from onnx import helper, version_converter

from batchproof.surgery.converted_graph import differences, keep_names_and_order
from batchproof.surgery.passes import PassResult, Reason, SurgeryPass, changed, unchanged

# Before this one Resize and Upsample had another rule for where pixels lie; onnx's converter does not carry it over.
_RESIZE_WITH_COORDINATES = 11


class UpgradeOpset(SurgeryPass):
    """Convert the standard operators to opset `target` with onnx's converter; a newer graph is left as it is.

    Names and order of nodes and the names of all tensors stay. Parameters that newer operators take as inputs become
    initialisers, not nodes: insightface reads the names of the first eight nodes. Operators of other domains keep
    their version. A graph with anything that cannot be converted is left alone, and `ensures` then names it.
    """

    def __init__(self, target: int) -> None:
        if not 1 <= target <= onnx.defs.onnx_opset_version():
            raise ValueError(f"onnx {onnx.__version__} knows opsets 1 to {onnx.defs.onnx_opset_version()}")
        self._target = target

    def call(self, model: ir.Model) -> PassResult:
        """Convert the whole graph or nothing."""
        version = _version(model)
        if version >= self._target:
            older = (
                f", and newer operators may have no form in {self._target}" if version > self._target else " already"
            )
            return PassResult.of(model, (), otherwise=f"it is in opset {version}{older}")
        reasons = self._obstacles(model) or self._convert(model)
        return PassResult.of(model, reasons, otherwise="")

    def ensures(self, model: ir.Model) -> None:
        """Check that the graph is in `target` or newer."""
        if _version(model) < self._target:
            because = "; ".join(f"'{reason.subject}': {reason.sentence}" for reason in self._obstacles(model))
            raise ir.passes.PostconditionError(f"the graph stays in opset {_version(model)}: {because}")

    def _obstacles(self, model: ir.Model) -> list[Reason]:
        if model.functions:
            return [unchanged(model.graph.name, "onnx's converter loses local functions; inline them first")]
        return _linear_resizes(model, self._target) or _unconvertible(ir.serde.serialize_model(model), self._target)

    def _convert(self, model: ir.Model) -> list[Reason]:
        before, version = model.graph, _version(model)
        converted = version_converter.convert_version(ir.serde.serialize_model(model), self._target)
        model.graph = ir.serde.deserialize_model(converted).graph
        model.opset_imports[""] = self._target
        lowest = helper.find_min_ir_version_for([helper.make_opsetid("", self._target)])
        model.ir_version = max(model.ir_version, lowest)
        keep_names_and_order(model.graph, before)
        return [
            changed(model.graph.name, f"was in opset {version}, is now in {self._target}"),
            *differences(before, model.graph),
            *(unchanged(node.name, f"'{node.domain}' is no standard domain") for node in before if node.domain),
        ]


def _version(model: ir.Model) -> int:
    return model.opset_imports.get("", 1)


def _linear_resizes(model: ir.Model, target: int) -> list[Reason]:
    """Name what onnx would convert to something else without a word."""
    if not _version(model) < _RESIZE_WITH_COORDINATES <= target:
        return []
    because = "it would interpolate between other pixels: before opset 11 linear resizing did not align pixel centres"
    return [
        unchanged(node.name, because)
        for node in model.graph.all_nodes()
        if node.op_type in ("Resize", "Upsample") and node.attributes.get_string("mode", "nearest") != "nearest"
    ]


def _unconvertible(model: onnx.ModelProto, target: int) -> list[Reason]:
    """Try the conversion; return the nodes that stand in the way, or the graph if no single one does."""
    problem = _problem(model, target)
    if problem is None:
        return []
    alone = [(node.name, _problem(_model_of(node, model), target)) for node in model.graph.node if not node.domain]
    because = f"onnx cannot convert it to opset {target} ({problem})"
    return [unchanged(name, because) for name, same in alone if same == problem] or [
        unchanged(model.graph.name, because)
    ]


def _problem(model: onnx.ModelProto, target: int) -> str | None:
    """Return onnx's sentence about a conversion that fails, or whose result does not fit together."""
    try:
        onnx.shape_inference.infer_shapes(version_converter.convert_version(model, target), strict_mode=True)
    except (RuntimeError, version_converter.ConvertError, onnx.shape_inference.InferenceError) as error:
        return str(error).strip().splitlines()[0].rpartition("failed: ")[2]
    return None


def _model_of(node: onnx.NodeProto, model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model of `node` alone, every tensor of which is float32 and of unknown shape."""
    inputs, outputs = (
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in dict.fromkeys(names) if name]
        for names in (node.input, node.output)
    )
    graph = helper.make_graph([node], "one node", inputs, outputs)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
