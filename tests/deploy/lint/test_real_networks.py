"""The published files, as people put them into a folder for DeepStream, and what surgery makes of them."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from batchproof.deploy.lint.lint import lint
from batchproof.deploy.lint.reading import read_bundle
from batchproof.surgery.repair import repair
from batchproof.zoo.recognise import recognise
from tests.deploy.lint.bundles import DETECTOR, EMBEDDER, ini_bundle
from tests.surgery.real_models import read

STOCK = {"tensors.no_batch_in_outputs", "batches.of_network"}
FIXED = {"batches.of_network", "tensors.mixes_frames"}


def rules(root: Path) -> set[str]:
    return {finding.rule for finding in lint(read_bundle(root)).findings}


@pytest.mark.parametrize(
    ("name", "file", "expected"),
    [("det_500m", DETECTOR, STOCK), ("det_2.5g", DETECTOR, STOCK), ("mobilefacenet_112_batch1", EMBEDDER, FIXED)],
)
def test_a_published_file_is_refused_and_the_repaired_one_is_not(
    test_data: Path, tmp_path: Path, name: str, file: str, expected: set[str]
) -> None:
    model = read(test_data, name)
    root = ini_bundle(tmp_path)
    onnx.save(model, root / file)
    assert rules(root) == expected
    onnx.save(repair(model, recognise(model)).model, root / file)
    assert rules(root) == set()
