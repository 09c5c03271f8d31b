"""Two bundles that are right: one as INI for DeepStream 6.3, run by deepstream-app, one as YAML for 9.1."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx import TensorProto, numpy_helper

from tests.pipeline.tiny_scrfd import tiny_scrfd
from tests.validate.tiny_embedder import tiny_embedder

DETECTOR, EMBEDDER = "models/scrfd.onnx", "models/arcface.onnx"
PGIE = """\
# SCRFD, its landmarks in the masks
[property]
gpu-id=0
gie-unique-id=1
onnx-file=../models/scrfd.onnx
model-engine-file=../models/scrfd.onnx_b4_gpu0_fp32.engine
batch-size=4
network-mode=0
infer-dims=3;640;640
network-type=3
net-scale-factor=0.0078125
offsets=127.5;127.5;127.5
model-color-format=0
maintain-aspect-ratio=1
symmetric-padding=0
scaling-filter=1
num-detected-classes=1
cluster-mode=4
output-instance-mask=1
parse-bbox-instance-mask-func-name=ParseScrfdMask
custom-lib-path=../parser/libscrfd.so
labelfile-path=labels.txt
crop-objects-to-roi-boundary=1

[class-attrs-all]
pre-cluster-threshold=0.5
nms-iou-threshold=0.4
"""
PREPROCESS = """\
[property]
enable=1
unique-id=5
target-unique-ids=2
operate-on-gie-id=1
process-on-frame=0
network-input-order=0
network-input-shape=8;3;112;112
processing-width=112
processing-height=112
network-color-format=0
tensor-data-type=0
tensor-name=input
scaling-filter=1
scaling-pool-memory-type=0
custom-lib-path=../align/libalign.so
custom-tensor-preparation-function=CustomTensorPreparation

[user-configs]
template=arcface112

[group-0]
src-ids=-1
process-on-all-objects=1
custom-input-transformation-function=CustomTransformation
operate-on-class-ids=0
input-object-min-width=16
input-object-min-height=16
draw-roi=0
interval=0
"""
SGIE = """\
[property]
gie-unique-id=2
onnx-file=../models/arcface.onnx
model-engine-file=../models/arcface.onnx_b8_gpu0_fp32.engine
batch-size=8
network-mode=0
network-type=100
output-tensor-meta=1
input-tensor-from-meta=1
classifier-async-mode=0
"""
APP = """\
[application]
enable-perf-measurement=1

[source0]
enable=1
type=3
uri=file:///videos/one.mp4
num-sources=4

[streammux]
batch-size=4
width=1920
height=1080

[primary-gie]
enable=1
gie-unique-id=1
config-file=pgie.txt

[tracker]
enable=1
tracker-width=640
tracker-height=384
ll-lib-file=/opt/nvidia/deepstream/deepstream/lib/libnvds_nvmultiobjecttracker.so
ll-config-file=tracker.yml

[secondary-pre-process0]
enable=1
operate-on-gie-id=1
config-file=preprocess.txt

[secondary-gie0]
enable=1
gie-unique-id=2
operate-on-gie-id=1
input-tensor-meta=1
config-file=sgie.txt

[osd]
enable=1
display-mask=0

[sink0]
enable=1
type=1
"""
TRACKER = """\
%YAML:1.0
BaseConfig:
  minDetectorConfidence: 0.4
TargetManagement:
  probationAge: 1
"""
TRITON = """\
infer_config {
  unique_id: 1
  gpu_ids: [0]
  max_batch_size: 4
  backend {
    inputs: [ { name: "input" } ]
    triton { model_name: "scrfd" version: -1 model_repo { root: "model_repo" } }
  }
  preprocess { network_format: IMAGE_FORMAT_RGB tensor_order: TENSOR_ORDER_LINEAR
    normalize { scale_factor: 0.0078125 channel_offsets: [127.5, 127.5, 127.5] } }
  postprocess { other {} }
  custom_lib { path: "../parser/libscrfd.so" }
}
input_control { process_mode: PROCESS_MODE_FULL_FRAME }
output_control { output_tensor_meta: true }
"""
MODEL_CONFIG = 'name: "scrfd"\nplatform: "tensorrt_plan"\nmax_batch_size: 4\n'
MAKEFILE = "all: parser/libscrfd.so align/libalign.so triton/model_repo/scrfd/1/model.plan\n"
YAML_PGIE = """\
property:
  gie-unique-id: 1
  onnx-file: ../models/scrfd.onnx
  model-engine-file: ../models/scrfd.onnx_b4_gpu0_fp16.engine
  batch-size: 4
  network-mode: 2
  strongly-typed: 1
  infer-dims: 3;640;640
  network-type: 0
  net-scale-factor: 0.0078125
  offsets: 127.5;127.5;127.5
  maintain-aspect-ratio: 1
  scaling-filter: 1
  num-detected-classes: 1
  cluster-mode: 4
  parse-bbox-func-name: ParseScrfd
  custom-lib-path: ../parser/libscrfd.so
  crop-objects-to-roi-boundary: 1

class-attrs-all:
  pre-cluster-threshold: 0.5
"""
YAML_PREPROCESS = """\
property:
  target-unique-ids: 2
  operate-on-gie-id: 1
  process-on-frame: 0
  network-input-order: 0
  network-input-shape: 8;3;112;112
  processing-width: 112
  processing-height: 112
  network-color-format: 0
  tensor-data-type: 0
  tensor-name: input
  scaling-filter: 1
  scaling-pool-memory-type: 0
  custom-lib-path: ../align/libalign.so
  custom-tensor-preparation-function: CustomTensorPreparation

group-0:
  src-ids: -1
  process-on-all-objects: 1
  input-object-min-width: 16
  input-object-min-height: 16
  draw-roi: 0
"""
YAML_SGIE = """\
property:
  gie-unique-id: 2
  onnx-file: ../models/arcface.onnx
  batch-size: 8
  network-type: 100
  output-tensor-meta: 1
  input-tensor-from-meta: 1
"""


def ini_bundle(root: Path) -> Path:
    """Write the bundle of INI files, with the same detector for nvinferserver beside."""
    networks(root)
    return written(
        root,
        {
            "configs/pgie.txt": PGIE,
            "configs/preprocess.txt": PREPROCESS,
            "configs/sgie.txt": SGIE,
            "configs/app.txt": APP,
            "configs/tracker.yml": TRACKER,
            "configs/labels.txt": "face\n",
            "triton/pgie.txt": TRITON,
            "triton/model_repo/scrfd/config.pbtxt": MODEL_CONFIG,
            "models/scrfd.io.json": json.dumps({"profiles": ["1,4,4@640x640"]}),
            "Makefile": MAKEFILE,
            "manifest.json": json.dumps({"target": "deepstream-6.3"}),
            "README.md": "A bundle.\n",
        },
    )


def yaml_bundle(root: Path) -> Path:
    """Write the bundle of YAML files, for an application of one's own; its detector has FP16 weights."""
    networks(root)
    half_typed(root / DETECTOR)
    return written(
        root,
        {
            "configs/pgie.yml": YAML_PGIE,
            "configs/preprocess.yml": YAML_PREPROCESS,
            "configs/sgie.yml": YAML_SGIE,
            "Makefile": MAKEFILE,
            "manifest.json": json.dumps({"target": "deepstream-9.1"}),
        },
    )


def written(root: Path, files: dict[str, str]) -> Path:
    """Write text files below a folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def networks(root: Path) -> None:
    """Write the two networks: an SCRFD of free size with a batch in its outputs, and an embedder of 64 values."""
    (root / "models").mkdir(parents=True, exist_ok=True)
    tiny_scrfd(root / DETECTOR)
    tiny_embedder(root / EMBEDDER, values=64)


def half_typed(path: Path) -> None:
    """Give a network FP16 weights that are cast where they are used, so that inputs and outputs stay FP32."""
    model = onnx.load(path)
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type == TensorProto.FLOAT:
            name, half = weight.name, numpy_helper.to_array(weight).astype("float16")
            weight.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)
