"""Keys and values: what the parsers of DeepStream ignore, refuse, or read as something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.document import ConfigFile, Entry, Place, Section
from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.keys import Key, key_of, keys_of, nearest, section_names
from batchproof.deploy.lint.values import as_boolean, as_integer, as_integers, as_number, as_numbers
from batchproof.deploy.lint.version import Version, shown

_READERS: dict[str, Callable[[str], object | None]] = {
    "integer": as_integer,
    "number": as_number,
    "boolean": as_boolean,
    "integers": as_integers,
    "numbers": as_numbers,
}
_CALLED = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "0 or 1",
    "integers": "whole numbers with ; between them",
    "numbers": "numbers with ; between them",
}
# What the elements say of a key that they do not know, and what they then do.
_UNKNOWN = {
    "nvinfer": "nvinfer prints 'Unknown or legacy key' and goes on without it",
    "nvdspreprocess": "nvdspreprocess ignores it and says nothing",
    "deepstream-app": "deepstream-app prints 'Unknown key' and goes on without it",
    "nvinferserver": "nvinferserver cannot read the file and does not start",
}
# GObject properties of nvinfer, which its file has under another name: rules/wiring.py knows what they do.
ELSEWHERE = {"input-tensor-meta"}


def _unknown(bundle: Bundle) -> Iterator[Fault]:
    for config, section, entry, key in _entries(bundle):
        if key is None and entry.key not in ELSEWHERE and not _may_be_of_another(config, section, entry):
            yield _unknown_key(config, section, entry)
        elif key is not None and not _is_known_in(key, config):
            sentence = f"the {config.format.upper()} parser does not know {entry.key}: {_UNKNOWN[config.role]}"
            remedy = key.legacy or "Write this configuration in the other format"
            yield Fault(_at(config, entry), sentence, remedy)


def _unknown_to_app(bundle: Bundle) -> Iterator[Fault]:
    for config, section, entry, key in _entries(bundle):
        if key is None and _may_be_of_another(config, section, entry):
            yield _unknown_key(config, section, entry)


def _may_be_of_another(config: ConfigFile, section: Section, entry: Entry) -> bool:
    """An application that was made of deepstream-app may know keys that are like none of its own."""
    return config.role == "deepstream-app" and not nearest(entry.key, keys_of(config.role, section.name) or {})


def _unknown_key(config: ConfigFile, section: Section, entry: Entry) -> Fault:
    meant = nearest(entry.key, keys_of(config.role, section.name) or {})
    remedy = f"{meant} was probably meant" if meant else "Remove it"
    where = f"[{section.name}]" if section.name else "the file"
    return Fault(_at(config, entry), f"{quoted(entry.key)} is no key of {where}: {_UNKNOWN[config.role]}", remedy)


def _is_known_in(key: Key, config: ConfigFile) -> bool:
    return key.yaml if config.format == "yaml" else key.ini


def _too_new(bundle: Bundle) -> Iterator[Fault]:
    release = bundle.release
    for config, _, entry, key in _entries(bundle):
        if key and release and key.first_release and release < key.first_release:
            first = shown(key.first_release)
            sentence = f"{entry.key} came with DeepStream {first}; in {shown(release)} {_UNKNOWN[config.role]}"
            yield Fault(_at(config, entry), sentence, f"Remove it, or deploy to DeepStream {first}")


def _legacy(bundle: Bundle) -> Iterator[Fault]:
    for config, _, entry, key in _entries(bundle):
        if key and key.legacy and _is_known_in(key, config):
            yield Fault(_at(config, entry), f"{entry.key} is left over from older releases", key.legacy)
        elif key and _is_idle(key, bundle.release):
            yield Fault(_at(config, entry), f"{entry.key} has no effect: {key.why}", "Remove it")


def _is_idle(key: Key, release: Version | None) -> bool:
    return bool(release and key.idle_from and release >= key.idle_from)


def _refused(bundle: Bundle) -> Iterator[Fault]:
    for config, _, entry, key in _entries(bundle):
        if key and key.refused and as_boolean(entry.value):
            yield Fault(_at(config, entry), f"{entry.key}: {key.refused}", "Remove it")


def _value(bundle: Bundle) -> Iterator[Fault]:
    for config, _, entry, key in _entries(bundle):
        if key and (wrong := _wrong_value(key, entry.value, config)):
            sentence = f"{entry.key} is {quoted(entry.value)}, {wrong}; {_CONSEQUENCE[config.role]}"
            yield Fault(_at(config, entry), sentence, _value_remedy(key, entry.value))


_CONSEQUENCE = {
    "nvinfer": "nvinfer refuses the file and does not start",
    "nvdspreprocess": "nvdspreprocess refuses the file and does not start",
    "deepstream-app": "deepstream-app refuses the file and does not start",
    "nvinferserver": "nvinferserver refuses the file and does not start",
}


def _wrong_value(key: Key, written: str, config: ConfigFile) -> str | None:
    """Say what is wrong with a value; None when the element takes it."""
    if config.format == "yaml" and key.type == "boolean":
        return None if as_integer(written) in (0, 1) else "and the YAML parser takes 0 and 1 alone"
    if config.format == "pbtxt":
        return _wrong_field(key, written)
    value = _READERS[key.type](written) if key.type in _READERS else written
    if value is None:
        return f"which is not {_CALLED[key.type]}"
    if isinstance(value, list):
        return f"which is not {key.count} values" if key.count not in (None, len(value)) else None
    return _out_of_range(key, value)


def _wrong_field(key: Key, written: str) -> str | None:
    if key.type == "name":
        return None if written in key.names else f"which is none of {', '.join(key.names)}"
    if key.type in ("integer", "number"):
        number = as_number(written)
        return _out_of_range(key, number) if number is not None else f"which is not {_CALLED[key.type]}"
    return None


def _out_of_range(key: Key, value: object) -> str | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if key.values and value not in key.values:
        return f"which is none of {', '.join(map(str, key.values))}"
    if key.least is not None and value < key.least:
        return f"which is less than {key.least:g}"
    return f"which is more than {key.most:g}" if key.most is not None and value > key.most else None


def _value_remedy(key: Key, written: str) -> str:
    if "#" in written:
        return "A # behind a value is no comment in these files: put the comment on a line of its own"
    if key.count:
        return f"Give {key.count} values with ; between them"
    return f"Write {_CALLED.get(key.type, 'one of them')}"


def _duplicate(bundle: Bundle) -> Iterator[Fault]:
    for config in bundle.configs:
        if config.format == "pbtxt":  # fields may be repeated
            continue
        for section in config.sections:
            counts = Counter(entry.key for entry in section.entries)
            for entry in (section.entry(key) for key, count in counts.items() if count > 1):
                assert entry is not None  # noqa: S101 - it was counted
                kept = "the last one counts" if config.format == "ini" else "only one of them counts"
                yield Fault(_at(config, entry), f"{entry.key} is there {counts[entry.key]} times, {kept}", "Keep one")


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


def _entries(bundle: Bundle) -> Iterator[tuple[ConfigFile, Section, Entry, Key | None]]:
    """Every entry of every section that its element knows, with what is known of the key."""
    for config in bundle.configs:
        for section in config.sections:
            keys = keys_of(config.role, section.name)
            if keys is not None:
                yield from ((config, section, entry, key_of(keys, entry.key)) for entry in section.entries)


def _at(config: ConfigFile, entry: Entry) -> Place:
    return Place(config.path, entry.line, entry.key)


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
    Rule("keys.value", "error", "A value of the wrong type, out of range, or with a comment behind it.", _value),
    Rule("keys.duplicate", "warning", "A key that is there twice.", _duplicate),
    Rule("keys.section", "warning", "A section whose name is nearly that of a known one.", _section),
    Rule("keys.classes", "error", "Attributes of a class that the detector does not have.", _classes),
)
