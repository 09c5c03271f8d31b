"""Configurations of nvinfer: the detector, with landmarks or without, and the models on faces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from batchproof.deploy.deepstream import paths
from batchproof.deploy.deepstream.key_file import Group, Key, key_list
from batchproof.deploy.deepstream.plan import DETECTOR_ID, BundlePlan, Secondary
from batchproof.deploy.deployed_model import DeployedModel
from batchproof.zoo.spec import InputSpec

THRESHOLD = 0.5
"""Smallest score of a face; insightface's `det_thresh`."""

FACE_CLASS = 0
BOX_PARSER, LANDMARK_PARSER = "NvDsInferParseCustomScrfd", "NvDsInferParseCustomScrfdMask"
# The release that can be told to keep the types of the ONNX.
_STRONGLY_TYPED_SINCE = (9, 0)
# nvinfer's numbers.
_NETWORK_MODES = {"fp32": 0, "fp16": 2}
COLOURS = {"RGB": 0, "BGR": 1}
BILINEAR = 1


def detector_groups(plan: BundlePlan, carries: Literal["landmarks", "boxes"]) -> tuple[Group, ...]:
    """Configure the primary nvinfer; landmarks travel as instance masks, which every version carries alike."""
    keys = (
        *_engine(plan, plan.detector, DETECTOR_ID, plan.streams),
        *normalisation(plan.detector.spec.input),
        *_letterbox(),
        *(_landmark_parser() if carries == "landmarks" else _box_parser()),
        Key("custom-lib-path", paths.beside(paths.PARSER)),
        Key("labelfile-path", "labels.txt"),
        Key("num-detected-classes", 1),
        Key("cluster-mode", 4, "the parser suppresses overlaps itself, as insightface does"),
        Key("crop-objects-to-roi-boundary", 1, "otherwise faces that touch the lower edge are dropped"),
        Key("interval", 0, "a frame that is skipped has no landmarks"),
    )
    threshold = Key("pre-cluster-threshold", THRESHOLD, "the parser's too; topk stays unset, which leaks masks")
    return Group("property", keys), Group("class-attrs-all", (threshold,))


def secondary_groups(plan: BundlePlan, secondary: Secondary) -> tuple[Group, ...]:
    """Configure the nvinfer of a model on faces, which gets its crops from nvdspreprocess and hands out raw tensors."""
    model = secondary.model
    keys = (
        *_engine(plan, model, secondary.gie_id, model.largest_batch),
        Key("network-type", 100, "no classifier: its raw outputs are the answer"),
        Key("process-mode", 2),
        Key("operate-on-gie-id", DETECTOR_ID),
        Key("operate-on-class-ids", FACE_CLASS),
        Key("input-tensor-from-meta", 1, f"from {paths.preprocess_config(model)}"),
        Key("output-tensor-meta", 1),
        Key("classifier-async-mode", 0, "1 would take neither input tensors nor output tensors"),
        *_documented(model.spec.input),
    )
    return (Group("property", keys),)


def normalisation(image: InputSpec) -> Iterator[Key]:
    """Give the constants of value = scale * (pixel - offset), with where they come from."""
    why = f"1 / std: {image.std:g} is this model's own, manifest.json says where it comes from"
    if (image.mean, image.std) == (0.0, 1.0):
        why = "pixels as they are: the graph normalises its input itself"
    yield Key("net-scale-factor", 1 / image.std, why)
    if image.mean:
        yield Key("offsets", key_list([image.mean] * image.channels), "its mean, once for each colour")
    yield Key("model-color-format", COLOURS[image.colour], image.colour)


def _documented(image: InputSpec) -> Iterator[Key]:
    """Give the same for people: nvinfer has no use for them where nvdspreprocess has made the tensor."""
    first, *others = normalisation(image)
    yield Key(first.name, first.value, f"for people: the crops come normalised. {first.why}")
    yield from others


def _engine(plan: BundlePlan, model: DeployedModel, gie_id: int, batch: int) -> Iterator[Key]:
    height, width = model.size
    engine, largest = plan.engine(model), model.largest_batch
    yield Key("gpu-id", 0)
    yield Key("gie-unique-id", gie_id)
    yield Key("onnx-file", paths.beside(f"{paths.ENGINES}/{model.stem}.onnx"))
    yield Key("model-engine-file", paths.beside(f"{paths.ENGINES}/{engine}"), "made by engines/build_engines.sh")
    yield Key("batch-size", batch, f"the engine takes {largest} at most")
    yield Key("network-mode", _NETWORK_MODES[model.precision], model.precision)
    if plan.version >= _STRONGLY_TYPED_SINCE:
        yield Key("strongly-typed", 1, "an engine that nvinfer builds itself has the types of the ONNX")
    yield Key("infer-dims", key_list((model.spec.input.channels, height, width)))
    yield Key("output-blob-names", key_list([output.name for output in model.spec.outputs]))


def _letterbox() -> Iterator[Key]:
    yield Key("process-mode", 1)
    yield Key("maintain-aspect-ratio", 1)
    yield Key("symmetric-padding", 0, "the picture at the top left, as insightface pads")
    yield Key("scaling-filter", BILINEAR, "bilinear; the default is nearest")


def _landmark_parser() -> Iterator[Key]:
    yield Key("network-type", 3, "instance masks, which carry five landmarks (include/batchproof/landmark_mask.h)")
    yield Key("output-instance-mask", 1)
    yield Key("parse-bbox-instance-mask-func-name", LANDMARK_PARSER)


def _box_parser() -> Iterator[Key]:
    yield Key("network-type", 0)
    yield Key("parse-bbox-func-name", BOX_PARSER)
