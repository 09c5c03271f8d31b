"""The folders in which steps work, at the top of the store, and what a killed process may leave there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from batchproof.artifacts.manifest import Manifest, StorePath
from batchproof.artifacts.step import Step, Workspace
from batchproof.errors import StoreError

_WORK = ".work-"
_LEFTOVERS = (f"{_WORK}*", ".manifest.*.json", ".report.*.md", ".report.*.html")
# Says where the files of a workspace will go: whoever finds the folder knows what may have gone there already.
_PRODUCES = ".produces.json"
_NAMES = TypeAdapter(tuple[StorePath, ...])


@contextmanager
def workspace(root: Path, step: Step) -> Iterator[Workspace]:
    """Give a step a folder of its own; it is removed when the block ends. Raises `StoreError` where none can be."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=_WORK, dir=root))
    except OSError as error:
        raise unwritable(root, error) from error
    try:
        _announce(folder, step, root)
        outputs = tuple(folder / Path(name).name for name in step.produces)
        yield Workspace(tuple(root / parent for parent in step.parents), step.sources, outputs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def leftovers(root: Path) -> Iterator[Path]:
    """Find what a killed process left at the top of the store."""
    return (path for pattern in _LEFTOVERS for path in root.glob(pattern))


def sweep(root: Path, manifest: Manifest) -> None:
    """Remove what a killed process left, with the files that it had put in their place but not recorded yet."""
    for leftover in leftovers(root):
        for name in _announced(leftover):
            if manifest.artifact(name) is None:
                (root / name).unlink(missing_ok=True)
        shutil.rmtree(leftover) if leftover.is_dir() and not leftover.is_symlink() else leftover.unlink()


def unwritable(where: Path, error: OSError) -> StoreError:
    """Say that the store cannot be written."""
    return StoreError(
        f"cannot be written ({error.strerror or error})",
        where=where,
        remedy="Check permissions and free space, or choose another folder with --out",
    )


def _announce(folder: Path, step: Step, root: Path) -> None:
    try:
        (folder / _PRODUCES).write_bytes(_NAMES.dump_json(step.produces))
    except OSError as error:
        raise unwritable(root, error) from error


def _announced(leftover: Path) -> tuple[str, ...]:
    """Read where the files were to go; nothing has gone anywhere before that was written down."""
    try:
        return _NAMES.validate_json((leftover / _PRODUCES).read_bytes())
    except (OSError, ValidationError):
        return ()
