from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf import text_format
from google.protobuf.text_format import ParseError

from batchproof.deploy.triton.batching import Batching
from batchproof.deploy.triton.config import network_config
from batchproof.deploy.triton.plan import Backend
from batchproof.deploy.triton.repository import repository_files
from batchproof.zoo import families
from tests.deploy.triton.plans import (
    BACKENDS,
    PACKS,
    RELEASES,
    network,
    pack_plan,
    parameters,
    plan,
    read_config,
    type_name,
)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("pack", PACKS)
def test_every_configuration_is_one_that_triton_reads_and_writes_alike(
    release: str, backend: Backend, pack: str
) -> None:
    made = pack_plan(release, backend, pack)
    texts = {path: text for path, text in repository_files(made).items() if path.endswith(".pbtxt")}
    assert len(texts) == 1 + len(made.networks) * (2 if backend == "tensorrt" else 1)
    for path, text in texts.items():
        read = read_config(text)
        assert read_config(text_format.MessageToString(read)) == read
        assert path.split("/")[1] == read.name


@pytest.mark.parametrize("backend", BACKENDS)
def test_names_sizes_and_types_are_those_of_the_network_without_its_batch(backend: Backend) -> None:
    made = plan(backend=backend)
    for one in made.networks:
        read = read_config(network_config(made, one))
        (image,) = read.input
        assert (image.name, list(image.dims)) == ("input", [3, *one.model.size])
        assert {type_name(tensor.data_type) for tensor in (*read.input, *read.output)} == {"TYPE_FP32"}
        assert [tensor.name for tensor in read.output] == [output.name for output in one.model.spec.outputs]
        assert read.max_batch_size == one.model.largest_batch
        assert read.version_policy.latest.num_versions == 1
    rows = [list(tensor.dims) for tensor in read_config(network_config(made, made.detector)).output]
    assert rows == [[rows, channels] for channels in (1, 4, 10) for rows in (12800, 3200, 800)]


def test_sizes_on_which_a_profile_has_a_range_are_any() -> None:
    made = plan(detector=network("det", families.scrfd(), "1,4,8@320x320,640x640,960x960"))
    read = read_config(network_config(made, made.detector))
    assert list(read.input[0].dims) == [3, -1, -1]
    assert [list(tensor.dims) for tensor in read.output] == [
        [-1, channels] for channels in (1, 4, 10) for _ in range(3)
    ]
    assert list(read.model_warmup[0].inputs["input"].dims) == [3, 640, 640]


def test_what_executes_it_is_named_as_the_server_knows_it() -> None:
    reads = {backend: read_config(network_config(plan(backend=backend), plan().embedder)) for backend in BACKENDS}
    assert {backend: (read.platform, read.backend) for backend, read in reads.items()} == {
        "tensorrt": ("tensorrt_plan", ""),
        "onnxruntime": ("", "onnxruntime"),
        "python": ("", "python"),
    }
    assert parameters(reads["onnxruntime"]) == {"intra_op_thread_count": "0"}
    assert parameters(reads["python"]) == {"threads": "0"}
    measured = replace(plan().embedder, threads=2)
    assert parameters(read_config(network_config(plan(backend="python"), measured))) == {"threads": "2"}


def test_engines_run_on_the_gpu_and_rehearsals_on_anything() -> None:
    made = plan(embedder=network("emb", families.arcface(), "1,1,1+1,8,16"))
    group = read_config(network_config(made, made.embedder)).instance_group[0]
    assert (group.Kind.Name(group.kind), group.count, list(group.profile)) == ("KIND_GPU", 1, ["0", "1"])
    rehearsed = read_config(network_config(made, made.embedder, rehearsal=True))
    (other,) = rehearsed.instance_group
    assert (other.Kind.Name(other.kind), list(other.profile)) == ("KIND_CPU", [])
    files = repository_files(made)
    pair = [read_config(files[f"model_repository/emb.fp16/{name}.pbtxt"]) for name in ("config", "configs/rehearsal")]
    for read in pair:
        read.ClearField("instance_group")
    assert pair[0] == pair[1]
    for backend in BACKENDS[1:]:
        (group,) = read_config(network_config(plan(backend=backend), made.embedder)).instance_group
        assert group.Kind.Name(group.kind) == "KIND_CPU"
        assert not [path for path in repository_files(plan(backend=backend)) if "rehearsal" in path]


def test_batches_are_those_that_were_chosen() -> None:
    read = read_config(network_config(plan(), plan().embedder))
    assert list(read.dynamic_batching.preferred_batch_size) == [8, 16]
    assert read.dynamic_batching.max_queue_delay_microseconds == 1000
    assert [warm.batch_size for warm in read.model_warmup] == [1, 16]
    assert all(warm.inputs["input"].random_data for warm in read.model_warmup)


def test_where_batches_do_not_pay_requests_are_not_joined() -> None:
    alone = replace(plan().embedder, batching=Batching((), 0, 1, "measured", "nothing", measured=True))
    read = read_config(network_config(plan(), alone))
    assert not read.HasField("dynamic_batching")
    assert (read.max_batch_size, [warm.batch_size for warm in read.model_warmup]) == (16, [1])


def test_a_field_that_triton_does_not_know_would_be_seen() -> None:
    text = network_config(plan(), plan().embedder)
    with pytest.raises(ParseError):
        read_config(text.replace("max_batch_size", "max_batch_sizes"))
    with pytest.raises(ParseError):
        read_config(text.replace("TYPE_FP32", "TYPE_FLOAT32"))
