"""Model repositories of batch-safe ONNX files, laid down as the emitter does it, with the Python backend."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from batchproof.deploy.triton.serving import contract
from batchproof.deploy.triton.serving.contract import ServedTensor
from batchproof.deploy.triton.serving.pipeline_file import Network, ServedPipeline
from batchproof.deploy.triton.serving.sources import network_source, served_sources


@dataclass(frozen=True)
class Layout:
    """What a repository is to be like; `frames` is the largest batch of `faces`, `delays` are in microseconds."""

    frames: int = 16
    instances: int = 2
    faces_delay: int = 20_000
    network_delay: int = 2_000
    parameters: Mapping[str, str] = field(default_factory=dict)
    threads: str = "1"
    platform: str = 'backend: "python"'


def lay_repository(
    folder: Path, pipeline: ServedPipeline, files: Mapping[str, Path], layout: Layout | None = None
) -> Path:
    """Write a repository; `files` are the ONNX files by the names of Triton's models."""
    layout = layout or Layout()
    networks = [pipeline.detector, pipeline.embedder, *pipeline.heads]
    for network in networks:
        _lay_network(folder / network.model, network, files[network.model], layout)
    version = folder / contract.MODEL / "1"
    for name, text in served_sources().items():
        path = version / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    described = {
        "format": 1,
        "detector": asdict(pipeline.detector),
        "embedder": asdict(pipeline.embedder),
        "heads": [asdict(head) for head in pipeline.heads],
    }
    (version / contract.PIPELINE_FILE).write_text(json.dumps(described), encoding="utf-8")
    (folder / contract.MODEL / "config.pbtxt").write_text(_faces_config(pipeline, layout), encoding="utf-8")
    return folder


def _lay_network(folder: Path, network: Network, file: Path, layout: Layout) -> None:
    version = folder / "1"
    version.mkdir(parents=True)
    shutil.copyfile(file, version / "model.onnx")
    if "python" in layout.platform:
        (version / "model.py").write_text(network_source(), encoding="utf-8")
    spec = network.spec
    size = [spec.input.height or -1, spec.input.width or -1]
    config = [
        f'name: "{network.model}"',
        layout.platform,
        f"max_batch_size: {network.batch}",
        f'input {{ name: "{spec.input.name}" data_type: TYPE_FP32 dims: {[3, *size]} }}',
        *(
            f'output {{ name: "{output.name}" data_type: TYPE_FP32 dims: '
            f"{[output.channels] if output.stride is None else [-1, output.channels]} }}"
            for output in spec.outputs
        ),
        f"dynamic_batching {{ max_queue_delay_microseconds: {layout.network_delay} }}",
        "instance_group { kind: KIND_CPU count: 1 }",
        _parameter("threads", layout.threads),
    ]
    (folder / "config.pbtxt").write_text("\n".join(config) + "\n", encoding="utf-8")


def _faces_config(pipeline: ServedPipeline, layout: Layout) -> str:
    heads = [(head.name, head.spec) for head in pipeline.heads]
    outputs = contract.outputs(pipeline.embedder.spec, heads)
    config = [
        f'name: "{contract.MODEL}"',
        'backend: "python"',
        f"max_batch_size: {layout.frames}",
        _tensor("input", contract.FRAME, " optional: true allow_ragged_batch: true"),
        _tensor("input", contract.IMAGE, " optional: true"),
        *(_tensor("output", tensor) for tensor in outputs),
        f"dynamic_batching {{ max_queue_delay_microseconds: {layout.faces_delay} }}",
        f"instance_group {{ kind: KIND_CPU count: {layout.instances} }}",
        *(
            f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}'
            for key, value in layout.parameters.items()
        ),
    ]
    return "\n".join(config) + "\n"


def _tensor(kind: str, tensor: ServedTensor, more: str = "") -> str:
    return f'{kind} {{ name: "{tensor.name}" data_type: TYPE_{tensor.data_type} dims: {list(tensor.dims)}{more} }}'


def _parameter(key: str, value: str) -> str:
    return f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}'
