"""The published files: refuted where they are known to break, proven after surgery."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from batchproof.surgery.repair import repair
from batchproof.validate.independence import prove
from batchproof.validate.independence.witness import Witness, witness
from batchproof.verdict import Status
from batchproof.zoo.recognise import recognise

# Status, kind, and the node at which the batch is lost.
VERDICTS = {
    "det_2.5g": (Status.REFUTED, "layout", "Reshape_140"),
    "det_500m": (Status.REFUTED, "layout", "Reshape_156"),
    "mobilefacenet_112_batch1": (Status.REFUTED, "layout", "/Reshape"),
    "scrfd_500m_bnkps_batch1": (Status.REFUTED, "content", "Resize_79"),
    "scrfd_500m_kps_shapeop": (Status.PROVEN, None, None),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_a_published_file_before_and_after_surgery(test_data: Path, name: str) -> None:
    model = onnx.load(test_data / "models" / f"{name}.onnx")
    proof = prove(model)
    assert (proof.status, proof.kind, proof.node) == VERDICTS[name]
    if proof.status is Status.REFUTED:
        assert isinstance(witness(model, proof), Witness)
        assert proof.path[0] == model.graph.input[0].name
    repaired = prove(repair(model, recognise(model)).model)
    assert repaired.status is Status.PROVEN, repaired
    assert {output.shape[:3] for output in repaired.outputs} == {"[N,"}
