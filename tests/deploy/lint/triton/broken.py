"""Repositories that are broken in one place each: by which edit, what finds it, where, and in which words."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from tests.deploy.lint.edits import Edit, put, removed, replaced, together, without
from tests.deploy.lint.triton.repositories import CUT, EMBED, PIPELINE, REPOSITORY

SCRFD_CONFIG, CUT_CONFIG, EMBED_CONFIG, FACES_CONFIG, PLAN_CONFIG, ARCFACE_CONFIG = (
    f"{REPOSITORY}/{name}/config.pbtxt" for name in ("scrfd", "cut", "embed", "faces", "arcface.fp16", "arcface")
)
REHEARSAL_CONFIG = f"{REPOSITORY}/arcface.fp16/configs/rehearsal.pbtxt"
PIPELINE_JSON = f"{REPOSITORY}/faces/1/pipeline.json"
SCRFD_ONNX, ARCFACE_ONNX = f"{REPOSITORY}/scrfd/1/model.onnx", f"{REPOSITORY}/arcface/1/model.onnx"
WARMED = 'inputs { key: "input" value { data_type: TYPE_FP32 dims: [ 3, 112, 112 ] zero_data: true } }'


@dataclass(frozen=True)
class Broken:
    """One broken repository: `rule` finds it, in `file`, at `key`, and says `told`; nothing else is found.

    What the server itself does with the model, where its core and Python's backend tell: `refused` are words of its
    log when it refuses the model, `taken` when it serves it, empty where it says nothing.
    """

    edit: Edit
    rule: str
    file: str
    key: str
    told: str
    refused: str | None = None
    taken: str | None = None


def without_model(name: str) -> Edit:
    """Take a model out of the repository."""
    return lambda root: shutil.rmtree(root / REPOSITORY / name)


def network(file: str, change: str) -> Edit:
    """Change an ONNX file by the function of this module with that name."""

    def edit(root: Path) -> None:
        model = onnx.load(root / file)
        _CHANGES[change](model)
        onnx.save(model, root / file)

    return edit


def _fixed(model: onnx.ModelProto) -> None:
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1


def _fixed_size(model: onnx.ModelProto) -> None:
    _, _, height, width = model.graph.input[0].type.tensor_type.shape.dim
    height.dim_value = width.dim_value = 640


def _mixing(model: onnx.ModelProto) -> None:
    model.graph.node[-1].output[0] = "raw"
    mean = onnx.helper.make_node("ReduceMean", ["raw"], ["mean"], axes=[0], keepdims=1)
    model.graph.node.extend([mean, onnx.helper.make_node("Sub", ["raw", "mean"], ["embedding"])])


def _second_input(model: onnx.ModelProto) -> None:
    model.graph.node[-1].output[0] = "raw"
    model.graph.node.append(onnx.helper.make_node("Add", ["raw", "bias"], ["embedding"]))
    model.graph.input.append(onnx.helper.make_tensor_value_info("bias", onnx.TensorProto.FLOAT, ["N", 64]))


def _weight_among_inputs(model: onnx.ModelProto) -> None:
    (weight,) = model.graph.initializer
    model.graph.input.append(onnx.helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims))


def _rows_for_batch(model: onnx.ModelProto) -> None:
    """Reshape every output to `[rows, channels]`, as the published files do."""
    for weight in model.graph.initializer:
        if weight.name.endswith("_shape"):
            channels = onnx.numpy_helper.to_array(weight)[-1]
            weight.CopyFrom(onnx.numpy_helper.from_array(np.array([-1, channels]), weight.name))
    for output in model.graph.output:
        del output.type.tensor_type.shape.dim[0]


_CHANGES = {
    "fixed": _fixed,
    "fixed size": _fixed_size,
    "mixing": _mixing,
    "second input": _second_input,
    "rows for batch": _rows_for_batch,
    "weight among inputs": _weight_among_inputs,
}


def cut(old: str, new: str) -> Edit:
    """Write other words into the configuration of `cut`."""
    return replaced(CUT_CONFIG, (old, new))


def embed(old: str, new: str) -> Edit:
    """Write other words into the ensemble."""
    return replaced(EMBED_CONFIG, (old, new))


def warmed(old: str, new: str) -> Edit:
    """Give `cut` a warm-up that is right but for some words."""
    sample = (
        'model_warmup { name: "w" batch_size: 1 inputs { key: "image" value { data_type: TYPE_UINT8'
        " dims: [ 112, 112, 3 ] random_data: true } } }\n"
    )
    assert old in sample
    return put(CUT_CONFIG, CUT + sample.replace(old, new))


TEXT = (
    Broken(put(CUT_CONFIG, b"\x7fELF\0"), "text.unreadable", CUT_CONFIG, "", "is no text", refused="Poll failed"),
    Broken(
        cut('"cut"', '"cut'),
        "text.unreadable",
        CUT_CONFIG,
        "",
        'has " where a field is expected',
        refused="Error parsing text",
    ),
    Broken(put(CUT_CONFIG, "a {" * 10_000), "text.unreadable", CUT_CONFIG, "", "too many messages in one another"),
    Broken(
        cut("max_batch_size", "max_batch_sizes"),
        "text.unknown_field",
        CUT_CONFIG,
        "max_batch_sizes",
        "Write max_batch_size, which was probably meant",
        refused='has no field named "max_batch_sizes"',
    ),
    Broken(
        replaced(REHEARSAL_CONFIG, ("KIND_CPU", "KIND_CPU counts: 1")),
        "text.unknown_field",
        REHEARSAL_CONFIG,
        "counts",
        "Write count, which",
    ),
    Broken(
        cut("TYPE_FP32", "TYPE_FLOAT32"),
        "text.unknown_value",
        CUT_CONFIG,
        "data_type",
        "'TYPE_FLOAT32' is no DataType",
        refused='Unknown enumeration value of "TYPE_FLOAT32"',
    ),
    Broken(
        cut("max_batch_size: 8", 'max_batch_size: "8"'),
        "text.wrong_type",
        CUT_CONFIG,
        "max_batch_size",
        "would have to be a whole number",
        refused="Expected integer",
    ),
    Broken(
        cut("priority_levels: 2", "priority_levels: { }"),
        "text.wrong_type",
        CUT_CONFIG,
        "priority_levels",
        "is a message, and would have to be a whole number",
        refused="Error parsing text",
    ),
    Broken(
        cut('backend: "python"', 'backend: "python"\nbackend: "tensorrt"'),
        "text.given_twice",
        CUT_CONFIG,
        "backend",
        "stands there a second time",
        refused="specified multiple times",
    ),
    Broken(
        cut("max_batch_size: 8", "max_batch_size: [ 8 ]"),
        "text.given_twice",
        CUT_CONFIG,
        "max_batch_size",
        "is a list, and has one value",
        refused="Error parsing text",
    ),
    Broken(
        cut("instance_group", "sequence_batching { }\ninstance_group"),
        "text.one_of",
        CUT_CONFIG,
        "sequence_batching",
        "sequence_batching excludes dynamic_batching",
        refused="another member of oneof",
    ),
    Broken(
        cut("version_policy", 'parameters { key: "colour" value { string_value: "RGB" } }\nversion_policy'),
        "text.key_twice",
        CUT_CONFIG,
        "parameters",
        "keeps the last one and says nothing",
        taken="",
    ),
)
MODELS = (
    Broken(
        cut('"cut"', '"other"'),
        "model.name",
        CUT_CONFIG,
        "name",
        "the model is called 'other', and its folder 'cut'",
        refused="unexpected directory name 'cut' for model 'other'",
    ),
    Broken(
        together(
            without(CUT_CONFIG, 'backend: "python"'),
            cut('name: "cut"', 'name: "cut"\ndefault_model_filename: "net.py"'),
            put(f"{REPOSITORY}/cut/1/net.py"),
        ),
        "model.no_backend",
        CUT_CONFIG,
        "backend",
        "neither backend nor platform",
        refused="unexpected platform type ''",
    ),
    Broken(
        cut('backend: "python"', 'platform: "tensorrt"'),
        "model.unknown_platform",
        CUT_CONFIG,
        "platform",
        'Write platform: "tensorrt_plan"',
        refused="unexpected platform type 'tensorrt'",
    ),
    Broken(
        cut('backend: "python"', 'backend: "pytorch"\nplatform: "tensorrt_plan"\ndefault_model_filename: "model.py"'),
        "model.contradiction",
        CUT_CONFIG,
        "platform",
        "platform 'tensorrt_plan' is not one of backend 'pytorch'",
        refused="unexpected 'platform' and 'backend' pair",
    ),
    Broken(
        together(removed(ARCFACE_CONFIG), without_model("embed")),
        "model.no_config",
        f"{REPOSITORY}/arcface",
        "",
        "with batches of 4 at most",
    ),
)
STRAYS = (
    Broken(
        put(f"{REPOSITORY}/docs/index.md"),
        "model.stray",
        f"{REPOSITORY}/docs",
        "",
        "the server tries to load it and does not start",
        refused="Could not determine backend for model 'docs'",
    ),
)
VERSIONS = (
    Broken(
        lambda root: (root / REPOSITORY / "embed/1").rmdir(),
        "version.none",
        EMBED_CONFIG,
        "",
        "of an ensemble too",
        refused="at least one version must be available",
    ),
    Broken(
        put(f"{REPOSITORY}/cut/v2/model.py"),
        "version.name",
        f"{REPOSITORY}/cut/v2",
        "",
        "the server ignores the folder",
        taken="ignore version directory 'v2'",
    ),
    Broken(
        put(f"{REPOSITORY}/cut/02/model.py"),
        "version.name",
        f"{REPOSITORY}/cut/02",
        "",
        "has a leading zero",
        taken="ignore version directory '02'",
    ),
    Broken(
        removed(f"{REPOSITORY}/cut/1/model.py"),
        "version.file",
        CUT_CONFIG,
        "default_model_filename",
        "cut/1/model.py' is not there",
    ),
    Broken(
        put("run.sh", "echo nothing\n"),
        "version.file",
        PLAN_CONFIG,
        "default_model_filename",
        "no script makes it: backend tensorrt refuses it",
    ),
    Broken(
        cut("latest { num_versions: 1 }", "specific { versions: [ 1, 3 ] }"),
        "version.policy",
        CUT_CONFIG,
        "version_policy",
        "version 3 is not there",
        taken="version 3 is specified for model 'cut', but the version directory is not present",
    ),
    Broken(
        cut("num_versions: 1", "num_versions: 0"),
        "version.policy",
        CUT_CONFIG,
        "version_policy",
        "serves no version at all",
        refused="at least one version must be available",
    ),
)
BATCHING = (
    Broken(
        together(cut("max_batch_size: 8", "max_batch_size: -2"), without_model("embed")),
        "batching.negative",
        CUT_CONFIG,
        "max_batch_size",
        "the server refuses a negative one",
        refused="'max_batch_size' must be non-negative value",
    ),
    Broken(
        cut("priority_levels", "preferred_batch_size: [ 4, 16 ]\n  priority_levels"),
        "batching.preferred",
        CUT_CONFIG,
        "preferred_batch_size",
        "preferred_batch_size has 16, max_batch_size is 8",
        refused="dynamic batching preferred size must be <= max batch size",
    ),
    Broken(
        cut("priority_levels", "preferred_batch_size: [ 0 ]\n  priority_levels"),
        "batching.preferred",
        CUT_CONFIG,
        "preferred_batch_size",
        "preferred_batch_size has 0",
        refused="dynamic batching preferred size must be positive",
    ),
    Broken(
        together(cut("max_batch_size: 8", "max_batch_size: 0"), without_model("embed")),
        "batching.unbatched",
        CUT_CONFIG,
        "dynamic_batching",
        "the server takes it, and batches nothing",
        taken="",
    ),
    Broken(
        cut("default_priority_level: 1", "default_priority_level: 3"),
        "batching.priorities",
        CUT_CONFIG,
        "default_priority_level",
        "level 3 is none of 1 to 2",
        refused="default priority level must be in range [1, 2]",
    ),
    Broken(
        cut("preserve_ordering: false", "preserve_ordering: true"),
        "batching.ordering",
        CUT_CONFIG,
        "preserve_ordering",
        "several priority_levels exclude each other",
        refused="Only one priority level is allowed",
    ),
)
MASK = 'input { name: "mask" data_type: TYPE_UINT8 dims: [ 1 ] optional: true }'
TENSORS = (
    Broken(
        cut('name: "mask" ', ""),
        "io.name",
        CUT_CONFIG,
        "name",
        "input without a name",
        refused="model input must specify 'name'",
    ),
    Broken(
        cut(MASK, MASK.replace("data_type: TYPE_UINT8 ", "")),
        "io.data_type",
        CUT_CONFIG,
        "data_type",
        "input 'mask' has no data_type",
        refused="must specify 'data_type'",
    ),
    Broken(
        cut("dims: [ 1 ] ", ""),
        "io.dims",
        CUT_CONFIG,
        "dims",
        "input 'mask' has no dims",
        refused="must specify 'dims'",
    ),
    Broken(
        cut("dims: [ 1 ]", "dims: [ 0 ]"),
        "io.size",
        CUT_CONFIG,
        "dims",
        "has the size 0",
        refused="dimension must be integer >= 1, or -1",
    ),
    Broken(cut(MASK, f"{MASK}\n{MASK}"), "io.twice", CUT_CONFIG, "name", "takes it without a word", taken=""),
    Broken(
        cut("dims: [ 1 ]", "dims: [ 4 ] reshape { shape: [ 2, 3 ] }"),
        "io.reshape",
        CUT_CONFIG,
        "reshape",
        "reshape [2, 3] has another size than dims [4]",
        refused="has different size for dims and reshape",
    ),
    Broken(
        cut("dims: [ 1 ]", "dims: [ 1 ] format: FORMAT_NHWC"),
        "io.format",
        CUT_CONFIG,
        "format",
        "1 dims instead of 3",
        refused="model input NHWC/NCHW require 3 dims",
    ),
    Broken(
        cut("dims: [ 1 ]", "dims: [ 1 ] is_shape_tensor: true"),
        "io.tensorrt_only",
        CUT_CONFIG,
        "is_shape_tensor",
        "is_shape_tensor is for TensorRT alone",
        refused="shape tensors are only supported for TensorRT platform",
    ),
    Broken(
        replaced(SCRFD_CONFIG, ("[ 3, -1, -1 ]", "[ 3, -1, -1 ] optional: true")),
        "io.optional",
        SCRFD_CONFIG,
        "optional",
        "ONNX Runtime's backend refuses the model",
    ),
    Broken(
        without(FACES_CONFIG, "dynamic_batching { max_queue_delay_microseconds: 1000 }"),
        "io.ragged",
        FACES_CONFIG,
        "allow_ragged_batch",
        "nothing batches here: it has no effect",
        taken="",
    ),
)
NETWORKS = (
    Broken(put(SCRFD_ONNX, b"\0"), "graph.unreadable", SCRFD_ONNX, "", "a backend hardly takes it"),
    Broken(
        together(
            replaced(ARCFACE_CONFIG, ('output { name: "embedding"', 'output { name: "output"')), without_model("embed")
        ),
        "graph.name",
        ARCFACE_CONFIG,
        "name",
        "has no output 'output': the backend refuses the model. It has 'embedding'",
    ),
    Broken(
        network(ARCFACE_ONNX, "second input"),
        "graph.missing_input",
        ARCFACE_CONFIG,
        "input",
        "has an input 'bias', which is not here",
    ),
    Broken(
        replaced(SCRFD_CONFIG, ('"input" data_type: TYPE_FP32', '"input" data_type: TYPE_FP16')),
        "graph.data_type",
        SCRFD_CONFIG,
        "data_type",
        "is TYPE_FP16, the network's is FLOAT",
    ),
    Broken(
        network(ARCFACE_ONNX, "fixed"),
        "graph.fixed_batch",
        ARCFACE_CONFIG,
        "max_batch_size",
        "is fixed to 1: the backend refuses the model. Free it: batchproof surgery",
    ),
    Broken(
        together(network("engines/arcface.fp16.onnx", "fixed"), removed(REHEARSAL_CONFIG)),
        "graph.fixed_batch",
        PLAN_CONFIG,
        "max_batch_size",
        "max_batch_size is 8, and the batch of 'engines/arcface.fp16.onnx' is fixed to 1",
    ),
    Broken(
        network(SCRFD_ONNX, "rows for batch"),
        "graph.no_batch_axis",
        SCRFD_CONFIG,
        "max_batch_size",
        "without a batch axis, and max_batch_size is 4",
    ),
    Broken(
        replaced(SCRFD_CONFIG, ("[ 3, -1, -1 ]", "[ -1, 3, -1, -1 ]")),
        "graph.batch_in_dims",
        SCRFD_CONFIG,
        "dims",
        "dims [-1, 3, -1, -1] of 'input' have the batch axis, which the server adds itself",
    ),
    Broken(
        replaced(
            SCRFD_CONFIG,
            ('"score_8" data_type: TYPE_FP32 dims: [ -1, 1 ]', '"score_8" data_type: TYPE_FP32 dims: [ 12800, 1 ]'),
        ),
        "graph.dims",
        SCRFD_CONFIG,
        "dims",
        "Write dims: [-1, 1]",
    ),
    Broken(
        replaced(PLAN_CONFIG, ("[ 64 ]", "[ 512 ]")),
        "graph.dims",
        PLAN_CONFIG,
        "dims",
        "dims [512] of 'embedding' are not those of the network, [?, 64] with the batch axis",
    ),
    Broken(
        replaced(SCRFD_CONFIG, ("[ 3, -1, -1 ]", "[ 3, -1, -1 ] allow_ragged_batch: true")),
        "graph.ragged",
        SCRFD_CONFIG,
        "allow_ragged_batch",
        "for which the network must take one list of values",
    ),
    Broken(
        network(ARCFACE_ONNX, "mixing"),
        "graph.mixes_frames",
        ARCFACE_CONFIG,
        "max_batch_size",
        "mixes the frames of a batch",
    ),
    Broken(
        replaced(PLAN_CONFIG, ("max_batch_size: 8", "max_batch_size: 16")),
        "graph.profile",
        PLAN_CONFIG,
        "max_batch_size",
        "has profiles up to 8",
    ),
)
INSTANCES = (
    Broken(
        cut("KIND_CPU count: 1", "KIND_CPU count: 0"),
        "instances.count",
        CUT_CONFIG,
        "count",
        "the server starts its default number of instances, and says nothing",
        taken="",
    ),
    Broken(
        replaced(PLAN_CONFIG, ('KIND_GPU profile: "0"', 'KIND_CPU profile: "0"')),
        "instances.cpu_plan",
        PLAN_CONFIG,
        "kind",
        "runs on GPUs alone",
    ),
    Broken(
        cut("KIND_CPU count: 1", "KIND_CPU gpus: [ 0 ]"),
        "instances.gpus",
        CUT_CONFIG,
        "gpus",
        "KIND_CPU with gpus",
        refused="has kind KIND_CPU but specifies one or more GPUs",
    ),
    Broken(
        cut("KIND_CPU count: 1", 'KIND_CPU profile: "0"'),
        "instances.profile",
        CUT_CONFIG,
        "profile",
        "only TensorRT has profiles",
        refused="specifies profile field which is only supported for TensorRT models",
    ),
    Broken(
        replaced(PLAN_CONFIG, ('profile: "0"', 'profile: "largest"')),
        "instances.profile",
        PLAN_CONFIG,
        "profile",
        "which is not the number of one",
    ),
    Broken(
        replaced(PLAN_CONFIG, ('profile: "0"', 'profile: "1"')),
        "instances.profile",
        PLAN_CONFIG,
        "profile",
        'and the engine has 1: the backend refuses the model. Write "0" to "0"',
    ),
)
WARMUP = (
    Broken(
        warmed("batch_size: 1", "batch_size: 0"),
        "warmup.skipped",
        CUT_CONFIG,
        "batch_size",
        "the server skips it",
        taken="",
    ),
    Broken(
        replaced(ARCFACE_CONFIG, ("batch_size: 1\n", "batch_size: 9\n")),
        "warmup.batch",
        ARCFACE_CONFIG,
        "batch_size",
        "batch_size 9, and max_batch_size is 8",
    ),
    Broken(
        warmed('"image"', '"img"'),
        "warmup.inputs",
        CUT_CONFIG,
        "inputs",
        "a sample lacks 'image'",
        refused="failed to load 'cut'",
    ),
    Broken(
        warmed("random_data: true", 'input_data_file: "one.raw"'),
        "warmup.data",
        CUT_CONFIG,
        "input_data_file",
        "'warmup/one.raw' is not in the folder",
        refused="failed to load 'cut'",
    ),
    Broken(
        warmed(" random_data: true", ""),
        "warmup.data",
        CUT_CONFIG,
        "inputs",
        "'image' has no data",
        refused="to have input_data_type set",
    ),
    Broken(
        warmed("TYPE_UINT8", "TYPE_FP32"),
        "warmup.data_type",
        CUT_CONFIG,
        "data_type",
        "'image' is TYPE_FP32, the model takes TYPE_UINT8",
        refused="failed to load 'cut'",
    ),
    Broken(
        warmed("[ 112, 112, 3 ]", "[ 1, 112, 112, 3 ]"),
        "warmup.dims",
        CUT_CONFIG,
        "dims",
        "without the batch axis",
        refused="failed to load 'cut'",
    ),
)
ITSELF = """\
  step {
    model_name: "embed"
    input_map { key: "picture" value: "picture" }
    output_map { key: "embedding" value: "embedding" }
  }
}
"""
ENSEMBLES = (
    Broken(
        embed('platform: "ensemble"', 'backend: "python"\ndefault_model_filename: "config.pbtxt"'),
        "ensemble.scheduling",
        EMBED_CONFIG,
        "ensemble_scheduling",
        'no platform: "ensemble"',
        refused="ensemble scheduling cannot be set for model 'embed' whose platform is not ensemble",
    ),
    Broken(
        put(EMBED_CONFIG, EMBED[: EMBED.index("  step {")] + "}\n"),
        "ensemble.scheduling",
        EMBED_CONFIG,
        "ensemble_scheduling",
        "an ensemble without steps",
        refused="must specify 'step' for ensemble 'embed'",
    ),
    Broken(
        embed("ensemble_scheduling {", "instance_group { count: 2 }\nensemble_scheduling {"),
        "ensemble.forbidden",
        EMBED_CONFIG,
        "instance_group",
        "instance_group of an ensemble",
        refused="instance group should not be specified for ensemble 'embed'",
    ),
    Broken(
        embed('    input_map { key: "image" value: "picture" }\n', ""),
        "ensemble.step",
        EMBED_CONFIG,
        "input_map",
        "a step without input_map",
        refused="must specify 'input_map' in step 0 of ensemble 'embed'",
    ),
    Broken(
        embed('model_name: "cut"', 'model_name: "cutter"'),
        "ensemble.model",
        EMBED_CONFIG,
        "model_name",
        "model 'cutter' is not in the repository",
        refused="contains models that are not available or ambiguous: cutter",
    ),
    Broken(
        replaced(EMBED_CONFIG, ('"cut"\n    model_version: -1', '"cut"\n    model_version: 7')),
        "ensemble.version",
        EMBED_CONFIG,
        "model_version",
        "version 7 of 'cut' is not there",
        refused="whose required version 7 is not loaded",
    ),
    Broken(
        cut(" optional: true", ""),
        "ensemble.unmapped",
        EMBED_CONFIG,
        "input_map",
        "input 'mask' of 'cut' gets nothing",
        refused="input mask in model cut is not mapped to any ensemble tensors",
    ),
    Broken(
        embed('output_map { key: "blob"', 'output_map { key: "blobs"'),
        "ensemble.tensor",
        EMBED_CONFIG,
        "output_map",
        "'cut' has no output 'blobs'",
        refused="is mapped from non-existing output blobs in model cut",
    ),
    Broken(
        embed('"embedding" data_type: TYPE_FP32', '"embedding" data_type: TYPE_FP16'),
        "ensemble.data_type",
        EMBED_CONFIG,
        "model_name",
        "'embedding' is TYPE_FP32 in 'arcface', and TYPE_FP16 in 'embed'",
        refused="inconsistent data type",
    ),
    Broken(
        embed("[ 64 ]", "[ 512 ]"),
        "ensemble.dims",
        EMBED_CONFIG,
        "model_name",
        "'embedding' is [-1, 64] in 'arcface', and [-1, 512] in 'embed'",
        refused="inconsistent shape",
    ),
    Broken(
        embed("max_batch_size: 8", "max_batch_size: 16"),
        "ensemble.batch",
        EMBED_CONFIG,
        "max_batch_size",
        "that of 'cut' is 8",
        refused="allows maximum batch size 16",
    ),
    Broken(
        put(EMBED_CONFIG, EMBED[: EMBED.index("  step {")] + ITSELF),
        "ensemble.cycle",
        EMBED_CONFIG,
        "ensemble_scheduling",
        "'embed' needs itself",
        refused="circular dependency between ensembles",
    ),
    Broken(
        embed('input_map { key: "input" value: "crops" }', 'input_map { key: "input" value: "cropped" }'),
        "ensemble.flow",
        EMBED_CONFIG,
        "output",
        "tensor 'embedding' is an output that no step can write",
        refused="output 'embedding' for ensemble 'embed' is not written",
    ),
    Broken(
        embed(
            "ensemble_scheduling {", 'input { name: "more" data_type: TYPE_FP32 dims: [ 1 ] }\nensemble_scheduling {'
        ),
        "ensemble.flow",
        EMBED_CONFIG,
        "input",
        "tensor 'more' is an input that no step takes",
        refused="ensemble input 'more' for ensemble embed' is not used",
    ),
)
FACES = (
    Broken(put(PIPELINE_JSON, "[]"), "faces.pipeline", PIPELINE_JSON, "", "is no description of a pipeline"),
    Broken(
        put(PIPELINE_JSON, json.dumps(PIPELINE).replace('"model": "scrfd"', '"model": "scrfd.fp16"')),
        "faces.pipeline",
        PIPELINE_JSON,
        "",
        "model 'scrfd.fp16' is not in the repository",
    ),
    Broken(
        put(PIPELINE_JSON, json.dumps(PIPELINE).replace('"batch": 8', '"batch": 32')),
        "faces.batch",
        PIPELINE_JSON,
        "",
        "sends 32 images at once to 'arcface', whose max_batch_size is 8",
    ),
    Broken(
        replaced(FACES_CONFIG, ('"threshold"', '"treshold"')),
        "faces.parameter",
        FACES_CONFIG,
        "key",
        "Write threshold",
    ),
    Broken(
        replaced(FACES_CONFIG, ("TYPE_UINT8", "TYPE_FP32")),
        "faces.input",
        FACES_CONFIG,
        "name",
        "Write it as TYPE_UINT8, dims [-1, -1, 3], optional: true",
    ),
    Broken(
        replaced(FACES_CONFIG, ("dims: [ 1 ] optional: true", "dims: [ 1 ]")),
        "faces.input",
        FACES_CONFIG,
        "name",
        "input 'image' is not the one that the model reads",
    ),
    Broken(
        replaced(SCRFD_CONFIG, ("[ 3, -1, -1 ]", "[ 3, 640, 320 ]")),
        "faces.size",
        FACES_CONFIG,
        "parameters",
        "width is 640, and the detector takes 320 alone",
    ),
    Broken(replaced(FACES_CONFIG, ('"0.5"', '"half"')), "faces.value", FACES_CONFIG, "key", "'threshold' is 'half'"),
    Broken(replaced(FACES_CONFIG, ('"0.5"', '"50"')), "faces.value", FACES_CONFIG, "key", "a number from 0 to 1"),
)
BROKEN = (
    *TEXT,
    *MODELS,
    *STRAYS,
    *VERSIONS,
    *BATCHING,
    *TENSORS,
    *NETWORKS,
    *INSTANCES,
    *WARMUP,
    *ENSEMBLES,
    *FACES,
)
