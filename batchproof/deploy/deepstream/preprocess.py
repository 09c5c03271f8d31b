"""Configurations of nvdspreprocess: crops of faces, made by the bundle's own library from the whole frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from batchproof.deploy.deepstream import paths
from batchproof.deploy.deepstream.key_file import Group, Key, key_list
from batchproof.deploy.deepstream.nvinfer import BILINEAR, COLOURS, FACE_CLASS, THRESHOLD
from batchproof.deploy.deepstream.plan import DETECTOR_ID, BundlePlan, Secondary
from batchproof.deploy.deployed_model import DeployedModel

SMALLEST_FACE = 16
"""Frame pixels; a crop that the element rounds to nothing stops the pipeline with an error."""

# FP32 in the numbering of every version; the numbers of other types moved.
_FP32 = 0


Source = Literal["mask", "tensor"]
"""Where the aligner takes landmarks from: the detector's instance masks, or its raw outputs, decoded once more."""


def preprocess_groups(plan: BundlePlan, secondary: Secondary, source: Source = "mask") -> tuple[Group, ...]:
    """Configure the element that makes the crops of one model."""
    keys = (*_element(secondary), *_tensor(secondary.model), *_pools(plan, secondary.model), *_library())
    return (
        Group("property", keys),
        Group("user-configs", tuple(_options(secondary.model, source))),
        Group("group-0", tuple(_objects())),
    )


def _element(secondary: Secondary) -> Iterator[Key]:
    yield Key("enable", 1)
    yield Key("unique-id", secondary.preprocess_id)
    yield Key("gpu-id", 0)
    yield Key("target-unique-ids", secondary.gie_id, f"gie-unique-id in {paths.secondary_config(secondary.model)}.txt")
    yield Key("operate-on-gie-id", DETECTOR_ID)
    yield Key("process-on-frame", 0, "on objects")


def _tensor(model: DeployedModel) -> Iterator[Key]:
    height, width = model.size
    image = model.spec.input
    yield Key("network-input-order", 0, "NCHW")
    yield Key("network-input-shape", key_list((model.largest_batch, image.channels, height, width)))
    yield Key("processing-width", width)
    yield Key("processing-height", height)
    yield Key("network-color-format", COLOURS[image.colour], image.colour)
    yield Key("tensor-data-type", _FP32, "FP32, whatever the graph computes in")
    yield Key("tensor-name", image.name, "the input of the ONNX, letter by letter")


def _pools(plan: BundlePlan, model: DeployedModel) -> Iterator[Key]:
    buffers = plan.crop_buffers(model)
    why = f"{plan.streams} streams x {plan.faces} faces / {model.largest_batch}, rounded up, and those in flight"
    yield Key("scaling-buf-pool-size", buffers)
    yield Key("tensor-buf-pool-size", buffers, f"{why}: with fewer than one batch of frames needs, all stands still")
    yield Key("scaling-pool-memory-type", 0)
    yield Key("scaling-pool-compute-hw", 1, "the GPU: other hardware fails on very small and very large faces")
    yield Key("scaling-filter", BILINEAR)
    yield Key("maintain-aspect-ratio", 0)
    yield Key("symmetric-padding", 0)


def _library() -> Iterator[Key]:
    yield Key("custom-lib-path", paths.beside(paths.ALIGNER))
    yield Key("custom-tensor-preparation-function", "CustomTensorPreparation")


def _options(model: DeployedModel, source: Source) -> Iterator[Key]:
    """The library's own options, see align/options.h."""
    image = model.spec.input
    if model.aligned:
        yield Key("mode", "arcface5", "five landmarks to the ArcFace template")
        yield from _landmarks(source)
    else:
        yield Key("mode", "bbox1.5", "the upright square about the box, 1.5 times its longer side")
    yield Key("mean", image.mean, "value = (pixel - mean) / std, of the model's own spec")
    yield Key("std", image.std)


def _landmarks(source: Source) -> Iterator[Key]:
    if source == "mask":
        yield Key("source", source, "landmarks come with the detector's instance masks")
    else:
        yield Key("source", source, "landmarks are decoded anew from the detector's raw outputs")
        yield Key("pgie-id", DETECTOR_ID, "unique_id in its configuration")
        yield Key("threshold", THRESHOLD, "the detector's own")


def _objects() -> Iterator[Key]:
    yield Key("src-ids", -1, "all sources")
    yield Key("process-on-all-objects", 1)
    yield Key("operate-on-class-ids", FACE_CLASS)
    yield Key("custom-input-transformation-function", "CustomTransformation")
    yield Key("input-object-min-width", SMALLEST_FACE, "smaller ones stop the pipeline")
    yield Key("input-object-min-height", SMALLEST_FACE)
    yield Key("draw-roi", 0)
    yield Key("interval", 0)
