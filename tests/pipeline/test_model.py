from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.errors import InputError
from batchproof.pipeline.model import open_model
from tests.pipeline.tiny_face_networks import batchable, tiny_face_network
from tests.pipeline.tiny_scrfd import SPEC, tiny_scrfd


def test_a_file_becomes_a_runner_and_what_it_runs(tmp_path: Path) -> None:
    runner, spec = open_model(tiny_scrfd(tmp_path / "detector.onnx"))
    assert (runner.name, spec) == ("onnxruntime cpu, optimised", SPEC)


def test_what_surgery_has_not_seen_is_refused(tmp_path: Path) -> None:
    original = tiny_face_network(tmp_path / "genderage.onnx", 3)
    with pytest.raises(InputError, match=r"genderage\.onnx: outputs are called fc1\. .*batchproof surgery .* -o OUT"):
        open_model(original)
    assert open_model(batchable(original))[1].family == "genderage"
