"""Imports go one way, so that a stage can be read, tested and replaced alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from batchproof.validate import independence

PACKAGE = Path(__file__).parents[1] / "batchproof"
STAGES = ("export", "surgery", "build", "validate")
ABOVE = ("bench", "cli", "gate", "console", "stages", "doctor", "report", "deploy")
SHARED = ("artifacts", "gate", "pipeline", "targets", "zoo")
# The proof is the postcondition of every repair: what it exports, and nothing behind that, is for all stages.
PROOF = "batchproof.validate.independence"
PUBLIC = {PROOF, *(f"{PROOF}.{name}" for name in independence.__all__)}
# Who may import what is heavy, by the module's path.
OWNERS: dict[str, str | tuple[str, ...]] = {
    "torch": "export/",
    "onnxruntime": ("runtime.py", "deploy/triton/serving/network/model.py"),  # the latter lies alone in a repository
    "mmengine": "export/mmdet/",
    "safetensors": "export/safetensors_file.py",
    "insightface": (
        "validate/oracle.py",
        "validate/face_oracle.py",
        "validate/chain/original.py",
        "bench/face_analysis.py",
    ),
    "cv2": "pipeline/opencv.py",
    "tritonclient": ("deploy/triton/client/transport/", "deploy/lint/triton/descriptor.py"),
    "aiohttp": "deploy/triton/client/transport/",
    "tensorrt": "build/tensorrt/compat.py",
    "tensorrt_rtx": "build/tensorrt/compat.py",
    "triton_python_backend_utils": (
        "deploy/triton/serving/faces/model.py",
        "deploy/triton/serving/network/model.py",
        "deploy/triton/server/stand_in_model.py",
    ),
    "polygraphy": ("build/", "bench/engine_worker.py"),
}
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def imported(file: str) -> set[str]:
    """Every module that a file imports anywhere, for type checking or not."""
    names = set()
    for node in ast.walk(ast.parse((PACKAGE / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("file", [file for file in FILES if file.split("/")[0] in (*STAGES, *SHARED)])
def test_stages_do_not_know_each_other_nor_what_is_above_them(file: str) -> None:
    own = file.split("/")[0]
    strangers = {name for name in (*STAGES, *ABOVE) if name != own}
    forbidden = tuple(f"batchproof.{name}" for name in strangers)
    known = imported(file) - PUBLIC
    assert not [name for name in known if name in forbidden or name.startswith(tuple(f"{f}." for f in forbidden))]


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("validate/independence/")])
def test_the_proof_stands_alone(file: str) -> None:
    """Without the rest of its stage, and what the stages share but for verdicts, errors and running its witness."""
    ground = (PROOF, "batchproof.verdict", "batchproof.errors", "batchproof.runtime")
    assert not [name for name in imported(file) if name.startswith("batchproof.") and not name.startswith(ground)]


@pytest.mark.parametrize("file", FILES)
def test_what_is_heavy_has_one_owner(file: str) -> None:
    for name in imported(file):
        owner = OWNERS.get(name.split(".")[0])
        assert owner is None or file.startswith(owner), f"{file} imports {name}"
