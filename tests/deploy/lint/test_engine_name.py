from __future__ import annotations

import pytest

from batchproof.deploy.lint.engine_name import EngineName
from batchproof.profile import EngineProfiles
from batchproof.targets import target


def test_the_name_that_our_own_builds_have_is_read_back() -> None:
    name = target("deepstream-8.0").engine_name("det_10g", EngineProfiles.parse("1,16,32"), "fp16")
    found = EngineName.read(f"../models/{name}")
    assert found == EngineName("det_10g.onnx", 32, 0, "fp16")
    assert found.text == name


@pytest.mark.parametrize("name", ["det.engine", "det.onnx_b1_gpu0_fp8.engine", "det.onnx_bx_gpu0_fp16.engine", ""])
def test_other_names_are_none(name: str) -> None:
    assert EngineName.read(name) is None
