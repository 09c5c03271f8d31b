"""Keys and sections: what the parsers of DeepStream ignore, have no more use for, or read as something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.document import ConfigFile, Entry, Place, Section
from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.keys import Key, keys_of, nearest, section_names
from batchproof.deploy.lint.known_entries import at, known_entries
from batchproof.deploy.lint.values import as_boolean, as_integer
from batchproof.deploy.lint.version import Version, shown

# What the elements say of a key that they do not know, and what they then do.
_UNKNOWN = {
    "nvinfer": "nvinfer prints 'Unknown or legacy key' and goes on without it",
    "nvdspreprocess": "nvdspreprocess ignores it and says nothing",
    "deepstream-app": "deepstream-app prints 'Unknown key' and goes on without it",
    "nvinferserver": "nvinferserver cannot read the file and does not start",
}
# GObject properties of nvinfer, which its file has under another name: rules/wiring.py knows what they do.
_ELSEWHERE = {"input-tensor-meta"}


def _unknown(bundle: Bundle) -> Iterator[Fault]:
    for config, section, entry, key in known_entries(bundle):
        if key is None and entry.key not in _ELSEWHERE and not _may_be_of_another(config, section, entry):
            yield _unknown_key(config, section, entry)
        elif key is not None and not _is_known_in(key, config):
            sentence = f"the {config.format.upper()} parser does not know {entry.key}: {_UNKNOWN[config.role]}"
            remedy = key.legacy or "Write this configuration in the other format"
            yield Fault(at(config, entry), sentence, remedy)


def _unknown_to_app(bundle: Bundle) -> Iterator[Fault]:
    for config, section, entry, key in known_entries(bundle):
        if key is None and _may_be_of_another(config, section, entry):
            yield _unknown_key(config, section, entry)


def _may_be_of_another(config: ConfigFile, section: Section, entry: Entry) -> bool:
    """An application that was made of deepstream-app may know keys that are like none of its own."""
    return config.role == "deepstream-app" and not nearest(entry.key, keys_of(config.role, section.name) or {})


def _unknown_key(config: ConfigFile, section: Section, entry: Entry) -> Fault:
    meant = nearest(entry.key, keys_of(config.role, section.name) or {})
    remedy = f"{meant} was probably meant" if meant else "Remove it"
    where = f"[{section.name}]" if section.name else "the file"
    return Fault(at(config, entry), f"{quoted(entry.key)} is no key of {where}: {_UNKNOWN[config.role]}", remedy)


def _is_known_in(key: Key, config: ConfigFile) -> bool:
    return key.yaml if config.format == "yaml" else key.ini


def _too_new(bundle: Bundle) -> Iterator[Fault]:
    release = bundle.release
    for config, _, entry, key in known_entries(bundle):
        if key and release and key.first_release and release < key.first_release:
            first = shown(key.first_release)
            sentence = f"{entry.key} came with DeepStream {first}; in {shown(release)} {_UNKNOWN[config.role]}"
            yield Fault(at(config, entry), sentence, f"Remove it, or deploy to DeepStream {first}")


def _legacy(bundle: Bundle) -> Iterator[Fault]:
    for config, _, entry, key in known_entries(bundle):
        if key and key.legacy and _is_known_in(key, config):
            yield Fault(at(config, entry), f"{entry.key} is left over from older releases", key.legacy)
        elif key and _is_idle(key, bundle.release):
            yield Fault(at(config, entry), f"{entry.key} has no effect: {key.why}", "Remove it")


def _is_idle(key: Key, release: Version | None) -> bool:
    return bool(release and key.idle_from and release >= key.idle_from)


def _refused(bundle: Bundle) -> Iterator[Fault]:
    for config, _, entry, key in known_entries(bundle):
        if key and key.refused and as_boolean(entry.value):
            yield Fault(at(config, entry), f"{entry.key}: {key.refused}", "Remove it")


def _duplicate(bundle: Bundle) -> Iterator[Fault]:
    for config in bundle.configs:
        if config.format == "pbtxt":  # fields may be repeated
            continue
        for section in config.sections:
            counts = Counter(entry.key for entry in section.entries)
            last = {entry.key: entry for entry in section.entries}
            kept = "the last one counts" if config.format == "ini" else "only one of them counts"
            for key, count in counts.items():
                if count > 1:
                    yield Fault(at(config, last[key]), f"{key} is there {count} times, {kept}", "Keep one")


def _section(bundle: Bundle) -> Iterator[Fault]:
    for config in bundle.configs:
        known = section_names(config)
        for section in config.sections if known else ():
            meant = None if keys_of(config.role, section.name) is not None else _meant_section(section.name, known)
            if meant:
                sentence = f"[{section.name}] is no section of {config.role}, which ignores all of it"
                yield Fault(Place(config.path, section.line), sentence, f"[{meant}] was probably meant")


def _meant_section(name: str, known: Mapping[str, object]) -> str | None:
    """Return the known section that is meant; sections with a number are compared without it."""
    bare = {pattern.removesuffix("*").removesuffix("-"): pattern for pattern in known}
    number = name[len(name.rstrip("0123456789")) :]
    meant = nearest(name.rstrip("0123456789-"), bare)
    return None if meant is None else bare[meant].replace("*", number or "0")


def _classes(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        classes = element.integer("num-detected-classes", 0)
        for section in element.config.like("class-attrs-"):
            number = as_integer(section.name.removeprefix("class-attrs-"))
            if number is not None and number >= classes and element.settings.entry("num-detected-classes"):
                sentence = f"[{section.name}] is about a class that num-detected-classes={classes} does not have"
                place = Place(element.config.path, section.line)
                yield Fault(place, f"{sentence}; nvinfer refuses to start", "Count classes from 0")


RULES = (
    Rule("keys.unknown", "error", "A key that the element, or its YAML parser, does not know.", _unknown),
    Rule(
        "keys.unknown_to_app",
        "warning",
        "A key that deepstream-app does not know, and that is like none.",
        _unknown_to_app,
    ),
    Rule("keys.too_new", "error", "A key of a later DeepStream than the bundle is for.", _too_new, "release"),
    Rule("keys.legacy", "warning", "A key that newer releases have another for, or that has no effect.", _legacy),
    Rule("keys.refused", "error", "A key that TensorRT 10 cannot build an engine with.", _refused),
    Rule("keys.duplicate", "warning", "A key that is there twice.", _duplicate),
    Rule("keys.section", "warning", "A section whose name is nearly that of a known one.", _section),
    Rule("keys.classes", "error", "Attributes of a class that the detector does not have.", _classes),
)
