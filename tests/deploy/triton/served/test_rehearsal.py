"""The rehearsal of emitted bundles, and that it finds what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from batchproof.deploy.triton.plan import Backend
from batchproof.deploy.triton.rehearsal.rehearse import rehearse
from batchproof.deploy.triton.rehearsal.served_bundle import read_bundle
from batchproof.pipeline.pictures import Picture
from batchproof.policy import load_policy
from batchproof.verdict import Status, Verdict
from tests.deploy.triton.packs import ServedPack
from tests.deploy.triton.served.test_emitted import emitted

pytestmark = pytest.mark.served
CLIENTS = 16


def rehearsed(bundle: Path, pictures: Sequence[Picture], clients: int = CLIENTS) -> list[Verdict]:
    return rehearse(read_bundle(bundle), pictures, clients, load_policy())


@pytest.mark.parametrize("backend", ["tensorrt", "python"])
def test_a_bundle_passes_and_says_what_was_not_executed(
    pack: ServedPack, pictures: list[Picture], tmp_path: Path, backend: Backend
) -> None:
    bundle, plan = emitted(pack, backend, tmp_path)
    judged = rehearsed(bundle, pictures)
    by_status = {status: {one.check for one in judged if one.status is status} for status in Status}
    assert not by_status[Status.FAIL]
    assert not by_status[Status.UNKNOWN]
    assert by_status[Status.NOT_RUN] == ({"rehearsal.backend"} if backend == "tensorrt" else set())
    assert {"rehearsal.parity.embedding_cosine", "rehearsal.isolation.faces"} <= by_status[Status.PASS]
    batched = [one for one in judged if one.check == "rehearsal.batches"]
    assert len(batched) == 1 + len(plan.networks)
    assert all(one.figure is not None and one.figure > 1 for one in batched)


def edited(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("role", ["embedder", "landmarks", "attributes"])
def test_a_network_that_mixes_its_rows_is_found(
    pack: ServedPack, pictures: list[Picture], tmp_path: Path, role: str
) -> None:
    """What the published files do, in the one way that nothing but the answers shows."""
    bundle, plan = emitted(pack, "python", tmp_path)
    (network,) = (network for network in plan.networks if network.model.spec.role == role)
    edited(
        bundle / "model_repository" / network.model.stem / "1" / "model.py",
        "outputs = dict(zip(names, found, strict=True))",
        "outputs = dict(zip(names, [one[::-1] for one in found], strict=True))",
    )
    failed = {one.check for one in rehearsed(bundle, pictures) if one.status is Status.FAIL}
    outputs = {"embedder": {"embedding_cosine"}, "landmarks": {"landmarks_2d106det"}, "attributes": {"male", "ages"}}
    assert failed & {f"rehearsal.parity.{name}" for name in outputs[role]}
    assert "rehearsal.files" in failed


def test_a_network_that_mixes_its_rows_in_a_crowd_alone_is_found(
    pack: ServedPack, pictures: list[Picture], tmp_path: Path
) -> None:
    bundle, plan = emitted(pack, "python", tmp_path)
    edited(
        bundle / "model_repository" / plan.embedder.model.stem / "1" / "model.py",
        "outputs = dict(zip(names, found, strict=True))",
        "outputs = dict(zip(names, [one[::-1] if len(one) > 2 else one for one in found], strict=True))",
    )
    portraits = [picture for picture in pictures if picture.name in ("Stallone.jpg", "TH1.jpg", "gauss.png")]
    failed = {one.check for one in rehearsed(bundle, portraits, clients=64) if one.status is Status.FAIL}
    assert failed == {"rehearsal.files", "rehearsal.isolation.embedding_cosine"}


def test_a_server_that_shares_no_batches_shows_nothing_about_them(
    pack: ServedPack, pictures: list[Picture], tmp_path: Path
) -> None:
    """Though pictures of many faces make large batches of their own."""
    bundle, plan = emitted(pack, "python", tmp_path)
    for model in ["faces", *(network.model.stem for network in plan.networks)]:
        config = bundle / "model_repository" / model / "config.pbtxt"
        text = config.read_text(encoding="utf-8")
        config.write_text(re.sub(r"dynamic_batching \{[^}]*\}", "", text), encoding="utf-8")
    judged = rehearsed(bundle, pictures)
    batches = [one for one in judged if one.check == "rehearsal.batches"]
    assert len(batches) == 1 + len(plan.networks)
    assert {one.status for one in batches} == {Status.UNKNOWN}
    assert not any(one.status is Status.FAIL for one in judged)
    assert "faces/config.pbtxt" in next(one.reason for one in judged if one.check == "rehearsal.files")
