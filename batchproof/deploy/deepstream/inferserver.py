"""Configurations of nvinferserver: the same models in Triton, inside the process (CAPI) or behind gRPC.

nvinferserver has no parser of instance masks: its detector gives boxes, and its raw outputs as tensor meta. Of these
the aligner decodes the landmarks (`source=tensor`).
"""

from __future__ import annotations

from typing import Literal

from batchproof.deploy.deepstream import paths
from batchproof.deploy.deepstream.key_file import ini
from batchproof.deploy.deepstream.nvinfer import BILINEAR, BOX_PARSER, FACE_CLASS, THRESHOLD
from batchproof.deploy.deepstream.plan import DETECTOR_ID, BundlePlan, Secondary
from batchproof.deploy.deepstream.preprocess import preprocess_groups
from batchproof.deploy.deployed_model import DeployedModel
from batchproof.deploy.proto_text import Field, Name, proto_text

Server = Literal["capi", "grpc"]
_GRPC_URL = "localhost:8001"
_COLOURS = {"RGB": Name("IMAGE_FORMAT_RGB"), "BGR": Name("IMAGE_FORMAT_BGR")}
_OUTPUT_BUFFERS = 6
_DETECTOR_HEAD = """\
The detector in Triton: boxes, and its raw outputs as tensor meta of the frame. nvinferserver cannot carry landmarks;
the preprocess_align files of this folder decode them from those outputs."""
_SECONDARY_HEAD = """\
{name} in Triton, on the crops of {preprocess}.
In configs/app.txt: plugin-type=1 in its group, and this file as config-file."""


def server_files(plan: BundlePlan) -> dict[str, str]:
    """Write what nvinferserver needs of every model, and the repository that Triton reads."""
    servers: tuple[Server, ...] = ("capi", "grpc")
    files = {f"{paths.TRITON}/pgie_{plan.detector.name}.{kind}.txt": _detector(plan, kind) for kind in servers}
    for secondary in plan.secondaries:
        name = secondary.model.name
        files |= {f"{paths.TRITON}/sgie_{name}.{kind}.txt": _secondary(secondary, kind) for kind in servers}
        if secondary.model.aligned:
            files[paths.tensor_preprocess_config(secondary.model)] = ini(
                f"nvdspreprocess of {plan.target.product}: crops for {name}, behind the detector of this folder.",
                preprocess_groups(plan, secondary, "tensor"),
            )
    return files | {f"{paths.REPOSITORY}/{model.stem}/config.pbtxt": _repository_entry(model) for model in plan.models}


def _detector(plan: BundlePlan, server: Server) -> str:
    model = plan.detector
    infer = {
        **_backend(model, DETECTOR_ID, plan.streams, server),
        "preprocess": _preprocess(model),
        "postprocess": _boxes(),
        "custom_lib": {"path": paths.beside(paths.PARSER)},
        "extra": _extra(),
    }
    control: Field = {"process_mode": Name("PROCESS_MODE_FULL_FRAME"), "operate_on_gie_id": -1, "interval": 0}
    output: Field = {"output_tensor_meta": True}
    return proto_text(_DETECTOR_HEAD, {"infer_config": infer, "input_control": control, "output_control": output})


def _secondary(secondary: Secondary, server: Server) -> str:
    model = secondary.model
    infer = {
        **_backend(model, secondary.gie_id, model.largest_batch, server),
        "input_tensor_from_meta": {"is_first_dim_batch": True},
        "postprocess": {"other": {}},
        "extra": _extra(),
    }
    control: Field = {
        "process_mode": Name("PROCESS_MODE_CLIP_OBJECTS"),
        "operate_on_gie_id": DETECTOR_ID,
        "operate_on_class_ids": FACE_CLASS,
    }
    head = _SECONDARY_HEAD.format(name=model.name, preprocess=paths.preprocess_config(model))
    output: Field = {"output_tensor_meta": True}
    return proto_text(head, {"infer_config": infer, "input_control": control, "output_control": output})


def _backend(model: DeployedModel, gie_id: int, batch: int, server: Server) -> dict[str, Field]:
    repository: Field = {"root": paths.beside(paths.REPOSITORY), "strict_model_config": True}
    where: dict[str, Field] = {"model_repo": repository} if server == "capi" else {"grpc": {"url": _GRPC_URL}}
    backend: Field = {
        "inputs": {"name": model.spec.input.name},
        "outputs": [{"name": output.name} for output in model.spec.outputs],
        "triton": {"model_name": model.stem, "version": -1, **where},
        "output_mem_type": Name("MEMORY_TYPE_CPU"),
    }
    return {"unique_id": gie_id, "gpu_ids": 0, "max_batch_size": batch, "backend": backend}


def _preprocess(model: DeployedModel) -> Field:
    image = model.spec.input
    return {
        "network_format": _COLOURS[image.colour],
        "tensor_order": Name("TENSOR_ORDER_LINEAR"),
        "tensor_name": image.name,
        "maintain_aspect_ratio": 1,
        "symmetric_padding": 0,
        "frame_scaling_filter": BILINEAR,
        "normalize": {"scale_factor": 1 / image.std, "channel_offsets": [image.mean] * image.channels},
    }


def _boxes() -> Field:
    """The parser suppresses overlaps itself; a simple cluster takes all that it gives."""
    detection: Field = {
        "num_detected_classes": 1,
        "per_class_params": {"key": FACE_CLASS, "value": {"pre_threshold": THRESHOLD}},
        "custom_parse_bbox_func": BOX_PARSER,
        "simple_cluster": {"threshold": THRESHOLD},
    }
    return {"labelfile_path": paths.beside(paths.LABELS), "detection": detection}


def _extra() -> Field:
    return {"copy_input_to_host_buffers": False, "output_buffer_pool_size": _OUTPUT_BUFFERS}


def _repository_entry(model: DeployedModel) -> str:
    """Describe a model to Triton, without its batch axis."""
    shapes = model.profiles.overall
    outputs: list[Field] = [
        _tensor(output.name, shapes.output_shapes(model.spec, output).optimum) for output in model.spec.outputs
    ]
    entry: dict[str, Field] = {
        "name": model.stem,
        "platform": "tensorrt_plan",
        "max_batch_size": model.largest_batch,
        "input": _tensor(model.spec.input.name, shapes.input_shapes(model.spec).optimum),
        "output": outputs,
        "instance_group": {"kind": Name("KIND_GPU"), "count": 1},
    }
    return proto_text("Its plan is put beside this file by: sh run.sh triton", entry)


def _tensor(name: str, shape: tuple[int, ...]) -> Field:
    return {"name": name, "data_type": Name("TYPE_FP32"), "dims": list(shape[1:])}
