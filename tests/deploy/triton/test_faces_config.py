from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from batchproof.deploy.triton.batching import Batching
from batchproof.deploy.triton.faces_config import faces_config
from batchproof.deploy.triton.plan import Backend
from batchproof.deploy.triton.serving import contract
from batchproof.deploy.triton.serving.parameters import read_parameters
from batchproof.zoo import families
from tests.deploy.triton.plans import BACKENDS, network, parameters, plan, read_config, type_name


def test_it_takes_and_gives_what_the_contract_says() -> None:
    made = plan()
    read = read_config(faces_config(made))
    assert (read.name, read.backend, read.platform) == ("faces", "python", "")
    inputs = [(one.name, type_name(one.data_type), list(one.dims), one.optional) for one in read.input]
    assert inputs == [("frame", "TYPE_UINT8", [-1, -1, 3], True), ("image", "TYPE_STRING", [1], True)]
    assert [one.allow_ragged_batch for one in read.input] == [True, False]
    given = [contract.ServedTensor(one.name, type_name(one.data_type)[5:], tuple(one.dims)) for one in read.output]  # type: ignore[arg-type]
    assert given == list(made.outputs)
    assert [one.name for one in given][-4:] == ["landmarks_2d106det", "landmarks_1k3d68", "male", "ages"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_runs_beside_the_networks_on_the_processor(backend: Backend) -> None:
    read = read_config(faces_config(plan(backend=backend, instances=3, frames=5)))
    (group,) = read.instance_group
    assert (group.Kind.Name(group.kind), group.count, read.max_batch_size) == ("KIND_CPU", 3, 5)
    assert not read.model_warmup


def test_frames_wait_for_each_other_as_long_as_the_detector_would() -> None:
    batching = Batching((4, 16), 700, 4, "measured", "measured", measured=True)
    detector = replace(plan().detector, batching=batching)
    batcher = read_config(faces_config(plan(detector=detector))).dynamic_batching
    assert (list(batcher.preferred_batch_size), batcher.max_queue_delay_microseconds) == ([4], 700)  # 8 frames at most


def test_ragged_frames_have_a_batcher_even_where_batches_do_not_pay() -> None:
    alone = replace(plan().detector, batching=Batching((), 0, 1, "measured", "nothing", measured=True))
    read = read_config(faces_config(plan(detector=alone)))
    assert read.HasField("dynamic_batching")
    assert not read.dynamic_batching.preferred_batch_size


def test_its_parameters_are_those_that_the_model_reads_and_each_is_explained() -> None:
    made = plan(detector=network("det", families.scrfd(), "1,4,8@480x640"))
    text = faces_config(made)
    found = parameters(read_config(text))
    assert (found["height"], found["width"], found["threshold"]) == ("480", "640", "0.5")
    config = {"parameters": {name: {"string_value": value} for name, value in found.items()}}
    assert read_parameters(config) == made.parameters
    assert set(found) == set(asdict(made.parameters))
    assert text.count("\n# ") >= len(found)
