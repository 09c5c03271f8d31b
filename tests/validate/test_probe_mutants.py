"""The defects that the proof refutes, run: the probe finds each of them, and none in the graph without a defect."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from batchproof.policy import load_policy
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.validate.findings import ProbeResult, verdicts
from batchproof.validate.probe import ProbeSettings, probe
from batchproof.verdict import Status
from batchproof.zoo.spec import InputSpec
from tests.validate.independence.injection import Mutant, injected
from tests.validate.independence.mutants import MUTANTS
from tests.validate.independence.small_graphs import model
from tests.validate.independence.test_mutants import CONSTANTS, SMALL

FRAME = (4, 6, 8)
SPEC = InputSpec(height=None, width=None, mean=127.5, std=128.0, channels=FRAME[0])
POOL = np.random.default_rng(3).uniform(-1, 1, (3, *FRAME)).astype(np.float32)
LIMITS = load_policy().fp32.probe


def probed(graph: onnx.ModelProto, *, optimised: bool) -> ProbeResult:
    return probe(OnnxRuntimeRunner(graph.SerializeToString(), optimised=optimised), SPEC, POOL, ProbeSettings())


def statuses(result: ProbeResult) -> dict[str, Status]:
    return {verdict.check: verdict.status for verdict in verdicts(result, "mutant", LIMITS)}


@pytest.mark.parametrize("optimised", [True, False])
def test_the_graph_without_a_defect_passes(optimised: bool) -> None:
    assert set(statuses(probed(model(SMALL, CONSTANTS, batch="N"), optimised=optimised)).values()) == {Status.PASS}


@pytest.mark.parametrize("optimised", [True, False])
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_defect_is_found(mutant: Mutant, optimised: bool) -> None:
    tensor, frame = ("out", (48, 4)) if mutant.at_output else ("x", FRAME)
    result = probed(injected(model(SMALL, CONSTANTS, batch="N"), tensor, frame, mutant), optimised=optimised)
    found = statuses(result)
    if mutant.kind == "layout":
        assert Status.FAIL in found.values()
    else:
        assert result.broken or found["probe.contamination"] is Status.FAIL
    if not result.broken:
        assert result.heat_map is not None
        assert result.heat_map.changed
