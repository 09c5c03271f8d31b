"""Repositories that look like broken ones and are none: a false alarm is as bad as a miss."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.deploy.lint.edits import Edit, put, removed, replaced, together, without
from tests.deploy.lint.triton.broken import (
    ARCFACE_CONFIG,
    ARCFACE_ONNX,
    CUT_CONFIG,
    EMBED_CONFIG,
    FACES_CONFIG,
    PLAN_CONFIG,
    REHEARSAL_CONFIG,
    SCRFD_CONFIG,
    SCRFD_ONNX,
    cut,
    embed,
    network,
    warmed,
    without_model,
)
from tests.deploy.lint.triton.repositories import CUT, EMBED, REPOSITORY

SPREAD = """\
# every way to write it
name: 'cut', backend: "pyt" "hon";
max_batch_size: 0x8
input: [ < name: "image" data_type: 2 dims: 112 dims: 112 dims: 3 >,
         { name: "mask", data_type: TYPE_UINT8, dims: [ 1, ], optional: t } ]
output { name: "blob" data_type: TYPE_FP32 dims: [ 3, 112, 112 ] }
dynamic_batching <> instance_group { kind: KIND_CPU count: 01 }
""".replace("[ 1, ]", "[ 1 ]")
SEVERAL = """\
name: "several"
backend: "dali"
input { name: "x" data_type: TYPE_FP32 dims: [ -1 ] allow_ragged_batch: true }
output { name: "y" }
version_policy { all { } }
"""


REPLACING = """\
name: "several"
backend: "onnxruntime"
input { name: "input" data_type: TYPE_FP32 dims: [ -1, 3, 112, 112 ] }
input { name: "weight" data_type: TYPE_FP32 dims: [ 64, 3, 112, 112 ] optional: true }
output { name: "embedding" data_type: TYPE_FP32 dims: [ -1, 64 ] }
"""


@dataclass(frozen=True)
class Harmless:
    """An edit after which a repository is as right as before."""

    about: str
    edit: Edit


def _copied(source: str, to: str) -> Edit:
    return lambda root: put(to, (root / source).read_bytes())(root)


def _plan_is_there(root: Path) -> None:
    (root / "run.sh").unlink()
    (root / REPOSITORY / "arcface.fp16/1/model.plan").write_bytes(b"plan")


HARMLESS = (
    Harmless("other ways to write the same", put(CUT_CONFIG, SPREAD)),
    Harmless("a model without a name of its own", without(CUT_CONFIG, 'name: "cut"')),
    Harmless("a backend that the file of the version tells", without(CUT_CONFIG, 'backend: "python"')),
    Harmless("a network that the file of the version tells", without(SCRFD_CONFIG, 'backend: "onnxruntime"')),
    Harmless(
        "a backend that nobody knows here, its file, and what it may complete",
        together(put(f"{REPOSITORY}/several/config.pbtxt", SEVERAL), put(f"{REPOSITORY}/several/1/model.dali")),
    ),
    Harmless(
        "a file of another name",
        together(
            cut('name: "cut"', 'name: "cut"\ndefault_model_filename: "net.py"'), put(f"{REPOSITORY}/cut/1/net.py")
        ),
    ),
    Harmless("several versions, of which the newest is served", put(f"{REPOSITORY}/cut/3/model.py")),
    Harmless(
        "an older version without its file",
        together(put(f"{REPOSITORY}/cut/3/model.py"), removed(f"{REPOSITORY}/cut/1/model.py")),
    ),
    Harmless("folders that are no versions", put(f"{REPOSITORY}/cut/warmup/one.raw")),
    Harmless("a plan that is there", _plan_is_there),
    Harmless(
        "no batches, whole dims",
        together(
            put(
                ARCFACE_CONFIG,
                'name: "arcface" backend: "onnxruntime"\n'
                'input { name: "input" data_type: TYPE_FP32 dims: [ -1, 3, 112, 112 ] }\n'
                'output { name: "embedding" data_type: TYPE_FP32 dims: [ -1, 64 ] }\n',
            ),
            replaced(f"{REPOSITORY}/faces/1/pipeline.json", ('"batch": 8', '"batch": 0')),
        ),
    ),
    Harmless(
        "a fixed batch without batches",
        together(
            network(ARCFACE_ONNX, "fixed"),
            put(
                ARCFACE_CONFIG,
                'name: "arcface" backend: "onnxruntime"\n'
                'input { name: "input" data_type: TYPE_FP32 dims: [ 1, 3, 112, 112 ] }\n'
                'output { name: "embedding" data_type: TYPE_FP32 dims: [ 1, 64 ] }\n',
            ),
            without_model("embed"),
            replaced(f"{REPOSITORY}/faces/1/pipeline.json", ('"batch": 8', '"batch": 0')),
        ),
    ),
    Harmless(
        "a mixing network, one by one",
        together(
            network(ARCFACE_ONNX, "mixing"),
            replaced(ARCFACE_CONFIG, ("max_batch_size: 8", "max_batch_size: 1")),
            embed("max_batch_size: 8", "max_batch_size: 1"),
            replaced(f"{REPOSITORY}/faces/1/pipeline.json", ('"batch": 8', '"batch": 1')),
        ),
    ),
    Harmless(
        "inputs and outputs that the backend completes",
        put(ARCFACE_CONFIG, 'backend: "onnxruntime"\nmax_batch_size: 8\n'),
    ),
    Harmless(
        "fewer outputs than the network has",
        replaced(SCRFD_CONFIG, ('output { name: "kps_32" data_type: TYPE_FP32 dims: [ -1, 10 ] }\n', "")),
    ),
    Harmless("sizes that a free input leaves open", replaced(SCRFD_CONFIG, ("[ 3, -1, -1 ]", "[ 3, 640, 640 ]"))),
    Harmless("rows of a plan, which may be fixed", replaced(PLAN_CONFIG, ("[ 64 ]", "[ -1 ]"))),
    Harmless(
        "a reshape to what the network takes", cut("dims: [ 1 ]", "dims: [ 4, -1 ] reshape { shape: [ 2, 2, -1 ] }")
    ),
    Harmless("an empty reshape of one value, in batches", cut("dims: [ 1 ]", "dims: [ 1 ] reshape { }")),
    Harmless(
        "a stand-in for TensorRT on the CPU",
        put(
            REHEARSAL_CONFIG,
            'name: "arcface.fp16" platform: "tensorrt_plan" instance_group { kind: KIND_CPU count: 4 }',
        ),
    ),
    Harmless(
        "an input that the sequence batcher fills",
        together(
            network(ARCFACE_ONNX, "second input"),
            replaced(
                ARCFACE_CONFIG,
                (
                    "dynamic_batching { }",
                    'sequence_batching { control_input { name: "bias"'
                    " control { kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] } } }",
                ),
            ),
        ),
    ),
    Harmless(
        "a state that the sequence batcher keeps",
        together(
            network(ARCFACE_ONNX, "second input"),
            replaced(
                ARCFACE_CONFIG,
                (
                    "dynamic_batching { }",
                    'sequence_batching { state { input_name: "bias" output_name: "embedding"'
                    " data_type: TYPE_FP32 dims: [ 64 ] } }",
                ),
            ),
        ),
    ),
    Harmless(
        "a constant that an optional input may replace",
        together(
            network(ARCFACE_ONNX, "weight among inputs"),
            put(f"{REPOSITORY}/several/config.pbtxt", REPLACING),
            _copied(ARCFACE_ONNX, f"{REPOSITORY}/several/1/model.onnx"),
        ),
    ),
    Harmless(
        "what model.py adds itself",
        together(
            put(f"{REPOSITORY}/several/config.pbtxt", 'backend: "python" input { name: "x" } output { name: "y" }'),
            put(f"{REPOSITORY}/several/1/model.py", "config.add_input({})"),
        ),
    ),
    Harmless(
        "no config.pbtxt beside a model.py that adds what is missing",
        together(
            removed(CUT_CONFIG), without_model("embed"), put(f"{REPOSITORY}/cut/1/model.py", "config.add_input({})")
        ),
    ),
    Harmless(
        "what is read from somebody's plan",
        together(
            put(f"{REPOSITORY}/several/config.pbtxt", 'backend: "tensorrt" input { name: "x" } output { name: "y" }'),
            put(f"{REPOSITORY}/several/1/model.plan"),
        ),
    ),
    Harmless(
        "rows that follow from the size of the input, where the graph does not say them",
        together(
            network(SCRFD_ONNX, "fixed size"),
            replaced(
                SCRFD_CONFIG,
                ("[ 3, -1, -1 ]", "[ 3, 640, 640 ]"),
                *(
                    (
                        f'"{kind}_{stride}" data_type: TYPE_FP32 dims: [ -1,',
                        f'"{kind}_{stride}" data_type: TYPE_FP32 dims: [ {rows},',
                    )
                    for kind in ("score", "bbox", "kps")
                    for stride, rows in ((8, 12800), (16, 3200), (32, 800))
                ),
            ),
        ),
    ),
    Harmless("instances of no number", replaced(ARCFACE_CONFIG, ("KIND_CPU, count: 1", "KIND_CPU"))),
    Harmless("a warm-up that fits", warmed("TYPE_UINT8", "TYPE_UINT8")),
    Harmless("priorities as they should be", cut("default_priority_level: 1", "default_priority_level: 2")),
    Harmless(
        "no config.pbtxt beside a plan", together(removed(PLAN_CONFIG), removed(REHEARSAL_CONFIG), _plan_is_there)
    ),
    Harmless("an ensemble of a smaller batch", embed("max_batch_size: 8", "max_batch_size: 4")),
    Harmless(
        "an ensemble of a model that its backend completes",
        put(ARCFACE_CONFIG, 'backend: "onnxruntime"\nmax_batch_size: 8\n'),
    ),
    Harmless(
        "steps in another order",
        put(
            EMBED_CONFIG,
            EMBED[: EMBED.index("  step {")]
            + EMBED[EMBED.rindex("  step {") : EMBED.rindex("}")]
            + EMBED[EMBED.index("  step {") : EMBED.rindex("  step {")]
            + "}\n",
        ),
    ),
    Harmless("any parameter of somebody's own model", put(CUT_CONFIG, CUT.replace('"colour"', '"anything"'))),
    Harmless(
        "a parameter of Python's backend",
        replaced(
            FACES_CONFIG,
            ('"threshold" value { string_value: "0.5" }', '"EXECUTION_ENV_PATH" value { string_value: "/env.tar.gz" }'),
        ),
    ),
)
