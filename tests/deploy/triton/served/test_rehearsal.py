"""The rehearsal of emitted bundles, and that it finds what is wrong with one."""

from __future__ import annotations

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


def rehearsed(bundle: Path, pictures: Sequence[Picture]) -> list[Verdict]:
    return rehearse(read_bundle(bundle), pictures, CLIENTS, load_policy())


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


def test_a_network_that_mixes_its_rows_is_found(pack: ServedPack, pictures: list[Picture], tmp_path: Path) -> None:
    """What the published files do, in the one way that nothing but the answers shows."""
    bundle, plan = emitted(pack, "python", tmp_path)
    model = bundle / "model_repository" / plan.embedder.model.stem / "1" / "model.py"
    text = model.read_text(encoding="utf-8")
    mixed = text.replace(
        "outputs = dict(zip(names, found, strict=True))",
        "outputs = dict(zip(names, [one[::-1] for one in found], strict=True))",
    )
    assert mixed != text
    model.write_text(mixed, encoding="utf-8")
    failed = {one.check for one in rehearsed(bundle, pictures) if one.status is Status.FAIL}
    assert "rehearsal.parity.embedding_cosine" in failed
