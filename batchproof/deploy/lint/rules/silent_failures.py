"""What runs without an error and gives no faces, wrong faces, or too few of them: detectors and embedders."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.document import Place
from batchproof.deploy.lint.elements import DETECTOR, MASK_DETECTOR, OTHER, NvInfer
from batchproof.deploy.lint.finding import Fault, Rule
from batchproof.deploy.lint.values import as_boolean, as_integer

_BOX_PARSER, _MASK_PARSER = "parse-bbox-func-name", "parse-bbox-instance-mask-func-name"
_PARSERS = (_BOX_PARSER, _MASK_PARSER, "parse-classifier-func-name", "parse-segmentation-func-name")
_NO_CLUSTERING, _BILINEAR = 4, 1
_OLDEST_DEFAULT = "0 groups rectangles, or is NMS at IoU 0.5 with 20 faces, depending on how nvinfer was built"


def _mask_clustering(bundle: Bundle) -> Iterator[Fault]:
    for element in _mask_detectors(bundle):
        if element.integer("cluster-mode", 0) != _NO_CLUSTERING:
            sentence = "network-type=3 works with cluster-mode=4 alone: nvinfer does not start"
            yield Fault(element.place("cluster-mode"), sentence, "Write cluster-mode=4; the parser suppresses overlaps")


def _mask_output(bundle: Bundle) -> Iterator[Fault]:
    for element in _mask_detectors(bundle):
        if not element.flag("output-instance-mask"):
            sentence = "what the parser put into the masks, landmarks perhaps, never reaches mask_params"
            yield Fault(element.place("output-instance-mask"), sentence, "Write output-instance-mask=1")


def _mask_parser(bundle: Bundle) -> Iterator[Fault]:
    for element in _mask_detectors(bundle):
        if not element.text(_MASK_PARSER):
            sentence = f"network-type=3 has no parser of its own, and without {_MASK_PARSER} it finds nothing"
            other = f"; {_BOX_PARSER} is for network-type=0" if element.text(_BOX_PARSER) else ""
            yield Fault(element.place(_MASK_PARSER), sentence, f"Name the function of your library{other}")


def _mask_topk(bundle: Bundle) -> Iterator[Fault]:
    for element in _mask_detectors(bundle):
        for section in [*element.config.like("class-attrs-"), element.config.section("class-attrs-all")]:
            if (as_integer(section.text("topk", "-1")) or 0) >= 0 and section.entry("topk"):
                sentence = "the masks of the faces that topk cuts off are never freed: memory grows with every frame"
                place = element.config.place(section, "topk")
                yield Fault(place, sentence, "Remove topk, and let the parser keep the best")


def _box_parser(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        network = bundle.network(element)
        if element.network_type != DETECTOR or element.text(_BOX_PARSER):
            continue
        if element.text(_MASK_PARSER):
            sentence = f"{_MASK_PARSER} is not called for network-type=0, and nvinfer's own parser knows no SCRFD"
            yield Fault(element.place(_MASK_PARSER), sentence, f"Write network-type=3, or {_BOX_PARSER}")
        elif network and network.is_detector:
            sentence = (
                "nvinfer's own parser knows no SCRFD: it logs that it cannot find its layers, and there are no faces"
            )
            yield Fault(element.place(_BOX_PARSER), sentence, f"Add {_BOX_PARSER} and custom-lib-path")


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
        other = server.config.section("infer_config.postprocess").entry("other")
        control = server.config.section("output_control")
        if other and not as_boolean(control.text("output_tensor_meta")):
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


def _mask_drawn(bundle: Bundle) -> Iterator[Fault]:
    for pipeline in bundle.pipelines:
        carries = any(isinstance(one, NvInfer) and one.network_type == MASK_DETECTOR for one in pipeline.inferences)
        if pipeline.app is None or not carries:
            continue
        osd = pipeline.app.section("osd")
        if as_boolean(osd.text("enable")) and as_boolean(osd.text("display-mask")) is not False:
            sentence = "the OSD takes the landmarks in mask_params for a mask, and may draw them when it is not told"
            yield Fault(pipeline.app.place(osd, "display-mask"), sentence, "Write display-mask=0 into [osd]")


def _mask_overwritten(bundle: Bundle) -> Iterator[Fault]:
    for tracker in bundle.of_role("tracker"):
        for section in tracker.sections if _mask_detectors(bundle) else ():
            if section.name == "Segmenter":
                sentence = "a tracker that segments writes its masks over the landmarks in mask_params"
                yield Fault(Place(tracker.path, section.line), sentence, "Use a tracker without a Segmenter")


def _mask_detectors(bundle: Bundle) -> list[NvInfer]:
    return [element for element in bundle.nvinfers if element.network_type == MASK_DETECTOR]


def _scrfds(bundle: Bundle) -> list[NvInfer]:
    return [element for element in bundle.nvinfers if (found := bundle.network(element)) and found.is_detector]


def _embedders(bundle: Bundle) -> list[NvInfer]:
    return [element for element in bundle.nvinfers if (found := bundle.network(element)) and found.is_embedder]


RULES = (
    Rule("silent.mask_clustering", "error", "`network-type=3` with another `cluster-mode` than 4.", _mask_clustering),
    Rule("silent.mask_output", "error", "`network-type=3` without `output-instance-mask=1`.", _mask_output),
    Rule("silent.mask_parser", "error", "`network-type=3` without its parse function.", _mask_parser),
    Rule("silent.mask_topk", "warning", "`topk` with masks, which leaks those that it cuts off.", _mask_topk),
    Rule("silent.mask_drawn", "error", "An OSD that may draw the landmarks as a mask.", _mask_drawn),
    Rule("silent.mask_overwritten", "warning", "A tracker that overwrites the landmarks.", _mask_overwritten),
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
