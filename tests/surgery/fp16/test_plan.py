from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from batchproof.errors import InputError
from batchproof.surgery.fp16.plan import (
    KeptNode,
    PrecisionPlan,
    graph_sha256,
    read,
    require_same_graph,
    write,
)
from tests.surgery.fp16.half_chains import chain, rescaled

PLAN = PrecisionPlan(
    format=1,
    graph_sha256=graph_sha256(chain()),
    kept=(
        KeptNode("conv2", "Conv", "'c2' reaches 1e+06, and the largest half is 65504", 1e6, 65504.0),
        KeptNode("relu2", "Relu", "lies between nodes in FP32, where half only costs Casts", None, None),
    ),
    minimal=True,
    runs=3,
    casts=4,
    judged_on="3 images",
    samples_sha256="0" * 64,
    limits={"min_cosine": 0.999, "max_abs": 0.2},
    before={"min_cosine": None, "max_abs": None},
    after={"min_cosine": 0.99998, "max_abs": 0.01},
    tools={"onnx": onnx.__version__},
)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "model.precision.json"
    write(PLAN, path)
    return path


def test_what_is_written_is_read_again_and_people_can_read_it(written: Path) -> None:
    assert read(written) == PLAN
    assert PLAN.nodes == ("conv2", "relu2")
    lines = written.read_text().splitlines()
    assert ' "minimal": true,' in lines
    assert '   "reason": "\'c2\' reaches 1e+06, and the largest half is 65504",' in lines


def test_the_hash_of_a_graph_is_about_what_it_computes_and_not_about_who_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(chain(), path)
    other = chain()
    other.producer_name, other.producer_version = "somebody", "2"
    other.metadata_props.add(key="licence", value="none")
    assert graph_sha256(onnx.load(path)) == graph_sha256(chain()) == graph_sha256(other)
    weight = other.graph.initializer[0]
    weight.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weight) * 2, weight.name))
    assert graph_sha256(other) != graph_sha256(chain())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nodes": ["conv2"]}, "nodes: Unexpected keyword argument"),
        ({"format": 2}, "has format 2, this version reads 1"),
        ({"kept": [{"node": "conv2"}]}, "kept.0.operator: Field required"),
        ({"kept": "conv2"}, "kept: Input should be a valid array"),
        ({"runs": None}, "runs: Input should be a valid integer"),
    ],
)
def test_an_edited_plan_is_refused_by_the_key_that_is_wrong(
    change: dict[str, object], message: str, written: Path
) -> None:
    written.write_text(json.dumps(json.loads(written.read_text()) | change))
    with pytest.raises(InputError, match=r"model\.precision\.json: ") as caught:
        read(written)
    assert message in caught.value.line()


def test_what_is_no_json_or_not_there_is_refused(written: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read(written.with_name("other.json"))
    written.write_text("conv2\n")
    with pytest.raises(InputError, match="not a precision plan"):
        read(written)


def test_a_plan_is_for_one_graph_only(written: Path) -> None:
    require_same_graph(PLAN, chain())
    other = rescaled(chain(), "conv2", "conv3", 1)
    with pytest.raises(InputError, match=graph_sha256(other)[:12]) as caught:
        require_same_graph(PLAN, other, written)
    assert caught.value.where == written
    with pytest.raises(InputError, match="0000"):
        require_same_graph(replace(PLAN, graph_sha256="0" * 64), chain())
