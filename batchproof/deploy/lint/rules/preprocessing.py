"""nvdspreprocess: keys without which it does not start, and defaults that lose or mark faces."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.document import Place, Section
from batchproof.deploy.lint.elements import Preprocess
from batchproof.deploy.lint.finding import Fault, Rule
from batchproof.deploy.lint.keys import keys_of
from batchproof.deploy.lint.values import as_boolean, as_integer

_ROI, _ALL, _OWN_ROI = "roi-params-src", "process-on-all-objects", "process-on-roi"
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


def _object_groups(bundle: Bundle) -> Iterator[tuple[Preprocess, Section]]:
    return ((element, group) for element in bundle.preprocesses if element.of_objects for group in element.groups)


RULES = (
    Rule("preprocess.mandatory", "error", "A key that nvdspreprocess cannot do without.", _mandatory),
    Rule("preprocess.no_group", "error", "No `[group-0]`.", _no_group),
    Rule("preprocess.order", "error", "`roi-params-src` before `process-on-all-objects`.", _order),
    Rule("preprocess.no_region", "error", "`process-on-all-objects=0` without regions.", _no_region),
    Rule("preprocess.drawn", "warning", "`draw-roi`, which is 1 by default.", _drawn),
    Rule("preprocess.smallest", "warning", "No smallest face, so that one may be scaled to nothing.", _smallest),
    Rule("preprocess.hardware", "warning", "Scaling on VIC.", _hardware),
)
