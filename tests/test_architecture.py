"""Imports go one way, so that a stage can be read, tested and replaced alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "batchproof"
STAGES = ("export", "surgery", "build", "validate")
ABOVE = ("cli", "console", "stages", "doctor", "report")
SHARED = ("artifacts", "pipeline", "zoo")
# Who may import what is heavy, by the module's path.
OWNERS = {
    "torch": "export/",
    "onnxruntime": "runtime.py",
    "insightface": "validate/oracle.py",
    "cv2": "pipeline/opencv.py",
    "tensorrt": "build/tensorrt_compat.py",
    "tensorrt_rtx": "build/tensorrt_compat.py",
    "polygraphy": "build/",
}
FILES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


def imported(file: str) -> set[str]:
    """Every module that a file imports anywhere, for type checking or not."""
    names = set()
    for node in ast.walk(ast.parse((PACKAGE / file).read_text())):
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
    assert not [
        name for name in imported(file) if name in forbidden or name.startswith(tuple(f"{f}." for f in forbidden))
    ]


@pytest.mark.parametrize("file", FILES)
def test_what_is_heavy_has_one_owner(file: str) -> None:
    for name in imported(file):
        owner = OWNERS.get(name.split(".")[0])
        assert owner is None or file.startswith(owner), f"{file} imports {name}"
