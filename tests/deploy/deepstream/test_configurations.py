"""What the configurations say, against what DeepStream's sources want: keys, ids, batches, names and constants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from batchproof.deploy.deepstream.bundle import bundle_files
from batchproof.profile import EngineProfiles
from batchproof.zoo import families
from batchproof.zoo.spec import ModelSpec
from tests.deploy.deepstream.plans import HEADS, RELEASES, model, plan, read_ini, read_yaml

ON_FACES = ("emb", *HEADS)
PGIES = ("pgie_det", "pgie_det_boxes")
# Without each of these nvdspreprocess says only that some are not set.
MANDATORY = {
    "network-input-order",
    "network-input-shape",
    "processing-width",
    "processing-height",
    "network-color-format",
    "tensor-data-type",
    "tensor-name",
    "custom-lib-path",
    "custom-tensor-preparation-function",
    "scaling-filter",
    "scaling-pool-memory-type",
}
# What align/options.h reads.
ALIGNER_OPTIONS = {"mode", "mean", "std", "source", "min-face", "embed-interval", "dump-folder"}


def config(files: dict[str, str], name: str) -> dict[str, dict[str, str]]:
    return read_ini(files[f"configs/{name}.txt"])


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def files(release: str) -> dict[str, str]:
    return bundle_files(plan(release))


def test_every_ini_file_parses_and_its_yaml_twin_says_the_same(files: dict[str, str]) -> None:
    twins = [path for path in files if path.startswith("configs/") and path.endswith(".yml") and "tracker" not in path]
    assert len(twins) == len(PGIES) + len(ON_FACES)
    for path in twins:
        twin = read_yaml(files[path])
        as_text = {group: {key: str(value) for key, value in keys.items()} for group, keys in twin.items()}
        assert as_text == read_ini(files[path.replace(".yml", ".txt")])


def test_ids_connect(files: dict[str, str]) -> None:
    app = config(files, "app")
    primary = config(files, "pgie_det")["property"]["gie-unique-id"]
    assert app["primary-gie"]["gie-unique-id"] == primary
    ids = [primary]
    for index, name in enumerate(ON_FACES):
        element, infer = (
            config(files, f"preprocess_align_{name}")["property"],
            config(files, f"sgie_{name}")["property"],
        )
        group, crops = app[f"secondary-gie{index}"], app[f"secondary-pre-process{index}"]
        assert element["target-unique-ids"] == infer["gie-unique-id"] == group["gie-unique-id"]
        operated = {keys["operate-on-gie-id"] for keys in (element, infer, group, crops)}
        assert operated == {primary}
        assert (group["config-file"], crops["config-file"]) == (f"sgie_{name}.txt", f"preprocess_align_{name}.txt")
        ids += [infer["gie-unique-id"], element["unique-id"]]
    assert len(set(ids)) == len(ids)
    assert all(int(number) > 0 for number in ids)


def test_batches_agree_and_fit_the_engines(files: dict[str, str]) -> None:
    app = config(files, "app")
    for pgie in PGIES:
        assert config(files, pgie)["property"]["batch-size"] == "4"
    assert app["streammux"]["batch-size"] == app["primary-gie"]["batch-size"] == "4"
    assert sum(group.startswith("source") for group in app) == 4
    for index, (name, batch) in enumerate(zip(ON_FACES, ("16", "8", "8", "8"), strict=True)):
        shape = config(files, f"preprocess_align_{name}")["property"]["network-input-shape"]
        infer = config(files, f"sgie_{name}")["property"]
        assert shape.split(";")[0] == infer["batch-size"] == app[f"secondary-gie{index}"]["batch-size"] == batch
        assert f"_b{batch}_gpu0_" in infer["model-engine-file"]


def test_the_engine_is_the_one_that_nvinfer_would_name_so(release: str, files: dict[str, str]) -> None:
    precision, mode = ("fp16", "2") if release >= "deepstream-7.1" else ("fp32", "0")
    keys = config(files, "pgie_det")["property"]
    assert keys["onnx-file"] == f"../engines/det.{precision}.onnx"
    assert keys["model-engine-file"] == f"{keys['onnx-file']}_b32_gpu0_{precision}.engine"
    assert keys["network-mode"] == mode


def test_strongly_typed_is_written_only_where_nvinfer_knows_it(release: str, files: dict[str, str]) -> None:
    for name in (*PGIES, *(f"sgie_{name}" for name in ON_FACES)):
        assert ("strongly-typed" in config(files, name)["property"]) == (release >= "deepstream-9.0")


def test_the_detector_is_read_as_insightface_reads_it(files: dict[str, str]) -> None:
    for pgie in PGIES:
        read = config(files, pgie)
        keys = read["property"]
        wanted = {
            "cluster-mode": "4",
            "crop-objects-to-roi-boundary": "1",
            "maintain-aspect-ratio": "1",
            "symmetric-padding": "0",
            "scaling-filter": "1",
            "interval": "0",
            "num-detected-classes": "1",
            "infer-dims": "3;640;640",
            "process-mode": "1",
        }
        assert {key: keys[key] for key in wanted} == wanted
        assert read["class-attrs-all"] == {"pre-cluster-threshold": "0.5"}
        assert keys["output-blob-names"].split(";") == [output.name for output in families.scrfd().outputs]
        assert "force-implicit-batch-dim" not in keys


def test_landmarks_travel_as_masks_and_the_plain_detector_has_none(files: dict[str, str]) -> None:
    carrier, plain = (config(files, name)["property"] for name in PGIES)
    assert carrier["network-type"] == "3"
    assert carrier["output-instance-mask"] == "1"
    assert carrier["parse-bbox-instance-mask-func-name"] == "NvDsInferParseCustomScrfdMask"
    assert "parse-bbox-func-name" not in carrier
    assert (plain["network-type"], plain["parse-bbox-func-name"]) == ("0", "NvDsInferParseCustomScrfd")
    assert not any("mask" in key for key in plain)
    assert config(files, "app")["osd"]["display-mask"] == "0"


def test_models_on_faces_take_tensors_and_give_tensors(files: dict[str, str]) -> None:
    for index, name in enumerate(ON_FACES):
        keys = config(files, f"sgie_{name}")["property"]
        wanted = {
            "network-type": "100",
            "process-mode": "2",
            "input-tensor-from-meta": "1",
            "output-tensor-meta": "1",
            "classifier-async-mode": "0",
        }
        assert {key: keys[key] for key in wanted} == wanted
        assert "input-tensor-meta" not in keys
        assert config(files, "app")[f"secondary-gie{index}"]["input-tensor-meta"] == "1"


def test_crops_are_made_as_each_model_takes_them(files: dict[str, str]) -> None:
    for name, spec in {"emb": families.arcface(), **HEADS}.items():
        read = config(files, f"preprocess_align_{name}")
        keys, options = read["property"], read["user-configs"]
        side = str(spec.input.height)
        assert set(keys) >= MANDATORY
        assert set(options) <= ALIGNER_OPTIONS
        assert keys["processing-width"] == keys["processing-height"] == side
        assert keys["network-input-shape"].split(";")[1:] == ["3", side, side]
        assert (keys["tensor-data-type"], keys["tensor-name"]) == ("0", spec.input.name)
        assert (keys["process-on-frame"], keys["network-input-order"]) == ("0", "0")
        assert options["mode"] == ("arcface5" if name == "emb" else "bbox1.5")
        assert (float(options["mean"]), float(options["std"])) == (spec.input.mean, spec.input.std)


def test_frames_lie_where_the_aligner_can_read_them(files: dict[str, str]) -> None:
    nvbuf_mem_cuda_device = "2"
    assert config(files, "app")["streammux"]["nvbuf-memory-type"] == nvbuf_mem_cuda_device


def test_faces_are_neither_too_small_nor_drawn(files: dict[str, str]) -> None:
    group = config(files, "preprocess_align_emb")["group-0"]
    assert (group["draw-roi"], group["process-on-all-objects"], group["src-ids"]) == ("0", "1", "-1")
    assert group["custom-input-transformation-function"] == "CustomTransformation"
    assert int(group["input-object-min-width"]) == int(group["input-object-min-height"]) == 16
    assert config(files, "preprocess_align_emb")["property"]["scaling-pool-compute-hw"] == "1"


def test_the_tracker_keeps_a_face_from_its_first_frame_on(files: dict[str, str]) -> None:
    assert files["configs/tracker.yml"].startswith("%YAML:1.0\n")
    read = read_yaml(files["configs/tracker.yml"])
    assert read["TargetManagement"]["probationAge"] == 0
    assert read["TargetManagement"]["maxTargetsPerStream"] >= plan().faces
    assert config(files, "app")["tracker"]["ll-config-file"] == "tracker.yml"


CONSTANTS: list[tuple[ModelSpec, dict[str, str | None]]] = [
    (families.scrfd(), {"net-scale-factor": "0.0078125", "offsets": "127.5;127.5;127.5", "model-color-format": "0"}),
    (families.arcface(), {"net-scale-factor": "0.00784313725490196", "offsets": "127.5;127.5;127.5"}),
    (families.arcface(normalised_in_graph=True), {"net-scale-factor": "1", "offsets": None}),
    (families.adaface(), {"net-scale-factor": "0.00784313725490196", "model-color-format": "1"}),
    (HEADS["2d106det"], {"net-scale-factor": "1", "offsets": None, "model-color-format": "0"}),
    (HEADS["again"], {"net-scale-factor": "0.0078125", "offsets": "127.5;127.5;127.5"}),
]


@pytest.mark.parametrize(("spec", "wanted"), CONSTANTS)
def test_constants_are_those_of_the_model(spec: ModelSpec, wanted: dict[str, str | None]) -> None:
    chosen = model("chosen", spec)
    if spec.role == "detector":
        made, name = plan(detector=chosen), "pgie_chosen"
    elif spec.role == "embedder":
        made, name = plan(embedder=chosen), "sgie_chosen"
    else:
        made, name = plan(heads=(chosen,)), "sgie_chosen"
    keys = config(bundle_files(made), name)["property"]
    assert {key: keys.get(key) for key in wanted} == wanted


@pytest.mark.parametrize(
    ("streams", "faces", "batch", "buffers"),
    [(1, 1, 1, 7), (4, 64, 16, 22), (4, 64, 17, 22), (4, 64, 15, 24), (1, 4096, 1, 4102), (32, 10, 32, 16)],
)
def test_pools_hold_all_crops_of_a_batch_and_those_in_flight(
    streams: int, faces: int, batch: int, buffers: int
) -> None:
    embedder = model("emb", families.arcface(), f"1,1,{batch}")
    keys = config(bundle_files(plan(embedder=embedder, streams=streams, faces=faces)), "preprocess_align_emb")[
        "property"
    ]
    assert int(keys["tensor-buf-pool-size"]) == int(keys["scaling-buf-pool-size"]) == buffers


def test_a_size_of_the_detector_is_what_its_engine_is_tuned_for() -> None:
    ranged = replace(model("det", families.scrfd()), profiles=EngineProfiles.parse("1,4,8@320x320,448x640,640x960"))
    assert config(bundle_files(plan(detector=ranged)), "pgie_det")["property"]["infer-dims"] == "3;448;640"


def test_every_file_that_is_named_is_there_or_will_be_built(files: dict[str, str], release: str) -> None:
    made = plan(release)
    built = {f"engines/{made.engine(model)}" for model in made.models}
    copied = {f"engines/{model.stem}.onnx" for model in made.models}
    libraries = {"build/libbatchproof_scrfd_parser.so", "build/libbatchproof_align.so"}
    named = set(_named(files))
    assert named <= {*files, *built, *copied, *libraries}
    assert named >= built | copied | libraries


def _named(files: dict[str, str]) -> Iterator[str]:
    """Every value of the INI files that is a path into the bundle."""
    paths = ("onnx-file", "model-engine-file", "custom-lib-path", "labelfile-path", "config-file", "ll-config-file")
    for path, text in files.items():
        if path.startswith("configs/") and path.endswith(".txt") and "labels" not in path:
            for keys in read_ini(text).values():
                for key in paths:
                    if key in keys:
                        yield _resolved(PurePosixPath(path).parent, keys[key])


def _resolved(folder: PurePosixPath, value: str) -> str:
    return value.removeprefix("../") if value.startswith("../") else (folder / value).as_posix()


def test_the_app_has_no_more_groups_than_deepstream_app_reads() -> None:
    heads = tuple(model(f"head{index}", HEADS["genderage"]) for index in range(15))
    app = config(bundle_files(plan(heads=heads)), "app")
    assert {group for group in app if group.startswith("secondary-gie")} == {f"secondary-gie{n}" for n in range(16)}
