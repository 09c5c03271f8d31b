"""Reading a folder: its files, what they configure, which of them run together, and their networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from batchproof.artifacts.input_file import read_bytes
from batchproof.deploy.lint.bundle import Bundle, Pipeline, inside, path_of
from batchproof.deploy.lint.document import ConfigFile, Place, Section, UnreadableError, numbered
from batchproof.deploy.lint.elements import Element, Inference, NvInfer, NvInferServer, Preprocess
from batchproof.deploy.lint.finding import Fault, quoted
from batchproof.deploy.lint.folder_files import files_below
from batchproof.deploy.lint.network import Network, read_network
from batchproof.deploy.lint.recognise import read_config
from batchproof.deploy.lint.side_files import largest_batches, scripts
from batchproof.deploy.lint.version import Version, version_of_manifest
from batchproof.errors import InputError

# A configuration has a few kilobytes.
_LARGEST = 2**20
# Files of these names are meant to be read by people and parsers; bytes in them are damage.
_TEXTS = {".txt", ".yml", ".yaml", ".ini", ".conf", ".cfg", ".pbtxt", ".prototxt"}
_PREPROCESS_GROUPS = ("pre-process", "secondary-pre-process")
_INFERENCE_GROUPS = ("primary-gie", "secondary-gie")


def read_bundle(root: Path, release: Version | None = None) -> Bundle:
    """Read the folder; nothing outside of it is opened.

    Raises `InputError` when it is no folder, has far too many files, or configures nothing of DeepStream.
    """
    files = files_below(root)
    bundle = find_bundle(root, files, files, release)
    if bundle is None:
        what = "no file in it configures nvinfer, nvdspreprocess, nvinferserver or deepstream-app"
        raise InputError(what, where=root, remedy="Name the folder of a DeepStream bundle")
    return bundle


def find_bundle(
    root: Path, files: frozenset[str], candidates: frozenset[str], release: Version | None = None
) -> Bundle | None:
    """Read what configures DeepStream among the `candidates` of all files; None when nothing does."""
    configs, faults = _configs(root, candidates)
    if not configs and not faults:
        return None
    pipelines = tuple(_pipelines(configs))
    networks, damaged = _networks(root, files, pipelines)
    return Bundle(
        files=files,
        configs=configs,
        pipelines=pipelines,
        networks=networks,
        unreadable=faults,
        damaged=damaged,
        largest_batches=largest_batches(root, files),
        scripts=scripts(root, files),
        release=release or version_of_manifest(root),
    )


def _configs(root: Path, files: frozenset[str]) -> tuple[tuple[ConfigFile, ...], tuple[Fault, ...]]:
    found = [_config_or_fault(root, path) for path in sorted(files)]
    configs = (config for config in found if isinstance(config, ConfigFile))
    return tuple(configs), tuple(fault for fault in found if isinstance(fault, Fault))


def _config_or_fault(root: Path, path: str) -> ConfigFile | Fault | None:
    try:
        return _config(root, path)
    except UnreadableError as error:
        sentence = f"{error}: whatever reads this file refuses to start"
        return Fault(Place(path, error.line), sentence, "Write it anew")


def _config(root: Path, path: str) -> ConfigFile | None:
    try:
        content = read_bytes(root / path, largest=_LARGEST)
    except InputError:  # too large for a configuration
        return None
    text = content.decode(errors="replace")
    damaged = damaged_line(text)
    if damaged is None:
        return read_config(path, text)
    if Path(path).suffix.lower() in _TEXTS:
        raise UnreadableError("is no text", damaged)
    return None


def damaged_line(text: str) -> int | None:
    """Find bytes that are no text; in a comment, which no element reads, they are letters of an older encoding."""
    for number, line in enumerate(text.split("\n"), start=1):
        if "\0" in line or ("\ufffd" in line and not line.lstrip().startswith("#")):
            return number
    return None


def _pipelines(configs: tuple[ConfigFile, ...]) -> Iterator[Pipeline]:
    """Yield the pipeline of each application, then the rest as one."""
    by_path = {config.path: config for config in configs}
    named: set[str] = set()
    for app in (config for config in configs if config.role == "deepstream-app"):
        elements = [
            _element(by_path[path], app, group)
            for group in app.sections
            if _is_element(group) and (path := inside(app.path, group.text("config-file"))) in by_path
        ]
        named |= {element.config.path for element in elements}
        yield _pipeline(app, elements)
    rest = [_element(config) for config in configs if config.path not in named]
    yield _pipeline(None, rest)


def _is_element(group: Section) -> bool:
    names = (*_PREPROCESS_GROUPS, *_INFERENCE_GROUPS)
    return any(numbered(group.name, name) for name in names) and group.text("enable", "1").strip() != "0"


def _element(config: ConfigFile, app: ConfigFile | None = None, group: Section | None = None) -> Element:
    kinds = {"nvinfer": NvInfer, "nvinferserver": NvInferServer, "nvdspreprocess": Preprocess}
    return kinds.get(config.role, Element)(config, app, group)


def _pipeline(app: ConfigFile | None, elements: list[Element]) -> Pipeline:
    inferences = tuple(element for element in elements if isinstance(element, Inference))
    return Pipeline(app, inferences, tuple(element for element in elements if isinstance(element, Preprocess)))


def _networks(
    root: Path, files: frozenset[str], pipelines: tuple[Pipeline, ...]
) -> tuple[dict[str, Network], tuple[Fault, ...]]:
    networks: dict[str, Network] = {}
    faults: dict[str, Fault] = {}
    for element in (element for pipeline in pipelines for element in pipeline.inferences):
        path = path_of(element, "onnx-file")
        if path in files and path not in networks and path not in faults:
            try:
                networks[path] = read_network(root / path)
            except InputError as error:
                sentence = f"{quoted(path)}: {error.what}; no engine is built of it"
                faults[path] = Fault(element.place("onnx-file"), sentence, error.remedy or "Export it again")
    return networks, tuple(faults.values())
