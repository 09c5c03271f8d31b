"""nvdspreprocess: keys without which it does not start, and defaults that lose or mark faces."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.document import Place, Section
from batchproof.deploy.lint.elements import NvInfer, Preprocess
from batchproof.deploy.lint.finding import Fault, Rule
from batchproof.deploy.lint.keys import keys_of
from batchproof.deploy.lint.rules.batches import count_of_sources
from batchproof.deploy.lint.values import as_boolean, as_integer, as_integers

_ROI, _ALL, _OWN_ROI = "roi-params-src", "process-on-all-objects", "process-on-roi"
_SOURCES, _EVERY, _CLASSES = "src-ids", -1, "operate-on-class-ids"
_VIC, _SMALLEST = 2, 16


def _mandatory(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.preprocesses:
        for section in (element.settings, *element.groups):
            known = keys_of("nvdspreprocess", section.name) or {}
            needed = [name for name, key in known.items() if key.mandatory]
            needed += [] if section is element.settings else [_ALL if element.of_objects else _OWN_ROI]
            for name in needed:
                if not section.entry(name):
                    sentence = (
                        f"{name} is mandatory: nvdspreprocess says 'config properties not set' and does not start"
                    )
                    yield Fault(element.config.place(section, name), sentence, f"Add {name} to [{section.name}]")


def _no_group(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.preprocesses:
        if not element.groups:
            sentence = "there is no [group-0], and so no source to prepare anything of"
            yield Fault(Place(element.config.path), sentence, "Add [group-0] with src-ids=-1")


def _order(bundle: Bundle) -> Iterator[Fault]:
    for element, group in _object_groups(bundle):
        decides, region = group.entry(_ALL), next(group.like(_ROI), None)
        if decides and region and region.line < decides.line:
            sentence = f"keys are read in their order: this one is judged before {_ALL} is known"
            place = Place(element.config.path, region.line, region.key)
            yield Fault(place, f"{sentence}, and may be ignored", f"Write {_ALL} before it")


def _no_region(bundle: Bundle) -> Iterator[Fault]:
    for element, group in _object_groups(bundle):
        everything = as_boolean(group.text(_ALL))
        if everything is False and next(group.like(_ROI), None) is None:
            sentence = f"{_ALL}=0 needs regions, and there is no {_ROI}-<source>: nvdspreprocess does not start"
            yield Fault(element.config.place(group, _ALL), sentence, f"Write {_ALL}=1")


def _drawn(bundle: Bundle) -> Iterator[Fault]:
    for element, group in _object_groups(bundle):
        if as_boolean(group.text("draw-roi")) is not False:
            sentence = "draw-roi is 1 by default: a second box is drawn about every face"
            yield Fault(element.config.place(group, "draw-roi"), sentence, "Write draw-roi=0")


def _smallest(bundle: Bundle) -> Iterator[Fault]:
    for element, group in _object_groups(bundle):
        for key in ("input-object-min-width", "input-object-min-height"):
            if (as_integer(group.text(key)) or 0) < _SMALLEST:
                sentence = "a face that is scaled to no pixel at all ends the whole pipeline with an error"
                yield Fault(element.config.place(group, key), sentence, f"Write {key}={_SMALLEST} or more")


def _hardware(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.preprocesses:
        if element.integer("scaling-pool-compute-hw", 0) == _VIC:
            sentence = "VIC is on Jetson alone, and there a face outside 1/16 to 16 times the size ends the pipeline"
            yield Fault(element.place("scaling-pool-compute-hw"), sentence, "Write scaling-pool-compute-hw=1")


def _sources(bundle: Bundle) -> Iterator[Fault]:
    for pipeline in bundle.pipelines:
        streams = count_of_sources(pipeline.app) if pipeline.app else 0
        for element in pipeline.preprocesses:
            named = {source for group in element.groups for source in as_integers(group.text(_SOURCES)) or [_EVERY]}
            left_out = next((source for source in range(streams) if source not in named), None)
            if element.groups and left_out is not None and _EVERY not in named:
                sentence = f"of {streams} sources, {left_out} is in no group: nothing of it is prepared, without a word"
                place = element.config.place(element.groups[0], _SOURCES)
                yield Fault(place, sentence, f"Write {_SOURCES}={_EVERY}, or name it")


def _classes(bundle: Bundle) -> Iterator[Fault]:
    for element, group in _object_groups(bundle):
        wanted = as_integers(group.text(_CLASSES)) or []
        counts = [one.integer("num-detected-classes", 0) for one in _detectors_of(bundle, element)]
        if wanted and counts and all(counts) and min(wanted) >= max(counts):
            sentence = f"class {min(wanted)} of a detector with {max(counts)}, counted from 0: no object is prepared"
            yield Fault(element.config.place(group, _CLASSES), f"{sentence}, without a word", f"Write {_CLASSES}=0")


def _detectors_of(bundle: Bundle, element: Preprocess) -> list[NvInfer]:
    found = [one for one in bundle.nvinfers if one.finds_objects]
    return [one for one in found if element.operates_on in (-1, one.unique_id)]


def _object_groups(bundle: Bundle) -> Iterator[tuple[Preprocess, Section]]:
    return ((element, group) for element in bundle.preprocesses if element.of_objects for group in element.groups)


RULES = (
    Rule("preprocess.mandatory", "error", "A key that nvdspreprocess cannot do without.", _mandatory),
    Rule("preprocess.no_group", "error", "No `[group-0]`.", _no_group),
    Rule("preprocess.order", "error", "`roi-params-src` before `process-on-all-objects`.", _order),
    Rule("preprocess.no_region", "error", "`process-on-all-objects=0` without regions.", _no_region),
    Rule("preprocess.sources", "warning", "A source of the application that is in no group.", _sources),
    Rule("preprocess.classes", "error", "`operate-on-class-ids` that the detector does not have.", _classes),
    Rule("preprocess.drawn", "warning", "`draw-roi`, which is 1 by default.", _drawn),
    Rule("preprocess.smallest", "warning", "No smallest face, so that one may be scaled to nothing.", _smallest),
    Rule("preprocess.hardware", "warning", "Scaling on VIC.", _hardware),
)
