from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from batchproof.errors import InputError, StepFailedError
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.seeded import seeded
from batchproof.policy import EmbedderLimits, load_policy
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery.fp16 import plan as plan_file
from batchproof.surgery.fp16.fallback import find_plan, replay
from batchproof.surgery.fp16.figures import limits_for
from batchproof.surgery.fp16.plan import KeptNode, PrecisionPlan
from batchproof.surgery.fp16.samples import Samples, noise_samples
from batchproof.surgery.fp16.search import Trial
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.surgery.repair import repair
from batchproof.zoo import families
from batchproof.zoo.recognise import recognise
from tests.surgery import real_models
from tests.surgery.fp16.half_chains import chain, rescaled, samples, triples
from tests.surgery.tiny_graphs import detector, node

SPEC = families.arcface(embedding=64)
LIMITS = EmbedderLimits(min_cosine=0.999, max_abs=0.1)
TRIPLE = ("conv2", "relu2", "conv3")
OVERFLOW, UNDERFLOW = 18, -20


def plan_for(model: onnx.ModelProto, given: Samples | None = None) -> PrecisionPlan:
    return find_plan(model, SPEC, Trial(given or samples(), LIMITS))


@pytest.mark.parametrize("power", [OVERFLOW, UNDERFLOW])
def test_just_the_nodes_with_the_problem_stay_in_float(power: int) -> None:
    model = rescaled(chain(), "conv2", "conv3", power)
    exact, changed = (OnnxRuntimeRunner(each.SerializeToString()).infer(samples().blob) for each in (chain(), model))
    assert np.array_equal(exact["embedding"], changed["embedding"])
    plan = plan_for(model)
    assert plan.nodes == TRIPLE
    assert (plan.casts, plan.minimal) == (4, True)
    assert plan.before["max_abs"] is None or plan.before["max_abs"] > LIMITS.max_abs
    assert plan.after["min_cosine"] is not None
    assert plan.after["min_cosine"] > LIMITS.min_cosine
    assert plan.limits == {"min_cosine": 0.999, "max_abs": 0.1}


def test_each_node_says_why_with_a_figure() -> None:
    overflow = plan_for(rescaled(chain(), "conv2", "conv3", OVERFLOW)).kept[0]
    assert overflow.figure is not None
    assert overflow.figure > 65504 == overflow.limit
    assert overflow.reason == f"'c2' reaches {overflow.figure:g}, and the largest half is 65504"
    underflow = plan_for(rescaled(chain(), "conv2", "conv3", UNDERFLOW)).kept[0]
    assert underflow.reason == f"alone in half it gives max_abs {underflow.figure:g} (limit 0.1)" or (
        underflow.reason == f"alone in half it gives min_cosine {underflow.figure:g} (limit 0.999)"
    )


def test_a_graph_that_needs_nothing_gets_a_plan_that_keeps_nothing() -> None:
    plan = plan_for(chain())
    assert (plan.kept, plan.runs, plan.casts) == ((), 1, 2)
    assert plan.before == plan.after
    assert replay(plan, chain())[0] == to_fp16(chain())[0]


def test_a_gap_between_kept_nodes_is_closed() -> None:
    plan = plan_for(rescaled(chain(), "conv2", "conv3", UNDERFLOW))
    closed = [kept for kept in plan.kept if kept.reason == "lies between nodes in FP32, where half only costs Casts"]
    assert [(kept.node, kept.figure, kept.limit) for kept in closed] == [("relu2", None, None)]


def test_the_plan_is_the_same_each_time_and_replays_to_the_same_graph(tmp_path: Path) -> None:
    model = rescaled(chain(), "conv2", "conv3", UNDERFLOW)
    before = model.SerializeToString()
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    for path in (first, second):
        plan_file.write(plan_for(model), path)
    assert first.read_bytes() == second.read_bytes()
    assert model.SerializeToString() == before
    replayed, summary = replay(plan_file.read(first), model, first)
    assert replayed.SerializeToString() == to_fp16(model, TRIPLE)[0].SerializeToString()
    assert (summary.float_nodes, summary.float_ops, summary.casts) == (3, ("Conv", "Relu"), 4)


def test_a_plan_for_another_graph_or_with_unknown_nodes_is_refused(tmp_path: Path) -> None:
    plan, where = plan_for(chain()), tmp_path / "plan.json"
    with pytest.raises(InputError, match=r"plan\.json: this precision plan belongs to"):
        replay(plan, rescaled(chain(), "conv2", "conv3", 1), where)
    stranger = replace(plan, kept=(KeptNode("conv9", "Conv", "because", None, None),))
    with pytest.raises(InputError, match=r"plan\.json: no node that computes is called conv9"):
        replay(stranger, chain(), where)


def test_a_search_out_of_runs_says_so_for_every_node_it_did_not_try() -> None:
    strict = EmbedderLimits(min_cosine=0.99999995, max_abs=0.1)
    plan = find_plan(chain(), SPEC, Trial(samples(), strict, runs=3))
    assert not plan.minimal
    assert {kept.reason for kept in plan.kept} == {"the search ended before it was tried in half"}


def test_a_graph_that_is_broken_in_fp32_too_has_no_plan() -> None:
    given = samples()
    given.blob[0, 0, 0, 0] = np.nan
    with pytest.raises(StepFailedError, match="no choice of nodes in FP32 meets the limits"):
        plan_for(chain(), given)


def test_a_detector_is_judged_on_noise_when_there_are_no_pictures() -> None:
    raw = detector()
    model = repair(raw, recognise(raw)).model
    spec = families.scrfd(keypoints=False)
    plan = find_plan(model, spec, Trial(noise_samples(spec.input, (64, 96)), load_policy().fp16.detector))
    assert plan.nodes == ()
    assert plan.judged_on == "3 images of noise at 64x96"
    assert {"raw_score", "raw_bbox"} < set(plan.after)


@pytest.fixture(scope="module")
def demo_detector(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    path = tmp_path_factory.mktemp("demo") / "detector.onnx"
    name = "scrfd_500m_bnkps"
    export_onnx(seeded(name, 500), CATALOGUE[name].spec, path, metadata={})
    exported = onnx.load(path)
    return repair(exported, recognise(exported)).model


@pytest.mark.parametrize("power", [OVERFLOW, UNDERFLOW])
def test_the_demo_detector_with_a_problem_is_put_right(power: int, demo_detector: onnx.ModelProto) -> None:
    found = triples(demo_detector)
    triple = found[len(found) // 2]
    spec = recognise(demo_detector).spec
    trial = Trial(noise_samples(spec.input, (64, 96)), load_policy().fp16.detector)
    plan = find_plan(rescaled(demo_detector, triple[0], triple[2], power), spec, trial)
    assert plan.nodes == triple
    assert plan.casts == 10 + 2


@pytest.mark.parametrize("power", [0, OVERFLOW, UNDERFLOW])
@pytest.mark.parametrize("name", ["det_2.5g", "det_500m", "mobilefacenet_112_batch1"])
def test_real_models_stay_within_their_limits(name: str, power: int, test_data: Path, tmp_path: Path) -> None:
    raw = real_models.read(test_data, name)
    recognition = recognise(raw)
    model = repair(raw, recognition).model
    found = triples(model)
    triple = found[len(found) // 2]
    changed = rescaled(model, triple[0], triple[2], power) if power else model
    blob = real_models.pictures(test_data, recognition.spec.input, 320)
    trial = Trial(Samples(blob, (1.0,) * 3, "3 pictures"), limits_for(recognition.spec, load_policy().fp16))
    plan = find_plan(changed, recognition.spec, trial)
    assert plan.nodes == (triple if power else ())
    assert plan.casts == 1 + len(model.graph.output) + (2 if power else 0)
    plan_file.write(plan, tmp_path / "plan.json")
    assert json.loads((tmp_path / "plan.json").read_text())["minimal"] is True


def test_a_plan_that_leaves_too_little_in_half_is_none() -> None:
    strict = EmbedderLimits(min_cosine=1.0, max_abs=0.0)
    with pytest.raises(StepFailedError, match=r"no plan with fewer than \d+ of \d+ nodes in FP32.*half_share"):
        find_plan(chain(), SPEC, Trial(samples(), strict, half_share=0.5))


def test_operators_that_half_lacks_are_in_the_plan() -> None:
    model = chain()
    flatten = model.graph.node[-1]
    flatten.input[0] = "larger"
    model.graph.node.insert(len(model.graph.node) - 1, node("Max", ["pooled", "pooled"], "larger", name="max"))
    plan = plan_for(model)
    assert [(kept.node, kept.reason) for kept in plan.kept] == [("max", "runtimes do not have this operator in half")]
    assert replay(plan, model)[1].float_nodes == 1
