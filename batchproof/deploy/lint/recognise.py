"""Which files of a folder configure DeepStream, and what: told from their content, never from their name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from batchproof.deploy.lint.document import ConfigFile, Format, Role, Section, numbered
from batchproof.deploy.lint.ini_file import looks_like_ini, read_ini
from batchproof.deploy.lint.proto_text import looks_like_nvinferserver, read_proto_text
from batchproof.deploy.lint.yaml_file import looks_like_yaml, read_yaml

# Keys of [property] that no other element with such a group has; nvdsanalytics, nvdewarper and others have one too.
_NVINFER = {
    "onnx-file",
    "model-engine-file",
    "gie-unique-id",
    "network-mode",
    "net-scale-factor",
    "network-type",
    "num-detected-classes",
    "labelfile-path",
    "infer-dims",
    "cluster-mode",
    "parse-bbox-func-name",
    "model-file",
    "tlt-encoded-model",
}
_NVDSPREPROCESS = {
    "target-unique-ids",
    "network-input-shape",
    "network-color-format",
    "tensor-name",
    "tensor-data-type",
    "process-on-frame",
    "custom-tensor-preparation-function",
    "scaling-pool-memory-type",
}
# nvdspostprocess reads YAML alone, with keys of nvinfer, but it has no model.
_MODELS = {"onnx-file", "model-engine-file", "model-file", "tlt-encoded-model", "uff-file", "engine-create-func-name"}
# nvinferaudio reads an nvinfer file with keys of its own.
_NVINFERAUDIO = "audio-transform"
_ELEMENTS = ("primary-gie", "secondary-gie", "pre-process", "secondary-pre-process")
_MUX, _NUMBERED = "streammux", ("source", "sink")
_TRACKER = ("BaseConfig", "TargetManagement", "TrajectoryManagement", "DataAssociator", "ObjectModelProjection")


def format_of(text: str) -> Format | None:
    """Tell in which of the three formats a text may be; None for any other."""
    if looks_like_ini(text):
        return "ini"
    if looks_like_nvinferserver(text):
        return "pbtxt"
    return "yaml" if looks_like_yaml(text) else None


def read_config(path: str, text: str) -> ConfigFile | None:
    """Read a file of a bundle; None when it configures none of the elements that are known here.

    Raises `UnreadableError` for a file that one of them would have to read, and cannot.
    """
    found = format_of(text)
    if found is None or (found == "yaml" and not _mentions_a_role(text)):
        return None
    sections = {"ini": read_ini, "yaml": read_yaml, "pbtxt": read_proto_text}[found](text)
    role = "nvinferserver" if found == "pbtxt" else role_of(sections, found)
    return ConfigFile(path, found, role, sections) if role else None


def role_of(sections: Iterable[Section], written_in: Format) -> Role | None:
    """Tell what the sections of an INI or YAML file configure."""
    named = {section.name: section for section in sections}
    if _is_application(named):
        return None if _is_another_application(named.values()) else "deepstream-app"
    if any(name in named for name in _TRACKER):
        return "tracker"
    keys = {entry.key for entry in named["property"].entries} if "property" in named else set()
    inference, preprocess = len(keys & _NVINFER), len(keys & _NVDSPREPROCESS)
    if preprocess > inference:
        return "nvdspreprocess"
    postprocess = written_in == "yaml" and not keys & _MODELS
    return "nvinfer" if inference and not postprocess and _NVINFERAUDIO not in keys else None


def _is_application(named: Mapping[str, Section]) -> bool:
    """Tell by a group that names an element's file; by the mux, too, when sources and sinks are numbered as here."""
    counted = any(numbered(name, group) and name != group for name in named for group in _NUMBERED)
    return any(numbered(name, group) for name in named for group in _ELEMENTS) or (_MUX in named and counted)


def _is_another_application(sections: Iterable[Section]) -> bool:
    """Tell those that borrow the names of groups: deepstream-app has one primary-gie, which needs a config-file."""
    elements = [section for section in sections if numbered(section.name, "primary-gie")]
    return any(
        section.name != "primary-gie" or (section.entry("config-file-path") and not section.entry("config-file"))
        for section in elements
    )


def _mentions_a_role(text: str) -> bool:
    """Spare the slow reader all YAML that is about something else."""
    names = ("property", _MUX, *_ELEMENTS, *_TRACKER)
    return any(line.startswith(names) for line in text.splitlines())
