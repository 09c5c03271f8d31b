from __future__ import annotations

import subprocess
import sys

import pytest

from batchproof import pipeline

NO_COST = """
import sys
import batchproof.pipeline
assert not {"cv2", "numpy", "onnx", "onnxruntime"} & set(sys.modules), "imported before anything was used"
"""


def test_importing_it_imports_nothing_heavy() -> None:
    subprocess.run([sys.executable, "-c", NO_COST], check=True)


@pytest.mark.parametrize("name", pipeline.__all__)
def test_every_public_name_is_there_and_explained(name: str) -> None:
    assert getattr(pipeline, name).__doc__


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'FaceAnalysis'"):
        pipeline.FaceAnalysis  # noqa: B018
