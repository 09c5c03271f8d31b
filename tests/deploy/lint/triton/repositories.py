"""A model repository that is right, with something of everything, in a folder as a bundle has it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.deploy.lint.bundles import written
from tests.pipeline.tiny_scrfd import SPEC, tiny_scrfd
from tests.validate.tiny_embedder import tiny_embedder

REPOSITORY = "model_repository"
_ROWS = "".join(
    f'output {{ name: "{output.name}" data_type: TYPE_FP32 dims: [ -1, {output.channels} ] }}\n'
    for output in SPEC.outputs
)
SCRFD = f"""\
# The detector.
name: "scrfd"
backend: "onnxruntime"
max_batch_size: 4
input {{ name: "input" data_type: TYPE_FP32 dims: [ 3, -1, -1 ] }}
{_ROWS}dynamic_batching {{ preferred_batch_size: [ 2, 4 ] max_queue_delay_microseconds: 2000 }}
instance_group {{ kind: KIND_CPU count: 1 }}
"""
ARCFACE = """\
name: "arcface"
platform: "onnxruntime_onnx"
max_batch_size: 8
input { name: "input" data_type: TYPE_FP32 dims: [ 3, 112, 112 ] }
output { name: "embedding" data_type: TYPE_FP32 dims: [ 64 ] }
dynamic_batching { }
instance_group [ { kind: KIND_CPU, count: 1 } ]
model_warmup {
  name: "once"
  batch_size: 1
  inputs { key: "input" value { data_type: TYPE_FP32 dims: [ 3, 112, 112 ] zero_data: true } }
}
"""
PLAN = """\
name: "arcface.fp16"
platform: "tensorrt_plan"
max_batch_size: 8
input { name: "input" data_type: TYPE_FP32 dims: [ 3, 112, 112 ] }
output { name: "embedding" data_type: TYPE_FP32 dims: [ 64 ] }
dynamic_batching { }
instance_group { kind: KIND_GPU profile: "0" }
"""
REHEARSAL = PLAN.replace('KIND_GPU profile: "0"', "KIND_CPU")
CUT = """\
name: "cut"
backend: "python"
max_batch_size: 8
input { name: "image" data_type: TYPE_UINT8 dims: [ 112, 112, 3 ] }
input { name: "mask" data_type: TYPE_UINT8 dims: [ 1 ] optional: true }
output { name: "blob" data_type: TYPE_FP32 dims: [ 3, 112, 112 ] }
dynamic_batching {
  priority_levels: 2
  default_priority_level: 1
  preserve_ordering: false
}
instance_group { kind: KIND_CPU count: 1 }
parameters { key: "colour" value { string_value: "BGR" } }
version_policy { latest { num_versions: 1 } }
"""
EMBED = """\
name: "embed"
platform: "ensemble"
max_batch_size: 8
input { name: "picture" data_type: TYPE_UINT8 dims: [ 112, 112, 3 ] }
output { name: "embedding" data_type: TYPE_FP32 dims: [ 64 ] }
ensemble_scheduling {
  step {
    model_name: "cut"
    model_version: -1
    input_map { key: "image" value: "picture" }
    output_map { key: "blob" value: "crops" }
  }
  step {
    model_name: "arcface"
    model_version: -1
    input_map { key: "input" value: "crops" }
    output_map { key: "embedding" value: "embedding" }
  }
}
"""
FACES = """\
name: "faces"
backend: "python"
max_batch_size: 4
input { name: "frame" data_type: TYPE_UINT8 dims: [ -1, -1, 3 ] optional: true allow_ragged_batch: true }
input { name: "image" data_type: TYPE_STRING dims: [ 1 ] optional: true }
output { name: "num_faces" data_type: TYPE_INT32 dims: [ 1 ] }
dynamic_batching { max_queue_delay_microseconds: 1000 }
instance_group { kind: KIND_CPU count: 1 }
parameters { key: "threshold" value { string_value: "0.5" } }
"""
PIPELINE = {
    "format": 1,
    "detector": {"name": "scrfd", "model": "scrfd", "batch": 4},
    "embedder": {"name": "arcface", "model": "arcface", "batch": 8},
    "heads": [],
}
# Answers every request with zeros.
PYTHON_MODEL = """\
import json

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        return config

    def initialize(self, args):
        config = json.loads(args["model_config"])
        self.batch = [1] if config["max_batch_size"] else []
        self.outputs = config["output"]

    def execute(self, requests):
        return [pb_utils.InferenceResponse([self.zeros(output) for output in self.outputs]) for _ in requests]

    def zeros(self, output):
        shape = [*self.batch, *(1 if size == "-1" else int(size) for size in output["dims"])]
        kind = pb_utils.triton_string_to_numpy(output["data_type"])
        return pb_utils.Tensor(output["name"], np.zeros(shape, kind))
"""
RUN = """\
trtexec --onnx=engines/arcface.fp16.onnx --saveEngine=engines/arcface.fp16.plan
cp engines/arcface.fp16.plan model_repository/arcface.fp16/1/model.plan
"""


def repository(root: Path) -> Path:
    """Write the folder: networks for ONNX Runtime, a plan that is still to be built, Python models and an ensemble."""
    written(
        root,
        {
            f"{REPOSITORY}/scrfd/config.pbtxt": SCRFD,
            f"{REPOSITORY}/arcface/config.pbtxt": ARCFACE,
            f"{REPOSITORY}/arcface.fp16/config.pbtxt": PLAN,
            f"{REPOSITORY}/arcface.fp16/configs/rehearsal.pbtxt": REHEARSAL,
            f"{REPOSITORY}/cut/config.pbtxt": CUT,
            f"{REPOSITORY}/cut/1/model.py": PYTHON_MODEL,
            f"{REPOSITORY}/embed/config.pbtxt": EMBED,
            f"{REPOSITORY}/faces/config.pbtxt": FACES,
            f"{REPOSITORY}/faces/1/model.py": PYTHON_MODEL,
            f"{REPOSITORY}/faces/1/pipeline.json": json.dumps(PIPELINE),
            "engines/arcface.fp16.io.json": json.dumps({"profiles": ["1,8,8@112x112"]}),
            "run.sh": RUN,
            "README.md": "A bundle.\n",
        },
    )
    for folder in ("scrfd", "arcface", "embed", "arcface.fp16"):
        (root / REPOSITORY / folder / "1").mkdir()
    tiny_scrfd(root / REPOSITORY / "scrfd/1/model.onnx")
    tiny_embedder(root / REPOSITORY / "arcface/1/model.onnx", values=64)
    tiny_embedder(root / "engines/arcface.fp16.onnx", values=64)
    return root
