"""Engines: nvinfer opens the one that is named, or builds one, under a name of its own, beside the ONNX."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle, path_of
from batchproof.deploy.lint.elements import NvInfer
from batchproof.deploy.lint.engine_name import MODES, EngineName
from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.version import Version

_INT8 = 1
_TYPED_FROM: Version = (9, 0)
_EVERY_START = "so every start builds again, for minutes"


def _name(bundle: Bundle) -> Iterator[Fault]:
    """The engine is not there: what nvinfer builds instead must have the name that is looked for."""
    for element, written in _missing(bundle):
        own, onnx = _own_name(element), posixpath.basename(element.text("onnx-file"))
        if onnx and posixpath.basename(written) != own.text and not _is_too_small(element, written):
            sentence = f"{quoted(posixpath.basename(written))} is not there, and nvinfer writes what it builds as"
            remedy = f"Name it {own.text}, beside the ONNX; {_why(own, EngineName.read(written))}"
            yield Fault(element.place("model-engine-file"), f"{sentence} {own.text}, {_EVERY_START}", remedy)


def _is_too_small(element: NvInfer, written: str) -> bool:
    """Tell a name whose batch is smaller than batch-size, which is a finding of its own."""
    name = EngineName.read(written)
    return name is not None and name.batch < element.batch_size


def _folder(bundle: Bundle) -> Iterator[Fault]:
    for element, written in _missing(bundle):
        if posixpath.basename(written) != _own_name(element).text:
            continue
        onnx = path_of(element, "onnx-file")
        engine = path_of(element, "model-engine-file")
        if onnx and engine and posixpath.dirname(onnx) != posixpath.dirname(engine):
            sentence = f"is not there, and nvinfer writes what it builds beside {quoted(onnx)}, {_EVERY_START}"
            yield Fault(element.place("model-engine-file"), sentence, "Name the engine beside its ONNX")


def _missing(bundle: Bundle) -> Iterator[tuple[NvInfer, str]]:
    """The engines of the bundle that are not there, and that no script of it makes."""
    for element in bundle.nvinfers:
        engine, written = path_of(element, "model-engine-file"), element.text("model-engine-file")
        if engine and engine not in bundle.files and not bundle.is_made_here(engine):
            yield element, written


def _own_name(element: NvInfer) -> EngineName:
    mode = element.integer("network-mode", 0)
    onnx = posixpath.basename(element.text("onnx-file"))
    name = MODES[mode] if 0 <= mode < len(MODES) else MODES[0]
    return EngineName(onnx, element.batch_size, element.integer("gpu-id", 0), name)


def _why(own: EngineName, written: EngineName | None) -> str:
    """Say which key decides the part that differs."""
    if written is None:
        return "that is its pattern"
    keys = {"onnx": "onnx-file", "batch": "batch-size", "gpu": "gpu-id", "mode": "network-mode"}
    return f"{' and '.join(key for part, key in keys.items() if getattr(own, part) != getattr(written, part))} says so"


def _mode(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        name, own = EngineName.read(element.text("model-engine-file")), _own_name(element)
        if name and name.mode != own.mode and not any(element is missing for missing, _ in _missing(bundle)):
            sentence = f"the engine is called {name.mode}, network-mode says {own.mode}: when it has to be built again"
            remedy = f"Write network-mode={MODES.index(name.mode)}"
            yield Fault(element.place("network-mode"), f"{sentence}, it is another", remedy)


def _calibration(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        if element.integer("network-mode", 0) == _INT8 and not element.settings.entry("int8-calib-file"):
            sentence = "INT8 without a calibration table: nvinfer builds FP16 and says nothing"
            yield Fault(element.place("network-mode"), sentence, "Add int8-calib-file, or write network-mode=2")


def _no_model(bundle: Bundle) -> Iterator[Fault]:
    models = (
        "onnx-file",
        "model-engine-file",
        "tlt-encoded-model",
        "model-file",
        "uff-file",
        "engine-create-func-name",
    )
    for element in bundle.nvinfers:
        if not any(element.text(key) for key in models):
            sentence = "no onnx-file and no model-engine-file: nvinfer has nothing to run and does not start"
            yield Fault(element.place("onnx-file"), sentence, "Name both")


def _no_onnx(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        others = ("onnx-file", "tlt-encoded-model", "model-file", "uff-file", "engine-create-func-name")
        if element.text("model-engine-file") and not any(element.text(key) for key in others):
            sentence = "an engine alone: with another TensorRT, GPU or batch there is nothing to build it from"
            yield Fault(element.place("model-engine-file"), sentence, "Add onnx-file")


def _typed(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        network = bundle.network(element)
        late = bundle.release is not None and bundle.release >= _TYPED_FROM
        if late and network and network.has_half_weights and not element.flag("strongly-typed"):
            sentence = "the FP16 types of this ONNX are only a hint without it: TensorRT chooses its own"
            yield Fault(element.place("strongly-typed"), sentence, "Write strongly-typed=1")


RULES = (
    Rule("engines.name", "error", "An engine that is not there, under a name that nvinfer will not give it.", _name),
    Rule("engines.folder", "error", "An engine that is not there, in another folder than its ONNX.", _folder),
    Rule("engines.mode", "warning", "`network-mode` that contradicts the name of the engine.", _mode),
    Rule("engines.calibration", "error", "INT8 without `int8-calib-file`.", _calibration),
    Rule("engines.no_model", "error", "An nvinfer with no model at all.", _no_model),
    Rule("engines.no_onnx", "warning", "An engine without the ONNX to build it again.", _no_onnx),
    Rule("engines.typed", "warning", "No `strongly-typed=1` for an FP16 ONNX, from 9.0 on.", _typed, "release"),
)
