"""What torch's exporters write: proven when the batch was declared free, refuted when it was frozen."""

from __future__ import annotations

import time
from pathlib import Path

import onnx
import pytest
import torch

from batchproof.export.exporter import export_onnx
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.seeded import seeded
from batchproof.validate.independence import Proof, prove
from batchproof.verdict import Status
from tests.validate.independence.networks import NETWORKS, Residual, exported

# Those whose traces hold nothing of the batch, so that they are right by luck.
RIGHT_WHEN_STATIC = {"residual", "group norm"}
# Larger ones are more of the same blocks, and up to a gigabyte of ones; the families have a network as deep.
MOST_PARAMETERS = 50_000_000


def _parameters(name: str) -> int:
    return sum(parameter.numel() for parameter in CATALOGUE[name].skeleton().parameters())


HANDY = [name for name in CATALOGUE if _parameters(name) < MOST_PARAMETERS]


@pytest.mark.parametrize("opset", [9, 11, 13, 17, 20])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_free_batch_is_proven(name: str, opset: int) -> None:
    proof = prove(exported(NETWORKS[name](), dynamic=True, opset=opset))
    assert proof.status is Status.PROVEN, proof


@pytest.mark.parametrize("name", NETWORKS)
def test_the_newer_exporter_is_proven(name: str) -> None:
    proof = prove(exported(NETWORKS[name](), dynamic=True, dynamo=True))
    assert proof.status is Status.PROVEN, proof


@pytest.mark.parametrize("name", NETWORKS)
def test_a_frozen_batch_is_refuted(name: str) -> None:
    proof = prove(exported(NETWORKS[name](), dynamic=False))
    expected = Status.PROVEN if name in RIGHT_WHEN_STATIC else Status.REFUTED
    assert proof.status is expected, proof


@pytest.mark.parametrize("name", ["scrfd_500m_bnkps", "mbf"])
def test_what_this_project_exports_is_proven(name: str, tmp_path: Path) -> None:
    proof = _proof_of_export(seeded(name, 0), name, tmp_path / "network.onnx")
    assert proof.status is Status.PROVEN, proof


@pytest.mark.parametrize("name", HANDY)
def test_every_architecture_is_proven_whatever_its_weights(name: str, tmp_path: Path) -> None:
    network = CATALOGUE[name].skeleton().to_empty(device="cpu").eval()
    network.load_state_dict({key: torch.ones_like(value) for key, value in network.state_dict().items()})
    proof = _proof_of_export(network, name, tmp_path / "network.onnx")
    assert proof.status is Status.PROVEN, proof
    assert len(proof.outputs) == len(CATALOGUE[name].spec.outputs)


def _proof_of_export(network: torch.nn.Module, name: str, path: Path) -> Proof:
    export_onnx(network, CATALOGUE[name].spec, path, metadata={})
    return prove(onnx.load(path))


def test_a_thousand_nodes_take_less_than_two_seconds() -> None:
    model = exported(Residual(blocks=160), dynamic=True)
    assert len(model.graph.node) > 900
    started = time.process_time()
    proof = prove(model)
    assert time.process_time() - started < 2
    assert proof.status is Status.PROVEN, proof
