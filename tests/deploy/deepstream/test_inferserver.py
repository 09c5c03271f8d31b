from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf.text_format import ParseError

from batchproof.deploy.deepstream.bundle import bundle_files
from batchproof.zoo import families
from tests.deploy.deepstream.plans import HEADS, model, plan, read_ini
from tests.deploy.deepstream.server_protos import read_server_config

PLAN = plan()
FILES = bundle_files(PLAN)
SERVERS = ("capi", "grpc")


@pytest.mark.parametrize("server", SERVERS)
def test_the_detector_gives_boxes_and_its_raw_outputs(server: str) -> None:
    read = read_server_config(FILES[f"triton/pgie_det.{server}.txt"], "PluginControl")
    nvinfer = read_ini(FILES["configs/pgie_det.txt"])["property"]
    infer = read.infer_config
    assert (infer.unique_id, infer.max_batch_size) == (int(nvinfer["gie-unique-id"]), int(nvinfer["batch-size"]))
    assert [layer.name for layer in infer.backend.outputs] == nvinfer["output-blob-names"].split(";")
    assert infer.backend.inputs[0].name == infer.preprocess.tensor_name == "input"
    assert infer.preprocess.normalize.scale_factor == float(nvinfer["net-scale-factor"])
    assert list(infer.preprocess.normalize.channel_offsets) == [127.5] * 3
    assert (infer.preprocess.maintain_aspect_ratio, infer.preprocess.symmetric_padding) == (1, 0)
    assert infer.custom_lib.path == nvinfer["custom-lib-path"]
    detection = infer.postprocess.detection
    assert detection.custom_parse_bbox_func == "NvDsInferParseCustomScrfd"
    assert (detection.num_detected_classes, detection.per_class_params[0].value.pre_threshold) == (1, 0.5)
    assert detection.HasField("simple_cluster")
    assert read.output_control.output_tensor_meta


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("name", ["emb", *HEADS])
def test_models_on_faces_take_the_crops_of_nvdspreprocess(name: str, server: str) -> None:
    read = read_server_config(FILES[f"triton/sgie_{name}.{server}.txt"], "PluginControl")
    element = read_ini(FILES[f"configs/preprocess_align_{name}.txt"])["property"]
    assert str(read.infer_config.unique_id) == element["target-unique-ids"]
    assert str(read.infer_config.max_batch_size) == element["network-input-shape"].split(";")[0]
    assert read.infer_config.input_tensor_from_meta.is_first_dim_batch
    assert read.infer_config.postprocess.HasField("other")
    assert read.input_control.operate_on_gie_id == 1
    assert read.output_control.output_tensor_meta


def test_triton_runs_inside_the_process_or_behind_grpc() -> None:
    inside, behind = (
        read_server_config(FILES[f"triton/sgie_emb.{server}.txt"], "PluginControl").infer_config.backend.triton
        for server in SERVERS
    )
    assert list(inside.model_repo.root) == ["../triton/model_repository"]
    assert not inside.HasField("grpc")
    assert behind.grpc.url == "localhost:8001"
    assert not behind.HasField("model_repo")
    assert inside.model_name == behind.model_name == "emb.fp16"


def test_the_repository_describes_every_model_without_its_batch() -> None:
    for deployed in PLAN.models:
        path = f"triton/model_repository/{deployed.stem}/config.pbtxt"
        read = read_server_config(FILES[path], "ModelConfig")
        assert (read.name, read.platform) == (deployed.stem, "tensorrt_plan")
        assert read.max_batch_size == deployed.largest_batch
        assert list(read.input[0].dims) == [3, *deployed.size]
        assert [tensor.name for tensor in read.output] == [output.name for output in deployed.spec.outputs]
    detector = read_server_config(FILES["triton/model_repository/det.fp16/config.pbtxt"], "ModelConfig")
    rows = [list(tensor.dims) for tensor in detector.output]
    assert rows == [[rows, channels] for channels in (1, 4, 10) for rows in (12800, 3200, 800)]


def test_colours_are_those_of_the_model() -> None:
    spec = families.scrfd()
    for colour in ("RGB", "BGR"):
        detector = model("det", replace(spec, input=replace(spec.input, colour=colour)))
        text = bundle_files(plan(detector=detector))["triton/pgie_det.capi.txt"]
        assert f"network_format: IMAGE_FORMAT_{colour}\n" in text


def test_a_field_that_the_server_does_not_know_would_be_seen() -> None:
    """The misspelt field of the real message is the one that is known."""
    with pytest.raises(ParseError):
        read_server_config("infer_config { extra { custom_process_function: 'x' } }", "PluginControl")
