"""What of batchproof lies in a repository: files as they are in the package, so that there is one arithmetic."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import batchproof

_PACKAGE = Path(batchproof.__file__).parent
_HERE = Path(__file__).parent


def network_source() -> str:
    """Read the `model.py` of a network that ONNX Runtime runs inside the Python backend."""
    return (_HERE / "network" / "model.py").read_text(encoding="utf-8")


def served_sources() -> dict[str, str]:
    """Read what lies in the version folder of `faces`, by its paths there: `model.py`, and all of batchproof behind it.

    The imports are followed from `model.py` on, those inside functions too; those for type checking alone are not.
    """
    model = (_HERE / "faces" / "model.py").read_text(encoding="utf-8")
    found: dict[Path, str] = {}
    waiting = _imported(model)
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file] = file.read_text(encoding="utf-8")
            waiting |= _imported(found[file])
    return {"model.py": model} | {
        f"batchproof/{file.relative_to(_PACKAGE).as_posix()}": found[file] for file in sorted(found)
    }


def _imported(text: str) -> set[Path]:
    """The files of batchproof that a source imports, with the packages that they lie in."""
    return {file for name in _names(ast.parse(text)) for file in _files(name)}


def _names(node: ast.AST) -> Iterator[str]:
    """Every dotted name that is imported when the code runs; `from a import b` may mean the module `a.b`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _names(child)


def _files(name: str) -> Iterator[Path]:
    top, *parts = name.split(".")
    if top != batchproof.__name__:
        return
    for depth in range(len(parts) + 1):
        place = _PACKAGE.joinpath(*parts[:depth])
        yield from (file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file())
