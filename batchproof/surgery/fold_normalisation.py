"""Pass: the graph takes raw pixels, and the preprocessing that everybody would have to repeat outside is part of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from batchproof.errors import StepFailedError
from batchproof.surgery import constants
from batchproof.surgery.passes import PassResult, Reason, RecognisedPass, changed, unchanged
from batchproof.surgery.raw_input import RawInput
from batchproof.surgery.shapes import image_input
from batchproof.zoo.recognise import RAW_INPUT, Recognition

# Before this one Sub and Mul did not broadcast as numpy does.
_BROADCASTING_OPSET = 7
_FLOAT_IMAGE = (ir.DataType.FLOAT, 4)
_TO_CHANNELS_FIRST, _TO_CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


def fold(model: onnx.ModelProto, recognition: Recognition, raw: RawInput) -> tuple[onnx.ModelProto, tuple[Reason, ...]]:
    """Return a copy of `model` that takes `raw`, and why it is as it is; `recognition` is that of `model`.

    Raises `StepFailedError` when the graph does not allow it.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    try:
        result = FoldNormalisation(recognition, raw)(ir.serde.deserialize_model(copy))
    except ir.passes.PreconditionError as error:
        raise StepFailedError(f"the preprocessing cannot be put into this graph: {error}") from error
    folded = ir.serde.serialize_model(result.model)
    del folded.graph.value_info[:]  # onnx-ir writes one for every weight
    return folded, result.reasons


class FoldNormalisation(RecognisedPass):
    """Put Cast, Transpose, the exchange of colours, and `(pixel - mean) / std` of the model's spec before the graph.

    Fed with pixels, the result computes bit for bit what the graph computes from insightface's blob of them. Nodes are
    named so that insightface's loaders see it. The metadata entry `batchproof.input` says what the graph takes; a graph
    that has it is left alone.

    For half precision run `to_fp16` first: the pixels are then normalised in float32, and the result is that of the
    FP16 graph bit for bit. The other way round 4 of the 256 pixel values come out one half apart when std is 127.5.
    """

    def __init__(self, recognition: Recognition, raw: RawInput) -> None:
        super().__init__(recognition)
        self._raw = raw

    def requires(self, model: ir.Model) -> None:
        """Check that the image is a float32 NCHW input that is nothing else, and that constants broadcast."""
        super().requires(model)
        image = image_input(model, self._recognition.input_name)
        if RAW_INPUT not in model.metadata_props and (image.dtype, image.shape and len(image.shape)) != _FLOAT_IMAGE:
            raise ir.passes.PreconditionError(f"input '{image.name}' is no float32 image of four axes")
        if image.is_graph_output():
            raise ir.passes.PreconditionError(f"'{image.name}' is both an input and an output")
        if model.opset_imports.get("", 1) < _BROADCASTING_OPSET:
            raise ir.passes.PreconditionError(f"it needs opset {_BROADCASTING_OPSET}; upgrade the graph first")

    def call(self, model: ir.Model) -> PassResult:
        """Insert the nodes in front of all others."""
        image = image_input(model, self._recognition.input_name)
        if found := model.metadata_props.get(RAW_INPUT):
            return PassResult.of(model, [unchanged(image.name, f"it takes raw pixels already ({found})")], otherwise="")
        front = _Front(model.graph, image)
        self._preprocess(front)
        if not front.reasons:
            return PassResult.of(model, [unchanged(image.name, f"it takes {self._raw} as it is")], otherwise="")
        front.attach()
        self._declare(image)
        model.metadata_props[RAW_INPUT] = str(self._raw)
        return PassResult.of(model, [changed(image.name, self._sentence()), *front.reasons], otherwise="")

    def _preprocess(self, front: _Front) -> None:
        """Cast first: TensorRT transposes no uint8. Names start with Sub and Mul: insightface decides by them."""
        spec = self._recognition.spec.input
        if self._raw.dtype == "uint8":
            front.add("Cast", "Cast_pixels", "makes float32 of uint8", to=int(ir.DataType.FLOAT))
        if self._raw.layout == "NHWC":
            front.add("Transpose", "Transpose_pixels", "puts the channels first", perm=_TO_CHANNELS_FIRST)
        if self._raw.colour != spec.colour:
            order = np.array([2, 1, 0], np.int64)
            front.add("Gather", "Gather_colours", f"makes {spec.colour} of {self._raw.colour}", order, axis=1)
        if (spec.mean, spec.std) != (0.0, 1.0):
            # The arithmetic of cv2.dnn.blobFromImage, which makes insightface's blob: first the mean, then the float32
            # reciprocal of std. A Div by 127.5 differs from it in the last bit for 126 of the 256 pixel values.
            front.add("Sub", "Sub_mean", f"subtracts the mean {spec.mean:g}", np.float32(spec.mean))
            front.add("Mul", "Mul_std", f"divides by std {spec.std:g}", np.float32(1.0 / spec.std))

    def _declare(self, image: ir.Value) -> None:
        image.dtype = ir.DataType.UINT8 if self._raw.dtype == "uint8" else ir.DataType.FLOAT
        if self._raw.layout == "NHWC" and image.shape is not None:
            image.shape = ir.Shape([image.shape[axis] for axis in _TO_CHANNELS_LAST])

    def _sentence(self) -> str:
        spec = self._recognition.spec.input
        return (
            f"was float32 NCHW {spec.colour}, (pixel - {spec.mean:g}) / {spec.std:g}; now takes pixels 0..255, "
            f"{self._raw}; {_insightface(self._raw, detector=self._recognition.spec.role == 'detector')}"
        )


def _insightface(raw: RawInput, *, detector: bool) -> str:
    """Say how insightface 2.1 can be made to feed the graph."""
    if (raw.layout, raw.colour) != ("NCHW", "RGB"):
        return "not for insightface, which feeds NCHW RGB and nothing else"
    if detector or raw.dtype == "uint8":
        return "insightface feeds it right only with the preprocessing 'embedded' of a pack manifest or of get_model"
    return "insightface sees that by the names of the new nodes and feeds it right"


class _Front:
    """The nodes to come before all others, each fed by the one before it."""

    def __init__(self, graph: ir.Graph, image: ir.Value) -> None:
        self.reasons: list[Reason] = []
        self._graph = graph
        self._readers = tuple(image.uses())
        self._last = image
        self._nodes: list[ir.Node] = []

    def add(self, op: str, name: str, does: str, constant: Any = None, **attributes: int | Sequence[int]) -> None:
        """Add a node that reads the last one and, where given, a constant."""
        held = [] if constant is None else [constants.add(self._graph, f"{name}_value", np.asarray(constant))]
        node = ir.node(op, [self._last, *held], attributes, name=name)
        node.outputs[0].name = constants.fresh_name(self._graph, f"{name}_output")
        self._nodes.append(node)
        self._last = node.outputs[0]
        self.reasons.append(changed(name, f"is new: {does}"))

    def attach(self) -> None:
        """Let the old readers of the image read the last node instead."""
        first = next(iter(self._graph))
        self._graph.insert_before(first, self._nodes)
        for reader, index in self._readers:
            reader.replace_input_with(index, self._last)
