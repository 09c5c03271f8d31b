"""Bundles that are broken in one place each: by which edit, what finds it, where, and in which words."""

from __future__ import annotations

from dataclasses import dataclass

from tests.deploy.lint.bundles import EMBEDDER, SGIE
from tests.deploy.lint.edits import (
    Edit,
    added,
    fixed_batch,
    half_detector,
    half_embedder,
    mixing_embedder,
    put,
    release,
    removed,
    replaced,
    stock_scrfd,
    together,
    without,
)

PGIE, SGIE_FILE, PREPROCESS, APP = "configs/pgie.txt", "configs/sgie.txt", "configs/preprocess.txt", "configs/app.txt"
YAML_PGIE, YAML_SGIE, YAML_PREPROCESS = "configs/pgie.yml", "configs/sgie.yml", "configs/preprocess.yml"
TRITON, MODEL_CONFIG, TRACKER = "triton/pgie.txt", "triton/model_repo/scrfd/config.pbtxt", "configs/tracker.yml"
ATTRIBUTES = """\
[property]
gie-unique-id=3
operate-on-gie-id=1
onnx-file=/opt/attributes.onnx
network-type=1
classifier-async-mode=1
"""
YAML_APP = """\
primary-gie:
  enable: 1
  gie-unique-id: 1
  config-file: pgie.yml
secondary-pre-process0:
  enable: 1
  config-file: preprocess.yml
secondary-gie0:
  enable: 1
  gie-unique-id: 2
  operate-on-gie-id: 1
  input-tensor-meta: 1
  config-file: sgie.yml
"""
SECOND = """\
[secondary-gie1]
enable=1
gie-unique-id=2
operate-on-gie-id=1
input-tensor-meta=1
config-file=sgie.txt

[osd]"""

OUR_ALIGNER = together(
    replaced("Makefile", ("libalign.so", "libbatchproof_align.so")),
    replaced(PREPROCESS, ("libalign.so", "libbatchproof_align.so")),
)
PLAIN_DETECTOR = together(
    replaced(
        PGIE, ("network-type=3", "network-type=0"), ("parse-bbox-instance-mask-func-name", "parse-bbox-func-name")
    ),
    without(PGIE, "output-instance-mask=1"),
)


@dataclass(frozen=True)
class Broken:
    """One broken bundle: `rule` finds it, in `file`, at `key`, and says `told`; nothing else is found."""

    edit: Edit
    rule: str
    file: str
    key: str
    told: str
    yaml: bool = False


FILES = (
    Broken(put(TRACKER, b"\x7fELF\0\0"), "files.unreadable", TRACKER, "", "is no text"),
    Broken(added(SGIE_FILE, "just words"), "files.unreadable", SGIE_FILE, "", "is no group, no key=value"),
    Broken(put("models/arcface.onnx"), "files.unreadable", SGIE_FILE, "onnx-file", "no engine is built of it"),
    Broken(
        together(
            removed(EMBEDDER),
            put(
                "arcface.job",
                "job arcface.onnx_b8_gpu0_fp32.engine fp32\ninput arcface.onnx 00\nbuild --onnx=arcface.onnx",
            ),
        ),
        "files.missing",
        SGIE_FILE,
        "onnx-file",
        "'models/arcface.onnx' is not in the bundle",
    ),
    Broken(removed("configs/labels.txt"), "files.missing", PGIE, "labelfile-path", "'configs/labels.txt' is not in"),
    Broken(
        together(replaced("Makefile", (" align/libalign.so", "")), put("align/libalign.so")),
        "files.prebuilt",
        PREPROCESS,
        "custom-lib-path",
        "'libalign.so' comes without its source",
    ),
    Broken(
        added(SGIE_FILE, "custom-lib-path=../parser/liblost.so"),
        "files.missing",
        SGIE_FILE,
        "custom-lib-path",
        "'parser/liblost.so' is not in the bundle",
    ),
)
KEYS = (
    Broken(
        replaced(PGIE, ("labelfile-path", "labelfile-pth")),
        "keys.unknown",
        PGIE,
        "labelfile-pth",
        "goes on without it. labelfile-path was probably meant",
    ),
    Broken(added(PREPROCESS, "tensor-buf-pool=6"), "keys.unknown", PREPROCESS, "tensor-buf-pool", "says nothing"),
    Broken(
        replaced(APP, ("tracker-width", "tracker-with")), "keys.unknown", APP, "tracker-with", "prints 'Unknown key'"
    ),
    Broken(
        replaced(TRITON, ("custom_lib {", 'extra { custom_process_function: "F" } custom_lib {')),
        "keys.unknown",
        TRITON,
        "custom_process_function",
        "does not start. custom_process_funcion was probably meant",
    ),
    Broken(
        added(YAML_PGIE, "  is-classifier: 0", "property:"),
        "keys.unknown",
        YAML_PGIE,
        "is-classifier",
        "YAML parser does not know",
        yaml=True,
    ),
    Broken(added(APP, "gallery=one", "[application]"), "keys.unknown_to_app", APP, "gallery", "'gallery' is no key"),
    Broken(added(PGIE, "strongly-typed=1"), "keys.too_new", PGIE, "strongly-typed", "came with DeepStream 9.0; in 6.3"),
    Broken(added(SGIE_FILE, "is-classifier=0"), "keys.legacy", SGIE_FILE, "is-classifier", "Write network-type=1"),
    Broken(
        added(YAML_PGIE, "  workspace-size: 2000", "property:"),
        "keys.legacy",
        YAML_PGIE,
        "workspace-size",
        "has no effect",
        yaml=True,
    ),
    Broken(
        added(PGIE, "force-implicit-batch-dim=1"), "keys.refused", PGIE, "force-implicit-batch-dim", "no implicit batch"
    ),
    Broken(added(PGIE, "interval=often"), "keys.value", PGIE, "interval", "'often', which is not a whole number"),
    Broken(added(PGIE, "enable-dla=0 # no"), "keys.value", PGIE, "enable-dla", "# behind a value is no comment"),
    Broken(
        replaced(SGIE_FILE, ("gie-unique-id=2", "gie-unique-id=2\ntensor-meta-pool-size=x")),
        "keys.value",
        SGIE_FILE,
        "tensor-meta-pool-size",
        "Write a whole number",
    ),
    Broken(
        added(SGIE_FILE, "interval=-1"),
        "keys.value",
        SGIE_FILE,
        "interval",
        "less than 0",
    ),
    Broken(added(SGIE_FILE, "cluster-mode=7"), "keys.value", SGIE_FILE, "cluster-mode", "none of 0, 1, 2, 3, 4"),
    Broken(
        replaced(TRITON, ("IMAGE_FORMAT_RGB", "RGB")), "keys.value", TRITON, "network_format", "none of MEDIA_FORMAT"
    ),
    Broken(
        added(YAML_SGIE, "  raw-output-file-write: true", "property:"),
        "keys.value",
        YAML_SGIE,
        "raw-output-file-write",
        "takes 0 and 1 alone",
        yaml=True,
    ),
    Broken(added(PGIE, "gpu-id=0"), "keys.duplicate", PGIE, "gpu-id", "is there 2 times, the last one counts"),
    Broken(
        replaced(PGIE, ("[class-attrs-all]", "[class-attr-all]")),
        "keys.section",
        PGIE,
        "",
        "[class-attr-all] is no section of nvinfer",
    ),
    Broken(
        replaced(PGIE, ("[class-attrs-all]", "[class-attrs-1]")), "keys.classes", PGIE, "", "num-detected-classes=1"
    ),
    Broken(
        together(release("7.1"), added(PGIE, "workspace-size=2000")),
        "keys.legacy",
        PGIE,
        "workspace-size",
        "TensorRT 10 is not told of it",
    ),
    Broken(replaced(APP, ("[sink0]", "[snk0]")), "keys.section", APP, "", "[sink0] was probably meant"),
    Broken(replaced(PGIE, ("0.0078125", "little")), "keys.value", PGIE, "net-scale-factor", "which is not a number"),
    Broken(replaced(PGIE, ("network-mode=0", "network-mode=9")), "keys.value", PGIE, "network-mode", "0, 1, 2, 3"),
)
WIRING = (
    Broken(
        together(
            put("configs/other.txt", SGIE),
            replaced(APP, ("[osd]", SECOND.replace("sgie.txt", "other.txt"))),
        ),
        "wiring.same_id",
        APP,
        "gie-unique-id",
        "configs/sgie.txt has the id 2 too",
    ),
    Broken(
        replaced(APP, ("operate-on-gie-id=1\nconfig-file=preprocess", "operate-on-gie-id=7\nconfig-file=preprocess")),
        "wiring.operates_on_nobody",
        APP,
        "operate-on-gie-id",
        "no element of the bundle has the id 7",
    ),
    Broken(
        replaced(PREPROCESS, ("target-unique-ids=2", "target-unique-ids=3")),
        "wiring.target_nobody",
        PREPROCESS,
        "target-unique-ids",
        "no element has the id 3",
    ),
    Broken(
        without(APP, "input-tensor-meta=1"),
        "wiring.target_without_tensor",
        APP,
        "input-tensor-meta",
        "deepstream-app overrides the element's own file",
    ),
    Broken(
        replaced(APP, ("[secondary-pre-process0]\nenable=1", "[secondary-pre-process0]\nenable=0")),
        "wiring.tensor_from_nobody",
        APP,
        "input-tensor-meta",
        "no nvdspreprocess has 2 in target-unique-ids",
    ),
    Broken(
        replaced(YAML_SGIE, ("input-tensor-from-meta", "input-tensor-meta")),
        "wiring.misnamed_tensor_key",
        YAML_SGIE,
        "input-tensor-meta",
        "Write input-tensor-from-meta=1",
        yaml=True,
    ),
    Broken(
        put("configs/app.yml", YAML_APP),
        "wiring.secondary_in_yaml",
        "configs/app.yml",
        "",
        "knows no secondary-pre-process0",
        yaml=True,
    ),
    Broken(
        replaced(YAML_PREPROCESS, ("  process-on-frame: 0\n", ""), ("process-on-all-objects: 1", "process-on-roi: 0")),
        "wiring.frames_for_objects",
        YAML_PREPROCESS,
        "process-on-frame",
        "whole frames, not faces",
        yaml=True,
    ),
    Broken(
        replaced(APP, ("[osd]", SECOND)),
        "wiring.same_id",
        APP,
        "gie-unique-id",
        "deepstream-app ends",
    ),
    Broken(
        removed(YAML_PREPROCESS),
        "wiring.tensor_from_nobody",
        YAML_SGIE,
        "input-tensor-from-meta",
        "Add the nvdspreprocess",
        yaml=True,
    ),
    Broken(
        together(without(PREPROCESS, "process-on-frame=0"), replaced(PREPROCESS, ("on-all-objects=1", "on-roi=0"))),
        "wiring.frames_for_objects",
        PREPROCESS,
        "process-on-frame",
        "Write process-on-frame=0",
    ),
    Broken(
        together(
            replaced(YAML_SGIE, ("gie-unique-id: 2", "gie-unique-id: 1")),
            replaced(YAML_PREPROCESS, ("target-unique-ids: 2", "target-unique-ids: 1")),
        ),
        "wiring.same_id",
        YAML_SGIE,
        "gie-unique-id",
        "configs/pgie.yml has the id 1 too",
        yaml=True,
    ),
    Broken(
        replaced(SGIE_FILE, ("input-tensor-from-meta", "input-tensor-meta")),
        "wiring.misnamed_tensor_key",
        SGIE_FILE,
        "input-tensor-meta",
        "prints 'Unknown or legacy key'",
    ),
    Broken(
        put("triton/sgie.txt", "infer_config { unique_id: 1 } input_control { operate_on_gie_id: 1 }\n"),
        "wiring.same_id",
        "triton/sgie.txt",
        "unique_id",
        "triton/pgie.txt has the id 1 too",
    ),
    Broken(
        together(
            replaced(APP, ("operate-on-gie-id=1\nconfig-file", "config-file"), ("operate-on-gie-id=1\ninput", "input")),
            replaced(APP, ("gie-unique-id=1\n", ""), ("gie-unique-id=2\n", "")),
        ),
        "wiring.no_id",
        APP,
        "gie-unique-id",
        "[primary-gie] and [secondary-gie0] have no gie-unique-id here",
    ),
    Broken(
        replaced(APP, ("operate-on-gie-id=1\nconfig-file", "config-file")),
        "wiring.not_created",
        APP,
        "operate-on-gie-id",
        "operates on 0 by this file, and [primary-gie] is 1",
    ),
    Broken(
        replaced(APP, ("operate-on-gie-id=1\nconfig-file", "operate-on-gie-id=2\nconfig-file")),
        "wiring.not_created",
        APP,
        "operate-on-gie-id",
        "as operate-on-gie-id into [secondary-pre-process0]",
    ),
    Broken(
        replaced(APP, ("operate-on-gie-id=1\ninput", "input")),
        "wiring.not_created",
        APP,
        "operate-on-gie-id",
        "does not create the element",
    ),
)
TENSORS = (
    Broken(
        replaced(PREPROCESS, ("tensor-name=input", "tensor-name=data")),
        "tensors.name",
        PREPROCESS,
        "tensor-name",
        "no input 'data'",
    ),
    Broken(
        replaced(PREPROCESS, ("data-type=0", "data-type=1")),
        "tensors.type",
        PREPROCESS,
        "tensor-data-type",
        "prepares UINT8 for an input of FLOAT",
    ),
    Broken(
        replaced(YAML_PREPROCESS, ("data-type: 0", "data-type: 7")),
        "tensors.type",
        YAML_PREPROCESS,
        "tensor-data-type",
        "prepares FLOAT16",
        yaml=True,
    ),
    Broken(
        replaced(PREPROCESS, ("8;3;112;112", "8;1;112;112")),
        "tensors.shape",
        PREPROCESS,
        "network-input-shape",
        "Write network-input-shape=8;3;112;112",
    ),
    Broken(
        replaced(PREPROCESS, ("processing-width=112", "processing-width=96")),
        "tensors.processing_size",
        PREPROCESS,
        "processing-width",
        "is not the 112 of network-input-shape",
    ),
    Broken(half_detector, "tensors.input_type", PGIE, "onnx-file", "'input' is FLOAT16"),
    Broken(stock_scrfd, "tensors.no_batch_in_outputs", PGIE, "onnx-file", "takes the rows for the batch"),
    Broken(mixing_embedder, "tensors.mixes_frames", SGIE_FILE, "onnx-file", "mixes the frames of a batch"),
    Broken(without(PGIE, "infer-dims=3;640;640"), "tensors.size_missing", PGIE, "infer-dims", "-1 reaches TensorRT"),
    Broken(
        replaced(PGIE, ("3;640;640", "3;650;640")), "tensors.size_differs", PGIE, "infer-dims", "multiples of 32 pixels"
    ),
    Broken(
        added(SGIE_FILE, "infer-dims=3;96;96"),
        "tensors.size_differs",
        SGIE_FILE,
        "infer-dims",
        "the network takes [?, 3, 112, 112] alone",
    ),
    Broken(
        replaced(PGIE, ("127.5;127.5;127.5", "127.5;127.5")),
        "tensors.offsets",
        PGIE,
        "offsets",
        "2 offsets for 3 channels",
    ),
    Broken(
        replaced(PGIE, ("0.0078125", "0.00784313725")),
        "tensors.normalisation",
        PGIE,
        "net-scale-factor",
        "scrfd is normalised by 1/128",
    ),
    Broken(
        replaced(PGIE, ("127.5;127.5;127.5", "104;117;123")),
        "tensors.normalisation",
        PGIE,
        "offsets",
        "scrfd has 127.5 subtracted, not 104",
    ),
    Broken(
        added(PREPROCESS, "pixel-normalization-factor=0.0078125", "[user-configs]"),
        "tensors.prepared",
        PREPROCESS,
        "pixel-normalization-factor",
        "is 0.00784314 for this network, not 0.0078125",
    ),
    Broken(
        added(PREPROCESS, "offsets=127.5;127.5;0", "[user-configs]"),
        "tensors.prepared",
        PREPROCESS,
        "offsets",
        "Write offsets=127.5;127.5;127.5",
    ),
    Broken(
        together(OUR_ALIGNER, added(PREPROCESS, "mean=127.5\nstd=128", "[user-configs]")),
        "tensors.prepared",
        PREPROCESS,
        "std",
        "is 127.5 for this network, not 128",
    ),
    Broken(
        replaced(PGIE, ("model-color-format=0", "model-color-format=1")),
        "tensors.colour",
        PGIE,
        "model-color-format",
        "takes RGB, and gets BGR: results get worse, nothing says so. Write model-color-format=0",
    ),
    Broken(
        added(PGIE, "output-blob-names=scores"), "tensors.output_names", PGIE, "output-blob-names", "no output 'scores'"
    ),
    Broken(half_embedder, "tensors.type", PREPROCESS, "tensor-data-type", "prepares FLOAT for an input of FLOAT16"),
    Broken(
        together(release("8.0"), replaced(PREPROCESS, ("data-type=0", "data-type=5"))),
        "tensors.type",
        PREPROCESS,
        "tensor-data-type",
        "prepares INT64",
    ),
    Broken(
        replaced(PREPROCESS, ("8;3;112;112", "8;3;112")),
        "tensors.shape",
        PREPROCESS,
        "network-input-shape",
        "prepares [8, 3, 112]",
    ),
    Broken(
        without(PGIE, "offsets=127.5;127.5;127.5"),
        "tensors.normalisation",
        PGIE,
        "offsets",
        "127.5 subtracted, not 0",
    ),
)
BATCHES = (
    Broken(
        replaced(PGIE, ("scrfd.onnx_b4_", "scrfd.onnx_b2_")),
        "batches.of_engine",
        PGIE,
        "batch-size",
        "batch-size is 4, the engine is called one for 2",
    ),
    Broken(
        replaced("models/scrfd.io.json", ("1,4,4", "1,2,2")),
        "batches.of_profile",
        PGIE,
        "batch-size",
        "models/scrfd.io.json has profiles up to 2",
    ),
    Broken(fixed_batch(1), "batches.of_network", SGIE_FILE, "batch-size", "the network's is fixed to 1"),
    Broken(
        replaced(PREPROCESS, ("8;3;112;112", "4;3;112;112")),
        "batches.of_preprocess",
        PREPROCESS,
        "network-input-shape",
        "batches of 4 for an element that takes 8",
    ),
    Broken(
        replaced(APP, ("num-sources=4", "num-sources=6")),
        "batches.of_sources",
        APP,
        "batch-size",
        "6 sources share batches of 4",
    ),
    Broken(
        replaced(APP, ("batch-size=4", "batch-size=8")), "batches.of_mux", PGIE, "batch-size", "takes 4 of the 8 frames"
    ),
    Broken(
        replaced(MODEL_CONFIG, ("max_batch_size: 4", "max_batch_size: 2")),
        "batches.of_model_repository",
        TRITON,
        "max_batch_size",
        "the model's config.pbtxt has 2",
    ),
)
ENGINES = (
    Broken(
        replaced(PGIE, ("scrfd.onnx_b4_gpu0_fp32.engine", "scrfd.engine")),
        "engines.name",
        PGIE,
        "model-engine-file",
        "Name it scrfd.onnx_b4_gpu0_fp32.engine",
    ),
    Broken(
        replaced(PGIE, ("b4_gpu0_fp32", "b4_gpu0_fp16")),
        "engines.name",
        PGIE,
        "model-engine-file",
        "network-mode says so",
    ),
    Broken(
        replaced(PGIE, ("../models/scrfd.onnx_b4", "../engines/scrfd.onnx_b4")),
        "engines.folder",
        PGIE,
        "model-engine-file",
        "beside 'models/scrfd.onnx'",
    ),
    Broken(
        together(put("models/scrfd.onnx_b4_gpu0_fp32.engine"), replaced(PGIE, ("network-mode=0", "network-mode=2"))),
        "engines.mode",
        PGIE,
        "network-mode",
        "the engine is called fp32, network-mode says fp16",
    ),
    Broken(
        replaced(PGIE, ("network-mode=0", "network-mode=1"), ("gpu0_fp32", "gpu0_int8")),
        "engines.calibration",
        PGIE,
        "network-mode",
        "nvinfer builds FP16 and says nothing",
    ),
    Broken(
        together(
            without(SGIE_FILE, "onnx-file=../models/arcface.onnx"),
            without(SGIE_FILE, "model-engine-file=../models/arcface.onnx_b8_gpu0_fp32.engine"),
        ),
        "engines.no_model",
        SGIE_FILE,
        "onnx-file",
        "nothing to run",
    ),
    Broken(
        without(SGIE_FILE, "onnx-file=../models/arcface.onnx"),
        "engines.no_onnx",
        SGIE_FILE,
        "model-engine-file",
        "an engine alone",
    ),
    Broken(
        without(YAML_PGIE, "  strongly-typed: 1"),
        "engines.typed",
        YAML_PGIE,
        "strongly-typed",
        "only a hint without it",
        yaml=True,
    ),
    Broken(
        together(release("9.0"), without(YAML_PGIE, "  strongly-typed: 1")),
        "engines.typed",
        YAML_PGIE,
        "strongly-typed",
        "Write strongly-typed=1",
        yaml=True,
    ),
)
PREPROCESSING = (
    Broken(
        without(PREPROCESS, "tensor-data-type=0"),
        "preprocess.mandatory",
        PREPROCESS,
        "tensor-data-type",
        "does not start. Add tensor-data-type to [property]",
    ),
    Broken(
        without(PREPROCESS, "process-on-all-objects=1"),
        "preprocess.mandatory",
        PREPROCESS,
        "process-on-all-objects",
        "to [group-0]",
    ),
    Broken(
        replaced(PREPROCESS, ("[group-0]", "[frames]")), "preprocess.no_group", PREPROCESS, "", "there is no [group-0]"
    ),
    Broken(
        added(PREPROCESS, "roi-params-src-0=0;0;640;480", "src-ids=-1"),
        "preprocess.order",
        PREPROCESS,
        "roi-params-src-0",
        "judged before process-on-all-objects is known",
    ),
    Broken(
        replaced(PREPROCESS, ("all-objects=1", "all-objects=0")),
        "preprocess.no_region",
        PREPROCESS,
        "process-on-all-objects",
        "there is no roi-params-src-",
    ),
    Broken(
        replaced(PREPROCESS, ("src-ids=-1", "src-ids=0;1;3")),
        "preprocess.sources",
        PREPROCESS,
        "src-ids",
        "of 4 sources, 2 is in no group",
    ),
    Broken(
        replaced(PREPROCESS, ("class-ids=0", "class-ids=1;2")),
        "preprocess.classes",
        PREPROCESS,
        "operate-on-class-ids",
        "class 1 of a detector with 1",
    ),
    Broken(without(PREPROCESS, "draw-roi=0"), "preprocess.drawn", PREPROCESS, "draw-roi", "a second box is drawn"),
    Broken(
        without(PREPROCESS, "input-object-min-width=16"),
        "preprocess.smallest",
        PREPROCESS,
        "input-object-min-width",
        "ends the whole pipeline",
    ),
    Broken(
        added(PREPROCESS, "scaling-pool-compute-hw=2"),
        "preprocess.hardware",
        PREPROCESS,
        "scaling-pool-compute-hw",
        "VIC is on Jetson alone",
    ),
    *(
        Broken(without(PREPROCESS, line), "preprocess.mandatory", PREPROCESS, line.partition("=")[0], "is mandatory")
        for line in ("tensor-name=input", "network-input-shape=8;3;112;112", "src-ids=-1")
    ),
)
SILENT = (
    Broken(
        replaced(PGIE, ("cluster-mode=4", "cluster-mode=2")),
        "silent.mask_clustering",
        PGIE,
        "cluster-mode",
        "cluster-mode=4 alone",
    ),
    Broken(
        without(PGIE, "output-instance-mask=1"),
        "silent.mask_output",
        PGIE,
        "output-instance-mask",
        "never reaches mask_params",
    ),
    Broken(
        replaced(PGIE, ("parse-bbox-instance-mask-func-name", "parse-bbox-func-name")),
        "silent.mask_parser",
        PGIE,
        "parse-bbox-instance-mask-func-name",
        "parse-bbox-func-name is for network-type=0",
    ),
    Broken(added(PGIE, "topk=100", "[class-attrs-all]"), "silent.mask_topk", PGIE, "topk", "never freed"),
    Broken(without(APP, "display-mask=0"), "silent.mask_drawn", APP, "display-mask", "Write display-mask=0 into [osd]"),
    Broken(added(APP, "interval=2", "[primary-gie]"), "silent.mask_skipped", APP, "interval", "have no masks"),
    Broken(
        together(PLAIN_DETECTOR, added(PREPROCESS, "source=mask", "[user-configs]")),
        "silent.no_landmarks",
        PREPROCESS,
        "source",
        "configs/pgie.txt has none: no face is aligned",
    ),
    Broken(
        added(TRACKER, "Segmenter:\n  segmenterType: 1", "  probationAge: 1"),
        "silent.mask_overwritten",
        TRACKER,
        "",
        "writes its masks over the landmarks",
    ),
    Broken(
        without(YAML_PGIE, "  parse-bbox-func-name: ParseScrfd"),
        "silent.box_parser",
        YAML_PGIE,
        "parse-bbox-func-name",
        "knows no SCRFD",
        yaml=True,
    ),
    Broken(
        replaced(YAML_PGIE, ("parse-bbox-func-name", "parse-bbox-instance-mask-func-name")),
        "silent.box_parser",
        YAML_PGIE,
        "parse-bbox-instance-mask-func-name",
        "is not called for network-type=0",
        yaml=True,
    ),
    Broken(
        without(PGIE, "custom-lib-path=../parser/libscrfd.so"),
        "silent.parser_library",
        PGIE,
        "parse-bbox-instance-mask-func-name",
        "Add custom-lib-path",
    ),
    Broken(
        added(PGIE, "disable-output-host-copy=1"),
        "silent.host_copy",
        PGIE,
        "disable-output-host-copy",
        "not written for CUDA",
    ),
    Broken(
        without(YAML_PGIE, "  cluster-mode: 4"),
        "silent.clustering",
        YAML_PGIE,
        "cluster-mode",
        "cluster-mode is 0 by default",
        yaml=True,
    ),
    Broken(
        without(PGIE, "maintain-aspect-ratio=1"), "silent.aspect", PGIE, "maintain-aspect-ratio", "faces are stretched"
    ),
    Broken(
        replaced(PGIE, ("symmetric-padding=0", "symmetric-padding=1")),
        "silent.padding",
        PGIE,
        "symmetric-padding",
        "to the top left",
    ),
    Broken(without(PGIE, "scaling-filter=1"), "silent.scaling", PGIE, "scaling-filter", "by the nearest pixel"),
    Broken(
        without(PGIE, "crop-objects-to-roi-boundary=1"),
        "silent.border",
        PGIE,
        "crop-objects-to-roi-boundary",
        "passes the lower edge",
    ),
    Broken(
        replaced(SGIE_FILE, ("classifier-async-mode=0", "classifier-async-mode=1")),
        "silent.async",
        SGIE_FILE,
        "classifier-async-mode",
        "there are no output tensors",
    ),
    Broken(
        replaced(SGIE_FILE, ("network-type=100", "network-type=1")),
        "silent.embedder_type",
        SGIE_FILE,
        "network-type",
        "Write network-type=100",
    ),
    Broken(
        without(SGIE_FILE, "output-tensor-meta=1"),
        "silent.embedding_lost",
        SGIE_FILE,
        "output-tensor-meta",
        "nobody gets them",
    ),
    Broken(
        together(
            removed(YAML_PREPROCESS),
            replaced(
                YAML_SGIE,
                (
                    "input-tensor-from-meta: 1",
                    "process-mode: 2\n  net-scale-factor: 0.00784313725\n  offsets: 127.5;127.5;127.5",
                ),
            ),
        ),
        "silent.no_alignment",
        YAML_SGIE,
        "input-tensor-from-meta",
        "ArcFace knows aligned faces",
        yaml=True,
    ),
    Broken(without(PGIE, "cluster-mode=4"), "silent.mask_clustering", PGIE, "cluster-mode", "Write cluster-mode=4"),
    Broken(added(PGIE, "topk=0", "[class-attrs-all]"), "silent.mask_topk", PGIE, "topk", "Remove topk"),
    Broken(
        put("configs/attributes.txt", f"{ATTRIBUTES}output-tensor-meta=1\n"),
        "silent.async",
        "configs/attributes.txt",
        "classifier-async-mode",
        "Write classifier-async-mode=0",
    ),
    Broken(
        replaced(TRITON, ("output_tensor_meta: true", "output_tensor_meta: false")),
        "silent.embedding_lost",
        TRITON,
        "output_tensor_meta",
        "Write output_tensor_meta: true",
    ),
    Broken(
        added(SGIE_FILE, "secondary-reinfer-interval=30"),
        "silent.reinfer",
        SGIE_FILE,
        "secondary-reinfer-interval",
        "every face in every frame",
    ),
)
BROKEN = (*FILES, *KEYS, *WIRING, *TENSORS, *BATCHES, *ENGINES, *PREPROCESSING, *SILENT)
