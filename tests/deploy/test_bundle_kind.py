from __future__ import annotations

import pytest

from batchproof.deploy.bundle_kind import BundleKind

KIND = BundleKind("ours", ("engines",), ("models/*/1/model.plan",))


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("engines/a/b.engine", True),
        ("models/det.fp16/1/model.plan", True),
        ("engines", False),
        ("engines.txt", False),
        ("models/det.fp16/1/model.onnx", False),
        ("other/models/det/1/model.plan", False),
        ("MODELS/det/1/model.plan", False),
    ],
)
def test_what_its_own_commands_make_is_told_from_what_somebody_put_there(name: str, made: bool) -> None:
    assert KIND.made(name) is made
