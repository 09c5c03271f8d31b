"""Files: those that are named and missing, damaged, or built for somebody else's DeepStream."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle, inside
from batchproof.deploy.lint.document import ConfigFile, Entry, Place
from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.keys import key_of, keys_of

# Written by nvinfer itself where it is missing; rules/engines.py says when it is not found again.
_BUILT = {"model-engine-file"}
# These need not be there before the first start.
_OUTPUTS = {"infer-raw-output-dir"}
_SHARED_OBJECT = ".so"


def _unreadable(bundle: Bundle) -> Iterator[Fault]:
    yield from (*bundle.unreadable, *bundle.damaged)


def _missing(bundle: Bundle) -> Iterator[Fault]:
    for config, entry in _paths(bundle):
        path = inside(config.path, entry.value)
        if path and path not in bundle.files and not bundle.is_made_here(path):
            sentence = f"{quoted(path)} is not in the bundle: the element that needs it does not start"
            yield Fault(Place(config.path, entry.line, entry.key), sentence, "Add the file, or correct the path")


def _prebuilt(bundle: Bundle) -> Iterator[Fault]:
    for config, entry in _paths(bundle):
        path = inside(config.path, entry.value)
        if path in bundle.files and path and path.endswith(_SHARED_OBJECT) and not bundle.is_made_here(path):
            name = quoted(posixpath.basename(path))
            sentence = f"{name} comes without its source: structs grew in DeepStream 9.0, and a library that was built"
            remedy = "Ship source and Makefile, and build it in the target's container"
            place = Place(config.path, entry.line, entry.key)
            yield Fault(place, f"{sentence} for another release reads wrong boxes, without an error", remedy)


def _paths(bundle: Bundle) -> Iterator[tuple[ConfigFile, Entry]]:
    """Every path that a file of the bundle names, outputs and engines left out."""
    for config in bundle.configs:
        for section in config.sections:
            if section.text("enable", "1").strip() == "0":
                continue
            keys = keys_of(config.role, section.name) or {}
            for entry in section.entries:
                key = key_of(keys, entry.key)
                if key and key.type == "path" and entry.key not in _BUILT | _OUTPUTS and entry.value:
                    yield config, entry


RULES = (
    Rule("files.unreadable", "error", "A damaged configuration, or an ONNX that is none.", _unreadable),
    Rule("files.missing", "error", "A path inside the bundle that leads to no file.", _missing),
    Rule("files.prebuilt", "warning", "A parser or alignment library without its source.", _prebuilt),
)
