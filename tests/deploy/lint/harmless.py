"""Bundles that look like broken ones and are none: a false alarm is as bad as a miss."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.deploy.lint.broken import (
    APP,
    ATTRIBUTES,
    MODEL_CONFIG,
    OUR_ALIGNER,
    PGIE,
    PLAIN_DETECTOR,
    PREPROCESS,
    SGIE_FILE,
    TRITON,
    YAML_PGIE,
    YAML_PREPROCESS,
    YAML_SGIE,
)
from tests.deploy.lint.bundles import DETECTOR
from tests.deploy.lint.bundles import YAML_PGIE as YAML_DETECTOR
from tests.deploy.lint.bundles import YAML_PREPROCESS as YAML_ALIGNMENT
from tests.deploy.lint.edits import (
    Edit,
    added,
    embedder_batch,
    fixed_batch,
    mixing_embedder,
    put,
    release,
    removed,
    replaced,
    together,
    two_inputs,
    without,
)
from tests.pipeline.tiny_scrfd import tiny_scrfd


@dataclass(frozen=True)
class Harmless:
    """An edit after which a bundle is as right as before."""

    about: str
    edit: Edit
    yaml: bool = False


def _fp32_detector(root: Path) -> None:
    tiny_scrfd(root / DETECTOR)


FRAMES = (
    YAML_ALIGNMENT.replace("target-unique-ids: 2", "target-unique-ids: 1")
    .replace("  operate-on-gie-id: 1\n", "")
    .replace("process-on-frame: 0", "process-on-frame: 1")
    .replace("8;3;112;112", "4;3;640;640")
    .replace(": 112", ": 640")
    .replace("process-on-all-objects: 1", "process-on-roi: 0")
)
RAW_SERVER = "infer_config { unique_id: 2 postprocess { other {} } } output_control { output_tensor_meta: true }\n"
HARMLESS = (
    Harmless("a key in the release that brought it", release("9.0"), yaml=True),
    Harmless("a newer key for an unknown release", together(removed("manifest.json"), added(PGIE, "strongly-typed=1"))),
    Harmless("a key that will have no effect", together(release("7.0"), added(PGIE, "workspace-size=2000"))),
    Harmless(
        "a key without effect in an unknown release",
        together(removed("manifest.json"), added(PGIE, "workspace-size=1")),
    ),
    Harmless("implicit batch switched off", added(PGIE, "force-implicit-batch-dim=0")),
    Harmless("the largest batch", embedder_batch(1024)),
    Harmless("attributes of the only class", replaced(PGIE, ("[class-attrs-all]", "[class-attrs-0]"))),
    Harmless(
        "attributes of a class that nobody counted",
        together(without(PGIE, "num-detected-classes=1"), replaced(PGIE, ("[class-attrs-all]", "[class-attrs-0]"))),
    ),
    Harmless(
        "an element on the objects of a second one",
        together(
            put(
                "configs/attributes.txt",
                ATTRIBUTES.replace("on-gie-id=1", "on-gie-id=2").replace("async-mode=1", "async-mode=0"),
            ),
            replaced(
                APP,
                (
                    "[osd]",
                    "[secondary-gie1]\ngie-unique-id=3\noperate-on-gie-id=2\nconfig-file=attributes.txt\n\n[osd]",
                ),
            ),
        ),
    ),
    Harmless(
        "constants of the embedder, and its landmarks from masks",
        together(OUR_ALIGNER, added(PREPROCESS, "mean=127.5\nstd=127.5\nsource=mask", "[user-configs]")),
    ),
    Harmless("constants of somebody's own library", added(PREPROCESS, "mean=0.5\nstd=0.5", "[user-configs]")),
    Harmless("a plain detector that skips frames", together(PLAIN_DETECTOR, added(APP, "interval=2", "[primary-gie]"))),
    Harmless("all sources by their numbers", replaced(PREPROCESS, ("src-ids=-1", "src-ids=0;1;2;3"))),
    Harmless(
        "a class of a detector that does not count them",
        together(without(PGIE, "num-detected-classes=1"), replaced(PREPROCESS, ("class-ids=0", "class-ids=1"))),
    ),
    Harmless(
        "secondaries that another application includes",
        put("configs/part.txt", "[secondary-gie0]\ngie-unique-id=5\noperate-on-gie-id=4\nconfig-file=/opt/pgie.txt\n"),
    ),
    Harmless("a section of somebody's own", added(APP, "\n[gallery]\nfaces=1", "enable-perf-measurement=1")),
    Harmless("two files for one place", put("configs/other.yml", YAML_DETECTOR), yaml=True),
    Harmless("an embedder alone", together(removed(YAML_PGIE), removed(YAML_PREPROCESS)), yaml=True),
    Harmless("no detector here", removed(YAML_PGIE), yaml=True),
    Harmless(
        "a detector of prepared frames",
        together(
            put("configs/frames.yml", FRAMES),
            replaced(YAML_PGIE, ("  maintain-aspect-ratio: 1\n  scaling-filter: 1\n", "  input-tensor-from-meta: 1\n")),
            without(YAML_PGIE, "  net-scale-factor: 0.0078125"),
        ),
        yaml=True,
    ),
    Harmless("a number of another release", replaced(PREPROCESS, ("data-type=0", "data-type=5"))),
    Harmless(
        "a number of an unknown release",
        together(removed("manifest.json"), replaced(PREPROCESS, ("data-type=0", "data-type=7"))),
    ),
    Harmless(
        "an order of one's own",
        replaced(PREPROCESS, ("input-order=0", "input-order=2"), ("width=112", "width=96")),
    ),
    Harmless("a mixing network, one by one", together(mixing_embedder, embedder_batch(1))),
    Harmless("other axes", added(SGIE_FILE, "network-input-order=1\ninfer-dims=112;112;3")),
    Harmless(
        "a mean of its own",
        together(replaced(PGIE, ("offsets=127.5;127.5;127.5", "mean-file=mean.ppm")), put("configs/mean.ppm", b"P6")),
    ),
    Harmless("the network's own batch", fixed_batch(8)),
    Harmless("one image for a batch that is fixed", together(fixed_batch(8), embedder_batch(1))),
    Harmless("a smaller batch of faces than of frames", embedder_batch(2)),
    Harmless("a mux that does not say", replaced(APP, ("batch-size=4\nwidth", "width"))),
    Harmless("sources that are off", added(APP, "\n[source1]\nenable=0\nnum-sources=9", "num-sources=4")),
    Harmless("a model repository elsewhere", removed(MODEL_CONFIG)),
    Harmless(
        "a model of a Triton server", replaced(TRITON, ('model_repo { root: "model_repo" }', 'grpc { url: "a:1" }'))
    ),
    Harmless(
        "an engine that a script will make",
        together(
            put("build_engines.sh", "trtexec --saveEngine=engines/scrfd.onnx_b4_gpu0_fp32.engine\n"),
            replaced(PGIE, ("models/scrfd.onnx_b4", "engines/scrfd.onnx_b4")),
        ),
    ),
    Harmless("an engine elsewhere", replaced(PGIE, ("../models/scrfd.onnx_b4", "/engines/scrfd.onnx_b4"))),
    Harmless(
        "an engine that is there under another name",
        together(put("models/scrfd.engine"), replaced(PGIE, ("scrfd.onnx_b4_gpu0_fp32.engine", "scrfd.engine"))),
    ),
    Harmless(
        "INT8 with its table",
        together(
            replaced(PGIE, ("network-mode=0", "network-mode=1\nint8-calib-file=table"), ("gpu0_fp32", "gpu0_int8")),
            put("configs/table"),
        ),
    ),
    Harmless(
        "an FP16 network where no key types it",
        together(release("8.0"), without(YAML_PGIE, "  strongly-typed: 1")),
        yaml=True,
    ),
    Harmless(
        "an FP16 network for an unknown release",
        together(removed("manifest.json"), without(YAML_PGIE, "  strongly-typed: 1")),
        yaml=True,
    ),
    Harmless("an FP32 network", together(_fp32_detector, without(YAML_PGIE, "  strongly-typed: 1")), yaml=True),
    Harmless("libraries that make has built", together(put("parser/libscrfd.so"), put("align/libalign.so"))),
    Harmless("a path that is empty", replaced(PGIE, ("labelfile-path=labels.txt", "labelfile-path="))),
    Harmless(
        "regions behind the key that decides",
        replaced(PREPROCESS, ("all-objects=1", "all-objects=0\nroi-params-src-0=0;0;640;480")),
    ),
    Harmless("regions that nobody looks at", added(PREPROCESS, "roi-params-src-0=0;0;640;480", "draw-roi=0")),
    Harmless("all faces", added(PGIE, "topk=-1", "[class-attrs-all]")),
    Harmless("a plain detector and its masks", together(PLAIN_DETECTOR, without(APP, "display-mask=0"))),
    Harmless("a plain detector and its best", together(PLAIN_DETECTOR, added(PGIE, "topk=100", "[class-attrs-all]"))),
    Harmless("an OSD that is off", replaced(APP, ("[osd]\nenable=1\ndisplay-mask=0", "[osd]\nenable=0"))),
    Harmless(
        "a detector whose network is elsewhere",
        together(
            replaced(YAML_PGIE, ("../models/scrfd.onnx\n", "/models/scrfd.onnx\n")),
            without(YAML_PGIE, "  parse-bbox-func-name: ParseScrfd"),
        ),
        yaml=True,
    ),
    Harmless("no parser that could read", added(SGIE_FILE, "disable-output-host-copy=1")),
    Harmless("a network of two inputs", together(two_inputs, added(SGIE_FILE, "infer-dims=3;112;112"))),
    Harmless(
        "a classifier that remembers", put("configs/attributes.txt", f"{ATTRIBUTES}secondary-reinfer-interval=30\n")
    ),
    Harmless(
        "boxes of a Triton server",
        replaced(TRITON, ("other {}", 'detection { custom_parse_bbox_func: "F" }'), ("_meta: true", "_meta: false")),
    ),
    Harmless(
        "a processor of one's own",
        replaced(
            TRITON,
            ("custom_lib {", 'extra { custom_process_funcion: "F" } custom_lib {'),
            ("_meta: true", "_meta: false"),
        ),
    ),
    Harmless("a model whose batch is its own affair", replaced(MODEL_CONFIG, ("size: 4", "size: 0"))),
    Harmless(
        "an embedder that a Triton server could run instead",
        put("triton/sgie.txt", RAW_SERVER),
    ),
    Harmless(
        "a detector whose boxes somebody else finds",
        put("configs/raw.yml", YAML_DETECTOR.replace("network-type: 0", "network-type: 100\n  output-tensor-meta: 1")),
        yaml=True,
    ),
    Harmless("an asynchronous classifier", put("configs/attributes.txt", ATTRIBUTES)),
    Harmless(
        "an embedder with a library of its own",
        together(
            removed(YAML_PREPROCESS),
            replaced(YAML_SGIE, ("input-tensor-from-meta: 1", "custom-lib-path: /opt/libnvdsinfer_align.so")),
            added(YAML_SGIE, "  net-scale-factor: 0.00784313725\n  offsets: 127.5;127.5;127.5", "property:"),
        ),
        yaml=True,
    ),
)
