"""Configuration against network: names, shapes and types of what goes in, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.elements import NvInfer
from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.inputs import cutting, fed, networks_of
from batchproof.deploy.lint.network import Network
from batchproof.deploy.lint.values import as_integers, as_list
from batchproof.deploy.lint.version import Version
from batchproof.verdict import Status

_CUSTOM_ORDER = 2
_FULL_RANK = 4
# nvdspreprocess's numbers of tensor types. Until 6.2 FP16 was 5; the two types of 64 bits that moved it came later, and
# 8.0 has them. What lies between is not known, so 5 and more is judged from 8.0 on.
_TYPES = {"FLOAT": 0, "UINT8": 1, "INT8": 2, "UINT32": 3, "INT32": 4, "INT64": 5, "UINT64": 6, "FLOAT16": 7}
_TYPES_KNOWN_FROM: Version = (8, 0)
_FIRST_MOVED = 5


def _name(bundle: Bundle) -> Iterator[Fault]:
    for element, network in fed(bundle):
        known = [tensor.name for tensor in network.inputs]
        written = element.settings.text("tensor-name")
        if written and written not in known:
            sentence = f"the network has no input {quoted(written)}: nvinfer warns once and infers nothing"
            yield Fault(element.place("tensor-name"), sentence, f"Write tensor-name={known[0]}")


def _type(bundle: Bundle) -> Iterator[Fault]:
    for element, network in fed(bundle):
        image = network.image
        number = element.integer("tensor-data-type", -1)
        if image is None or number < 0 or not _is_judged(number, bundle.release):
            continue
        expected = _TYPES.get(image.dtype)
        if expected is not None and number != expected:
            found = next((name for name, known in _TYPES.items() if known == number), str(number))
            sentence = f"prepares {found} for an input of {image.dtype}: nobody compares them, the network reads noise"
            yield Fault(element.place("tensor-data-type"), sentence, f"Write tensor-data-type={expected}")


def _is_judged(number: int, release: Version | None) -> bool:
    return number < _FIRST_MOVED or (release is not None and release >= _TYPES_KNOWN_FROM)


def _shape(bundle: Bundle) -> Iterator[Fault]:
    for element, network in fed(bundle):
        image, shape = network.image, element.shape
        if image is None or not shape:
            continue
        agrees = len(shape) == len(image.dims) and all(
            dim in (None, given) for dim, given in zip(image.dims[1:], shape[1:], strict=True)
        )
        if not agrees:
            sentence = f"prepares {shape}, the network takes {image.shape}: nvinfer infers nothing, or rubbish"
            wanted = ";".join(str(dim or given) for dim, given in zip(image.dims[1:], shape[1:], strict=False))
            yield Fault(
                element.place("network-input-shape"), sentence, f"Write network-input-shape={shape[0]};{wanted}"
            )


def _processing_size(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.preprocesses:
        order, shape = element.integer("network-input-order", 0), element.shape
        if order == _CUSTOM_ORDER or len(shape) != _FULL_RANK:
            continue
        height, width = shape[2:] if order == 0 else shape[1:3]
        for key, size in (("processing-width", width), ("processing-height", height)):
            if element.integer(key, size) != size:
                sentence = f"{key} is not the {size} of network-input-shape: nvdspreprocess ends the pipeline"
                yield Fault(element.place(key), sentence, f"Write {key}={size}")


def _input_type(bundle: Bundle) -> Iterator[Fault]:
    for element, network in cutting(bundle):
        image = network.image
        if image is not None and image.dtype != "FLOAT":
            sentence = f"nvinfer writes FP32 into every input, and {quoted(image.name)} is {image.dtype}"
            remedy = "Keep inputs and outputs FP32: batchproof surgery --fp16 does"
            yield Fault(element.place("onnx-file"), f"{sentence}: the network reads noise", remedy)


def _no_batch_in_outputs(bundle: Bundle) -> Iterator[Fault]:
    for element, network in networks_of(bundle):
        if _is_stock_scrfd(network):
            shapes = network.outputs[0].shape
            sentence = f"its outputs, {shapes} the first, have no batch: nvinfer takes the rows for the batch"
            remedy = "Give them one: batchproof surgery MODEL.onnx -o OUT.onnx"
            yield Fault(element.place("onnx-file"), f"{sentence}, and the parser sees one number", remedy)


def _is_stock_scrfd(network: Network) -> bool:
    """An output is `[N, rows, channels]` where it has a batch."""
    return network.is_detector and any(len(tensor.dims) < 3 for tensor in network.outputs)


def _mixes_frames(bundle: Bundle) -> Iterator[Fault]:
    for element, network in networks_of(bundle):
        refuted = network.proof.status is Status.REFUTED and element.batch_size > 1
        if refuted and not _is_stock_scrfd(network):
            sentence = f"the network mixes the frames of a batch ({network.proof.reason}), and batch-size is"
            remedy = "Repair it: batchproof surgery MODEL.onnx -o OUT.onnx"
            yield Fault(element.place("onnx-file"), f"{sentence} {element.batch_size}", remedy)


def _size_missing(bundle: Bundle) -> Iterator[Fault]:
    for element, network in networks_of(bundle):
        image = network.image
        if image and None in image.dims[1:] and not element.settings.entry("infer-dims"):
            sentence = f"the input {image.shape} leaves its size open, and -1 reaches TensorRT: no engine is built"
            yield Fault(element.place("infer-dims"), sentence, "Add infer-dims=3;640;640, or your size")


def _size_differs(bundle: Bundle) -> Iterator[Fault]:
    for element, network in networks_of(bundle):
        image, dims = network.image, as_integers(element.settings.text("infer-dims"))
        if not image or not dims or _is_nhwc(element):
            continue
        if any(dim not in (None, given) for dim, given in zip(image.dims[1:], dims, strict=False)):
            sentence = f"infer-dims is {dims}, and the network takes {image.shape} alone: no engine is built"
            yield Fault(element.place("infer-dims"), sentence, "Give the network's own size, or an ONNX of free size")
        elif network.spec and any(size % network.spec.input.multiple_of for size in dims[1:]):
            sentence = f"an SCRFD takes multiples of {network.spec.input.multiple_of} pixels: its strides do not fit"
            yield Fault(element.place("infer-dims"), f"{sentence} {dims[1:]}", "Round them up")


def _output_names(bundle: Bundle) -> Iterator[Fault]:
    for element, network in networks_of(bundle):
        known = {tensor.name for tensor in network.outputs}
        strangers = [name for name in as_list(element.settings.text("output-blob-names")) if name not in known]
        if strangers:
            sentence = f"the network has no output {quoted(strangers[0])}; nvinfer warns and takes those it has"
            yield Fault(
                element.place("output-blob-names"), sentence, "Remove the key: an ONNX names its outputs itself"
            )


def _is_nhwc(element: NvInfer) -> bool:
    return element.integer("network-input-order", 0) == 1


RULES = (
    Rule("tensors.name", "error", "`tensor-name` is no input of the network.", _name, "network"),
    Rule("tensors.type", "error", "`tensor-data-type` is not the type of the input.", _type, "network"),
    Rule("tensors.shape", "error", "`network-input-shape` is not what the network takes.", _shape, "network"),
    Rule("tensors.processing_size", "error", "`processing-width` or `-height` differs from it.", _processing_size),
    Rule(
        "tensors.input_type", "error", "An input that is not FP32, which is all nvinfer writes.", _input_type, "network"
    ),
    Rule(
        "tensors.no_batch_in_outputs",
        "error",
        "A stock SCRFD, whose outputs have no batch axis.",
        _no_batch_in_outputs,
        "network",
    ),
    Rule(
        "tensors.mixes_frames",
        "error",
        "A network that is refuted (`batchproof prove`), in batches of more than one.",
        _mixes_frames,
        "network",
    ),
    Rule("tensors.size_missing", "error", "No `infer-dims` for a network of free size.", _size_missing, "network"),
    Rule(
        "tensors.size_differs",
        "error",
        "`infer-dims` that the network does not take, or not in multiples of its stride.",
        _size_differs,
        "network",
    ),
    Rule(
        "tensors.output_names",
        "warning",
        "`output-blob-names` that the network does not have.",
        _output_names,
        "network",
    ),
)
