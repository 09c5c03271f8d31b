"""The published files, as people put them into a repository, and what surgery makes of them."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from batchproof.deploy.lint.folder import lint_folder, read_folder
from batchproof.surgery.repair import repair
from batchproof.zoo.recognise import recognise
from tests.deploy.lint.bundles import written
from tests.surgery.real_models import read

CONFIG = 'backend: "onnxruntime"\nmax_batch_size: 8\ndynamic_batching { }\n'


def rules(root: Path) -> set[str]:
    return {finding.rule for finding in lint_folder(read_folder(root)).findings}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("det_500m", {"graph.fixed_batch", "graph.no_batch_axis"}),
        ("det_2.5g", {"graph.fixed_batch", "graph.no_batch_axis"}),
        ("scrfd_500m_bnkps_batch1", {"graph.fixed_batch"}),
        ("mobilefacenet_112_batch1", {"graph.fixed_batch"}),
    ],
)
def test_a_published_file_is_refused_and_the_repaired_one_is_not(
    test_data: Path, tmp_path: Path, name: str, expected: set[str]
) -> None:
    model = read(test_data, name)
    root = written(tmp_path, {"net/config.pbtxt": CONFIG, "net/1/model.onnx": ""})
    onnx.save(model, root / "net/1/model.onnx")
    assert rules(root) == expected
    onnx.save(repair(model, recognise(model)).model, root / "net/1/model.onnx")
    assert rules(root) == set()
