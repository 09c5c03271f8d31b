"""The ids in deepstream-app's own file: by them it decides what it creates, whatever the elements' files say."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle, Pipeline
from batchproof.deploy.lint.document import ConfigFile, Section, numbered
from batchproof.deploy.lint.finding import Fault, Rule
from batchproof.deploy.lint.values import as_integer

_PRIMARY, _SECONDARY, _PREPROCESS = "primary-gie", "secondary-gie", "secondary-pre-process"
_ID, _OPERATE = "gie-unique-id", "operate-on-gie-id"
# What deepstream-app takes for an id that a group does not have.
_MISSING = 0


def _no_id(bundle: Bundle) -> Iterator[Fault]:
    """Two groups without an id have the same one; ids that are written are compared by another rule."""
    for app in bundle.of_role("deepstream-app"):
        groups = [*_enabled(app, _PRIMARY), *_enabled(app, _SECONDARY)]
        nameless = [group for group in groups if _number(group, _ID) == _MISSING]
        for group in nameless[1:]:
            sentence = (
                f"[{nameless[0].name}] and [{group.name}] have no {_ID} here, whatever is in the files that they name"
            )
            remedy = f"Write {_ID} into both"
            yield Fault(app.place(group, _ID), f"{sentence}: deepstream-app says 'Non unique gie ids' and ends", remedy)


def _not_created(bundle: Bundle) -> Iterator[Fault]:
    for pipeline in bundle.pipelines:
        app = pipeline.app
        # A file without the group at all is a part of some other application's.
        for group in _left_out(app) if app and app.like(_PRIMARY) else ():
            if app is None or _is_told_elsewhere(group, pipeline):
                continue
            sentence = (
                f"operates on {_number(group, _OPERATE)} by this file, and {_primary(app)}: deepstream-app does not"
            )
            remedy = f"Write the same number as {_ID} into [{_PRIMARY}] and as {_OPERATE} into [{group.name}]"
            yield Fault(app.place(group, _OPERATE), f"{sentence} create the element, and says nothing", remedy)


def _left_out(app: ConfigFile) -> Iterator[Section]:
    """The groups that work on nothing that was created: on neither the detector nor, for nvinfer, another of them."""
    detectors = {_number(group, _ID) for group in _enabled(app, _PRIMARY)}
    others = {_number(group, _ID) for group in _enabled(app, _SECONDARY)} - {_MISSING} if detectors else set()
    for group in _enabled(app, _SECONDARY):
        if _number(group, _OPERATE) not in detectors | others:
            yield group
    # Its YAML reader knows none of these, which is another finding.
    for group in _enabled(app, _PREPROCESS) if app.format == "ini" else ():
        if _number(group, _OPERATE) not in detectors:
            yield group


def _is_told_elsewhere(group: Section, pipeline: Pipeline) -> bool:
    """Tell an id that nobody has at all."""
    known = {element.unique_id for element in pipeline.inferences}
    return any(element.finds_objects for element in pipeline.inferences) and (
        _number(group, _OPERATE) not in {_MISSING, *known}
    )


def _primary(app: ConfigFile) -> str:
    detector = next(iter(_enabled(app, _PRIMARY)), None)
    return f"[{_PRIMARY}] is {_number(detector, _ID)}" if detector else f"no [{_PRIMARY}] is enabled"


def _enabled(app: ConfigFile, name: str) -> list[Section]:
    sections = [section for section in app.sections if numbered(section.name, name)]
    return [section for section in sections if section.text("enable", "1").strip() != "0"]


def _number(group: Section, key: str) -> int:
    return as_integer(group.text(key)) or _MISSING


RULES = (
    Rule("wiring.no_id", "error", "Two groups of deepstream-app without `gie-unique-id`.", _no_id),
    Rule(
        "wiring.not_created",
        "error",
        "A group whose `operate-on-gie-id` is not `[primary-gie]`'s id in the application's own file.",
        _not_created,
    ),
)
