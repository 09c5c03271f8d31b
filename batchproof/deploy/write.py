"""A bundle on disk: all of it, or what was there before."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.output_file import unwritable
from batchproof.deploy.bundle_kind import MANIFEST, BundleKind
from batchproof.errors import InputError, StoreError, printable


def write_bundle(
    kind: BundleKind, output: Path, texts: Mapping[str, str], copies: Mapping[str, tuple[Path, str]]
) -> None:
    """Put a bundle at `output`; `copies` are files from elsewhere with their sha256, by their path in it.

    It is never there in part. An earlier bundle is replaced, but keeps what was built in it: engines take long, and
    `build_engines.sh` sees which of them are of other graphs. Who kills this leaves a hidden folder beside `output`,
    and, between two renames, the earlier bundle in it. Raises `InputError` when anything else is there, or when
    somebody has changed that bundle or put files of his own into it, and `StoreError` when a copy is not the file that
    it should be, or when the disk refuses; then what was there is still there.
    """
    try:
        output = output.resolve()
    except RuntimeError as error:  # links in a circle; Python 3.13 leaves them to rename
        raise unwritable(output, "its links lead back to themselves") from error
    _require_replaceable(kind, output)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=output.parent, prefix=f".{output.name}.", ignore_cleanup_errors=True
        ) as folder:
            new, old = Path(folder) / "new", Path(folder) / "old"
            _fill(new, texts, copies)
            _carry_over(kind, output, new)
            _swap(output, new, old)
    except OSError as error:
        raise unwritable(output, error.strerror) from error


def _carry_over(kind: BundleKind, output: Path, new: Path) -> None:
    """Copy what was built in the bundle at `output`, times included, by which make knows what is older."""
    listed = kind.listed_files(output) if output.exists() else {}
    for folder in kind.built:
        for built in sorted(output.joinpath(folder).rglob("*")):
            name = built.relative_to(output).as_posix()
            if built.is_file() and name not in listed and not (new / name).exists():
                shutil.copy2(built, _place(new, name), follow_symlinks=False)


def _swap(output: Path, new: Path, old: Path) -> None:
    """Put `new` into the place of what is at `output`, which comes back when that fails."""
    if not output.exists():
        new.rename(output)
        return
    output.rename(old)
    try:
        new.rename(output)
    except OSError:
        old.rename(output)
        raise


def _fill(folder: Path, texts: Mapping[str, str], copies: Mapping[str, tuple[Path, str]]) -> None:
    for name, text in texts.items():
        _place(folder, name).write_bytes(text.encode())
    for name, (source, sha256) in copies.items():
        copied = _place(folder, name)
        if not source.is_file():
            raise StoreError("is missing", where=source, remedy="Run again to renew it")
        shutil.copyfile(source, copied)
        if content_sha256(copied) != sha256:
            raise StoreError("is not the file that the manifest names", where=source, remedy="Run again to renew it")


def _place(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _require_replaceable(kind: BundleKind, output: Path) -> None:
    if not output.exists():
        return
    listed = kind.listed_files(output)
    for path in sorted(path for path in output.rglob("*") if not path.is_dir() or path.is_symlink()):
        name = path.relative_to(output).as_posix()
        if name == MANIFEST or (kind.made(name) and name not in listed):
            continue
        if path.is_symlink() or name not in listed or _differs(path, listed[name]):
            what = f"holds {printable(name)}, which somebody has changed or put there"
            raise InputError(what, where=output, remedy="Move it away, or choose another folder")


def _differs(path: Path, sha256: str) -> bool:
    try:
        return content_sha256(path) != sha256
    except InputError:  # what is no ONNX file any more has no hash of one
        return True
