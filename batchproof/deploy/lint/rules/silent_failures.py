"""What runs without an error and gives no faces, wrong faces, or too few of them: detectors and embedders."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.elements import BOX_PARSER, DETECTOR, MASK_PARSER, OTHER, NvInfer
from batchproof.deploy.lint.finding import Fault, Rule
from batchproof.deploy.lint.values import as_boolean

_PARSERS = (BOX_PARSER, MASK_PARSER, "parse-classifier-func-name", "parse-segmentation-func-name")
_BILINEAR = 1
_OLDEST_DEFAULT = "0 groups rectangles, or is NMS at IoU 0.5 with 20 faces, depending on how nvinfer was built"


def _box_parser(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        network = bundle.network(element)
        if element.network_type != DETECTOR or element.text(BOX_PARSER):
            continue
        if element.text(MASK_PARSER):
            sentence = f"{MASK_PARSER} is not called for network-type=0, and nvinfer's own parser knows no SCRFD"
            yield Fault(element.place(MASK_PARSER), sentence, f"Write network-type=3, or {BOX_PARSER}")
        elif network and network.is_detector:
            sentence = (
                "nvinfer's own parser knows no SCRFD: it logs that it cannot find its layers, and there are no faces"
            )
            yield Fault(element.place(BOX_PARSER), sentence, f"Add {BOX_PARSER} and custom-lib-path")


def _parser_library(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        named = next((key for key in _PARSERS if element.text(key)), None)
        if named and not element.text("custom-lib-path"):
            sentence = f"without a library {named} is not looked up: nvinfer tries its own parser, and says nothing"
            yield Fault(element.place(named), sentence, "Add custom-lib-path")


def _clustering(bundle: Bundle) -> Iterator[Fault]:
    for element in _scrfds(bundle):
        if element.network_type == DETECTOR and not element.settings.entry("cluster-mode"):
            sentence = f"cluster-mode is 0 by default, and {_OLDEST_DEFAULT}"
            yield Fault(element.place("cluster-mode"), sentence, "Write cluster-mode=4 where the parser does it, or 2")


def _aspect(bundle: Bundle) -> Iterator[Fault]:
    for element in _scrfds(bundle):
        if bundle.cuts_its_own(element) and not element.flag("maintain-aspect-ratio"):
            sentence = "faces are stretched to the network's size: SCRFD finds fewer, and their landmarks are off"
            yield Fault(element.place("maintain-aspect-ratio"), sentence, "Write maintain-aspect-ratio=1")


def _padding(bundle: Bundle) -> Iterator[Fault]:
    for element in _scrfds(bundle):
        if element.flag("symmetric-padding"):
            sentence = (
                "insightface puts the picture to the top left, and whoever maps landmarks back must know the shift"
            )
            yield Fault(element.place("symmetric-padding"), sentence, "Write symmetric-padding=0")


def _scaling(bundle: Bundle) -> Iterator[Fault]:
    for element in _scrfds(bundle):
        if bundle.cuts_its_own(element) and element.integer("scaling-filter", 6) != _BILINEAR:
            sentence = "pictures are scaled by the nearest pixel, which is the default: small faces are lost"
            yield Fault(element.place("scaling-filter"), sentence, "Write scaling-filter=1")


def _border(bundle: Bundle) -> Iterator[Fault]:
    for element in _scrfds(bundle):
        if not element.flag("crop-objects-to-roi-boundary"):
            sentence = "nvinfer drops every face whose box passes the lower edge of the frame"
            yield Fault(element.place("crop-objects-to-roi-boundary"), sentence, "Write crop-objects-to-roi-boundary=1")


def _host_copy(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        if element.integer("disable-output-host-copy", 0) == 1 and any(element.text(key) for key in _PARSERS):
            sentence = "a parser that is not written for CUDA reads the GPU's memory, and the process ends"
            yield Fault(element.place("disable-output-host-copy"), sentence, "Write disable-output-host-copy=0")


def _async(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        if element.flag("classifier-async-mode") and (element.takes_tensor or element.flag("output-tensor-meta")):
            sentence = "classifier-async-mode=1 lets buffers go before they are inferred: there are no output tensors"
            yield Fault(element.place("classifier-async-mode"), sentence, "Write classifier-async-mode=0")


def _embedder_type(bundle: Bundle) -> Iterator[Fault]:
    for element in _embedders(bundle):
        if element.network_type != OTHER:
            sentence = "an embedding is neither boxes nor classes: nvinfer looks for them in it"
            yield Fault(element.place("network-type"), sentence, "Write network-type=100 and output-tensor-meta=1")


def _embedding_lost(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        if element.network_type == OTHER and not element.flag("output-tensor-meta"):
            sentence = "network-type=100 gives tensors alone, and without output-tensor-meta nobody gets them"
            yield Fault(element.place("output-tensor-meta"), sentence, "Write output-tensor-meta=1")
    for server in bundle.servers:
        raw = server.config.section("infer_config.postprocess").entry("other")
        processed = server.config.section("infer_config.extra").entry("custom_process_funcion")
        control = server.config.section("output_control")
        if raw and not processed and not as_boolean(control.text("output_tensor_meta")):
            sentence = "postprocess { other } gives tensors alone, and without output_tensor_meta nobody gets them"
            yield Fault(server.config.place(control, "output_tensor_meta"), sentence, "Write output_tensor_meta: true")


def _reinfer(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        if element.network_type == OTHER and element.settings.entry("secondary-reinfer-interval"):
            sentence = (
                "only detectors and classifiers remember a face: network-type=100 infers every face in every frame"
            )
            remedy = "Remove it; an nvdspreprocess can leave faces out"
            yield Fault(element.place("secondary-reinfer-interval"), sentence, remedy)


def _no_alignment(bundle: Bundle) -> Iterator[Fault]:
    for element in _embedders(bundle):
        if bundle.cuts_its_own(element) and not element.text("custom-lib-path"):
            sentence = (
                "nvinfer stretches the box to the network's size: ArcFace knows aligned faces, the cosines are low"
            )
            remedy = "Let an nvdspreprocess align the faces, and write input-tensor-from-meta=1"
            yield Fault(element.place("input-tensor-from-meta"), sentence, remedy)


def _scrfds(bundle: Bundle) -> list[NvInfer]:
    return [element for element in bundle.nvinfers if (found := bundle.network(element)) and found.is_detector]


def _embedders(bundle: Bundle) -> list[NvInfer]:
    return [element for element in bundle.nvinfers if (found := bundle.network(element)) and found.is_embedder]


RULES = (
    Rule("silent.box_parser", "error", "A detector without a parse function of its kind.", _box_parser, "network"),
    Rule("silent.parser_library", "error", "A parse function without `custom-lib-path`.", _parser_library),
    Rule("silent.host_copy", "warning", "A parser that gets device pointers.", _host_copy),
    Rule("silent.clustering", "warning", "A detector without `cluster-mode`.", _clustering, "network"),
    Rule("silent.aspect", "error", "An SCRFD on stretched pictures.", _aspect, "network"),
    Rule("silent.padding", "warning", "An SCRFD on pictures in the middle of their padding.", _padding, "network"),
    Rule("silent.scaling", "warning", "An SCRFD on pictures scaled by the nearest pixel.", _scaling, "network"),
    Rule("silent.border", "warning", "A detector that drops faces at the lower edge.", _border, "network"),
    Rule("silent.async", "error", "`classifier-async-mode=1` with tensors in or out.", _async),
    Rule("silent.embedder_type", "error", "An embedder that is not `network-type=100`.", _embedder_type, "network"),
    Rule("silent.embedding_lost", "error", "Raw outputs that are not handed on as tensors.", _embedding_lost),
    Rule("silent.reinfer", "warning", "`secondary-reinfer-interval` with `network-type=100`.", _reinfer),
    Rule("silent.no_alignment", "warning", "An embedder on boxes that nobody aligned.", _no_alignment, "network"),
)
