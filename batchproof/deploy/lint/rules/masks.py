"""Landmarks in instance masks: what must be set for them to arrive, and who else writes or draws masks."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.document import Place
from batchproof.deploy.lint.elements import BOX_PARSER, MASK_DETECTOR, MASK_PARSER, Inference, NvInfer, Preprocess
from batchproof.deploy.lint.finding import Fault, Rule
from batchproof.deploy.lint.values import as_boolean, as_integer

_NO_CLUSTERING = 4


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
        if not element.text(MASK_PARSER):
            sentence = f"network-type=3 has no parser of its own, and without {MASK_PARSER} it finds nothing"
            other = f"; {BOX_PARSER} is for network-type=0" if element.text(BOX_PARSER) else ""
            yield Fault(element.place(MASK_PARSER), sentence, f"Name the function of your library{other}")


def _mask_topk(bundle: Bundle) -> Iterator[Fault]:
    for element in _mask_detectors(bundle):
        for section in [*element.config.like("class-attrs-"), element.config.section("class-attrs-all")]:
            kept = as_integer(section.text("topk"))
            if kept is not None and kept >= 0:
                sentence = "the masks of the faces that topk cuts off are never freed: memory grows with every frame"
                place = element.config.place(section, "topk")
                yield Fault(place, sentence, "Remove topk, and let the parser keep the best")


def _mask_drawn(bundle: Bundle) -> Iterator[Fault]:
    for pipeline in bundle.pipelines:
        if pipeline.app is None or not any(map(_carries_masks, pipeline.inferences)):
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


def _mask_skipped(bundle: Bundle) -> Iterator[Fault]:
    for pipeline in bundle.pipelines:
        crops = any(element.of_objects for element in pipeline.preprocesses)
        for element in pipeline.inferences if crops else ():
            if _carries_masks(element) and element.integer("interval", 0):
                sentence = "frames that the detector skips have no masks, and so no landmarks to align faces by"
                yield Fault(element.place("interval"), sentence, "Write interval=0")


def _no_landmarks(bundle: Bundle) -> Iterator[Fault]:
    """The bundle's own aligner says where its landmarks come from; other libraries have keys of their own."""
    for pipeline in bundle.pipelines:
        for preprocess in pipeline.preprocesses:
            options = preprocess.config.section("user-configs")
            detectors = [element for element in pipeline.inferences if _feeds(element, preprocess)]
            if options.text("source") == "mask" and detectors and not any(map(_carries_masks, detectors)):
                sentence = (
                    f"landmarks are taken from masks, and {detectors[0].config.path} has none: no face is aligned"
                )
                remedy = "Detect with network-type=3 and output-instance-mask=1"
                yield Fault(preprocess.config.place(options, "source"), sentence, remedy)


def _feeds(element: Inference, preprocess: Preprocess) -> bool:
    return element.finds_objects and preprocess.operates_on in (-1, element.unique_id)


def _carries_masks(element: Inference) -> bool:
    return isinstance(element, NvInfer) and element.network_type == MASK_DETECTOR


def _mask_detectors(bundle: Bundle) -> list[NvInfer]:
    return [element for element in bundle.nvinfers if element.network_type == MASK_DETECTOR]


RULES = (
    Rule("silent.mask_clustering", "error", "`network-type=3` with another `cluster-mode` than 4.", _mask_clustering),
    Rule("silent.mask_output", "error", "`network-type=3` without `output-instance-mask=1`.", _mask_output),
    Rule("silent.mask_parser", "error", "`network-type=3` without its parse function.", _mask_parser),
    Rule("silent.mask_topk", "warning", "`topk` with masks, which leaks those that it cuts off.", _mask_topk),
    Rule("silent.mask_drawn", "error", "An OSD that may draw the landmarks as a mask.", _mask_drawn),
    Rule("silent.mask_skipped", "warning", "`interval` where landmarks come with every detection.", _mask_skipped),
    Rule("silent.no_landmarks", "error", "`source=mask` behind a detector without masks.", _no_landmarks),
    Rule("silent.mask_overwritten", "warning", "A tracker that overwrites the landmarks.", _mask_overwritten),
)
