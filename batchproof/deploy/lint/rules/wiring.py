"""Which element is meant to work for which: ids that name nobody end in silence, never in an error."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle, Pipeline
from batchproof.deploy.lint.document import Place, numbered
from batchproof.deploy.lint.elements import Inference, NvInferServer, Preprocess
from batchproof.deploy.lint.finding import Fault, Rule

_SECONDARY_PREPROCESS = "secondary-pre-process"


def _same_id(bundle: Bundle) -> Iterator[Fault]:
    for pipeline in bundle.pipelines:
        for index, element in enumerate(pipeline.inferences):
            rivals = [other for other in pipeline.inferences[:index] if _are_rivals(pipeline, element, other)]
            if rivals:
                sentence = f"{rivals[0].config.path} has the id {element.unique_id} too: nobody can tell whose results"
                yield Fault(_id_place(element), f"{sentence} are meant, and deepstream-app ends", "Give each its own")


def _are_rivals(pipeline: Pipeline, one: Inference, other: Inference) -> bool:
    return one.unique_id == other.unique_id and (pipeline.app is not None or not _are_alternatives(one, other))


def _are_alternatives(one: Inference, other: Inference) -> bool:
    """Two files for one place, as people keep them: a detector is no alternative to what works on its objects."""
    same_network = one.text("onnx-file") == other.text("onnx-file") != ""
    return same_network or type(one) is not type(other) or one.finds_objects == other.finds_objects


def _operates_on_nobody(bundle: Bundle) -> Iterator[Fault]:
    for pipeline in bundle.pipelines:
        known = _ids(bundle, pipeline)
        elements: list[Inference | Preprocess] = [*pipeline.inferences, *pipeline.preprocesses]
        for element in elements:
            if element.operates_on > 0 and known and element.operates_on not in known:
                who = "the tensors of no object" if isinstance(element, Preprocess) else "no object"
                sentence = f"no element of the bundle has the id {element.operates_on}: it gets {who}, without an error"
                yield Fault(_operate_place(element), sentence, f"Name one of {_listed(known)}")


def _target_nobody(bundle: Bundle) -> Iterator[Fault]:
    for pipeline in bundle.pipelines:
        known = _ids(bundle, pipeline)
        for element in pipeline.preprocesses:
            for target in element.targets:
                if known and target not in known:
                    sentence = f"no element has the id {target}: whoever waits for these tensors infers nothing"
                    place = element.place("target-unique-ids")
                    yield Fault(place, f"{sentence}, without an error", f"Name one of {_listed(known)}")


def _target_without_tensor(bundle: Bundle) -> Iterator[Fault]:
    """An element that has the tensors prepared, and does not look at them."""
    for preprocess in bundle.preprocesses:
        reached = bundle.targets_of(preprocess)
        for target in reached if not any(element.takes_tensor for element in reached) else ():
            if target.group is None and target.settings.entry("input-tensor-meta"):
                continue  # another rule says how the key is called
            sentence = f"{preprocess.config.path} prepares its tensors, and it does not take them: it cuts out its own"
            yield Fault(_tensor_place(target), sentence, _tensor_remedy(target))


def _tensor_place(target: Inference) -> Place:
    if target.app and target.group:
        return target.app.place(target.group, "input-tensor-meta")
    return target.place("input_tensor_from_meta" if isinstance(target, NvInferServer) else "input-tensor-from-meta")


def _tensor_remedy(target: Inference) -> str:
    if target.group is not None:
        return f"Write input-tensor-meta=1 into [{target.group.name}]: deepstream-app overrides the element's own file"
    if isinstance(target, NvInferServer):
        return "Replace preprocess by input_tensor_from_meta { is_first_dim_batch: true }"
    return "Write input-tensor-from-meta=1"


def _tensor_from_nobody(bundle: Bundle) -> Iterator[Fault]:
    for pipeline in bundle.pipelines:
        candidates = pipeline.preprocesses if pipeline.app else tuple(bundle.preprocesses)
        targets = {target for preprocess in candidates for target in preprocess.targets}
        # The nvdspreprocess of a single file is elsewhere; a target that names nobody is told where it is written.
        excused = len(bundle.configs) == 1 or not targets <= {element.unique_id for element in bundle.inferences}
        for element in pipeline.inferences:
            if element.takes_tensor and element.unique_id not in targets and not excused:
                sentence = f"it waits for tensors, and no nvdspreprocess has {element.unique_id} in target-unique-ids"
                remedy = "Add the nvdspreprocess, or let the element cut out its own images"
                yield Fault(_tensor_place(element), f"{sentence}: it infers nothing, without an error", remedy)


def _misnamed_tensor_key(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        if element.settings.entry("input-tensor-meta"):
            sentence = (
                "input-tensor-meta is the name of the property and of the application's key; in this file nvinfer"
            )
            place = element.config.place(element.settings, "input-tensor-meta")
            yield Fault(place, f"{sentence} prints 'Unknown or legacy key'", "Write input-tensor-from-meta=1")


def _secondary_in_yaml(bundle: Bundle) -> Iterator[Fault]:
    for config in bundle.of_role("deepstream-app"):
        for section in config.like(_SECONDARY_PREPROCESS) if config.format == "yaml" else ():
            sentence = (
                f"the YAML parser of deepstream-app knows no {section.name}: nothing is prepared for the embedder"
            )
            yield Fault(Place(config.path, section.line), sentence, "Write the application's configuration as INI")


def _frames_for_objects(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.preprocesses:
        secondary = element.group is not None and numbered(element.group.name, _SECONDARY_PREPROCESS)
        if not element.of_objects and (secondary or _feeds_objects(bundle, element)):
            sentence = (
                "process-on-frame is 1 by default: whole frames, not faces, are prepared for an element of objects"
            )
            yield Fault(element.place("process-on-frame"), sentence, "Write process-on-frame=0")


def _feeds_objects(bundle: Bundle, preprocess: Preprocess) -> bool:
    networks = [(target, bundle.network(target)) for target in bundle.targets_of(preprocess)]
    return any(target.is_secondary or (network and network.is_embedder) for target, network in networks)


def _ids(bundle: Bundle, pipeline: Pipeline) -> set[int]:
    """The ids that can be named: those that run together, or all where no application says what does.

    None at all where the detector's file is elsewhere, or another that cannot be read.
    """
    elements = pipeline.inferences if pipeline.app else bundle.inferences
    complete = bundle.is_whole and any(element.finds_objects for element in elements)
    return {element.unique_id for element in elements} if complete else set()


def _id_place(element: Inference) -> Place:
    return element.place("unique_id" if isinstance(element, NvInferServer) else "gie-unique-id")


def _operate_place(element: Inference | Preprocess) -> Place:
    if isinstance(element, NvInferServer):
        return element.config.place(element.control, "operate_on_gie_id")
    return element.place("operate-on-gie-id")


def _listed(ids: set[int]) -> str:
    return ", ".join(map(str, sorted(ids)))


RULES = (
    Rule("wiring.same_id", "error", "Two elements of a pipeline with the same id.", _same_id),
    Rule("wiring.operates_on_nobody", "error", "`operate-on-gie-id` names nobody.", _operates_on_nobody),
    Rule("wiring.target_nobody", "error", "`target-unique-ids` names nobody.", _target_nobody),
    Rule(
        "wiring.target_without_tensor",
        "error",
        "The target of an nvdspreprocess does not take tensors, by its file or by the application's group.",
        _target_without_tensor,
    ),
    Rule("wiring.tensor_from_nobody", "error", "An element waits for tensors that nobody sends.", _tensor_from_nobody),
    Rule(
        "wiring.misnamed_tensor_key",
        "error",
        "`input-tensor-meta` in an nvinfer file, where it is called `input-tensor-from-meta`.",
        _misnamed_tensor_key,
    ),
    Rule("wiring.secondary_in_yaml", "error", "A `secondary-pre-process` in a YAML application.", _secondary_in_yaml),
    Rule("wiring.frames_for_objects", "error", "An nvdspreprocess of frames for an embedder.", _frames_for_objects),
)
