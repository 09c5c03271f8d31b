"""Batch sizes: of the engine, its profile, its network, what comes before it, and the sources."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle, inside, path_of
from batchproof.deploy.lint.document import ConfigFile, Place, numbered
from batchproof.deploy.lint.elements import Inference, NvInferServer
from batchproof.deploy.lint.engine_name import EngineName
from batchproof.deploy.lint.finding import Fault, Rule
from batchproof.deploy.lint.side_files import DESCRIPTION, MODEL_CONFIG
from batchproof.deploy.lint.values import as_integer

_REBUILT = "nvinfer logs a warning and builds another engine, which takes minutes at every start"


def _of_engine(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        name = EngineName.read(element.text("model-engine-file"))
        if name and element.batch_size > name.batch:
            sentence = f"batch-size is {element.batch_size}, the engine is called one for {name.batch}: {_REBUILT}"
            yield Fault(
                element.place("batch-size"), sentence, f"Write batch-size={name.batch}, or build a larger engine"
            )


def _of_profile(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        stem, _ = posixpath.splitext(path_of(element, "onnx-file") or "")
        described = f"{stem}{DESCRIPTION}"
        largest = bundle.largest_batches.get(described)
        if largest is not None and element.batch_size > largest:
            sentence = f"batch-size is {element.batch_size}, and {described} has profiles up to {largest}: {_REBUILT}"
            yield Fault(element.place("batch-size"), sentence, f"Write batch-size={largest}, or build a larger engine")


def _of_network(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        network = bundle.network(element)
        fixed = network.image.dims[0] if network and network.image else None
        if fixed is not None and element.batch_size != fixed and element.batch_size > 1:
            sentence = f"batch-size is {element.batch_size}, and the network's is fixed to {fixed}: no engine is built"
            remedy = "Free it: batchproof surgery MODEL.onnx -o OUT.onnx"
            yield Fault(element.place("batch-size"), sentence, remedy)


def _of_preprocess(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.preprocesses:
        shape, targets = element.shape, bundle.targets_of(element)
        if shape and targets and all(target.batch_size != shape[0] for target in targets):
            size = targets[0].batch_size
            sentence = f"prepares batches of {shape[0]} for an element that takes {size}: they are split or never full"
            rest = ";".join(map(str, shape[1:]))
            yield Fault(element.place("network-input-shape"), sentence, f"Write network-input-shape={size};{rest}")


def _of_sources(bundle: Bundle) -> Iterator[Fault]:
    for app in bundle.of_role("deepstream-app"):
        mux, sources = app.section("streammux"), count_of_sources(app)
        batch = as_integer(mux.text("batch-size"))
        if batch is not None and sources and batch < sources:
            sentence = f"{sources} sources share batches of {batch}: frames wait, and old ones are dropped"
            yield Fault(app.place(mux, "batch-size"), sentence, f"Write batch-size={sources} into [streammux]")


def _of_mux(bundle: Bundle) -> Iterator[Fault]:
    for pipeline in bundle.pipelines:
        batch = as_integer(pipeline.app.section("streammux").text("batch-size")) if pipeline.app else None
        for element in pipeline.inferences if batch is not None else ():
            if not element.is_secondary and batch is not None and element.batch_size < batch:
                sentence = (
                    f"takes {element.batch_size} of the {batch} frames that [streammux] sends: it runs several times"
                )
                yield Fault(_batch_place(element), sentence, f"Write batch-size={batch}")


def _of_model_repository(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.servers:
        repository = _repository_batch(bundle, element)
        if repository and element.batch_size > repository:  # 0: the model's own dimensions have the batch
            sentence = f"max_batch_size is {element.batch_size}, and the model's config.pbtxt has {repository}"
            place = element.place("max_batch_size")
            yield Fault(place, f"{sentence}: Triton refuses larger batches", f"Write max_batch_size: {repository}")


def _repository_batch(bundle: Bundle, element: NvInferServer) -> int | None:
    """Return the largest batch of the model's own configuration; None when the repository is elsewhere."""
    model = element.config.section("infer_config.backend.triton").text("model_name")
    root = element.config.section("infer_config.backend.triton.model_repo").text("root")
    return bundle.largest_batches.get(inside(element.config.path, f"{root}/{model}/{MODEL_CONFIG}") or "")


def count_of_sources(app: ConfigFile) -> int:
    """Count the streams of the enabled sources."""
    counts = [
        as_integer(section.text("num-sources", "1")) or 1
        for section in app.sections
        if numbered(section.name, "source") and section.text("enable", "1").strip() != "0"
    ]
    return sum(counts)


def _batch_place(element: Inference) -> Place:
    return element.place("max_batch_size" if isinstance(element, NvInferServer) else "batch-size")


RULES = (
    Rule("batches.of_engine", "error", "`batch-size` above that in the engine's name.", _of_engine),
    Rule("batches.of_profile", "error", "`batch-size` above the profiles of a description of ours.", _of_profile),
    Rule(
        "batches.of_network", "error", "`batch-size` that a network of fixed batch cannot have.", _of_network, "network"
    ),
    Rule("batches.of_preprocess", "warning", "`network-input-shape` of another batch than its target.", _of_preprocess),
    Rule("batches.of_sources", "warning", "A `[streammux]` with more sources than its batch.", _of_sources),
    Rule("batches.of_mux", "warning", "A detector whose batch is smaller than `[streammux]`'s.", _of_mux),
    Rule("batches.of_model_repository", "error", "`max_batch_size` above that of config.pbtxt.", _of_model_repository),
)
