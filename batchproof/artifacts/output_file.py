"""Output files: complete at their place, or not there at all, whoever writes them and whenever it is killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from batchproof.errors import StoreError

_WORK, _IN_USE = ".work-", ".in-use"
# There is no way to read the mask but to set it, for all threads: once, before there are any.
_UMASK = os.umask(0)
os.umask(_UMASK)


@contextmanager
def replacing(output: Path) -> Iterator[Path]:
    """Give an empty file beside `output` to write to, and move it there when the block ends without an exception.

    The temporary file keeps the suffix of `output`, because ONNX Runtime decides the format by it. A link is followed,
    and a file that is replaced leaves its permissions. Raises `StoreError` when `output` is a device or a folder, when
    the folder is missing or refuses, before the block, so that no long build is lost, and when the disk refuses within
    it or after it. Other exceptions of the block pass through.
    """
    output = output.resolve() if output.is_symlink() else output
    if output.exists() and not output.is_file():
        raise unwritable(output, "it is no regular file")
    try:
        handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.stem}.", suffix=output.suffix)
        os.close(handle)
    except OSError as error:
        raise unwritable(output, error.strerror) from error
    temporary = Path(name)
    try:
        yield temporary
        _move(temporary, output)
    except OSError as error:
        raise unwritable(output, error.strerror) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(output: Path, content: bytes) -> None:
    """Put `content` at `output` in one step; raises `StoreError`, and leaves the old file, when the disk refuses."""
    with replacing(output) as temporary, temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Put texts below `folder` by their paths, each in one step; raises `StoreError` when the disk refuses."""
    for path, text in texts.items():
        file = folder / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(file, error.strerror) from error
        write_bytes(file, text.encode())


@contextmanager
def folder_of(output: Path) -> Iterator[Path]:
    """Make the folder `output`, and give a folder inside it to write to; its files move up when the block ends well.

    They move one by one, into folders that may be there already. What killed writers left is removed. Raises
    `StoreError` that names the wanted file when the disk refuses; after an exception in the block nothing has moved.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        _sweep(output)
        temporary = Path(tempfile.mkdtemp(dir=output, prefix=_WORK))
    except OSError as error:
        raise unwritable(output, error.strerror) from error
    try:
        with FileLock(temporary / _IN_USE):
            yield temporary
            for written in sorted(path for path in temporary.rglob("*") if path.is_file() and path.name != _IN_USE):
                wanted = output / written.relative_to(temporary)
                wanted.parent.mkdir(parents=True, exist_ok=True)
                _move(written, wanted)
    except OSError as error:
        raise unwritable(output, error.strerror) from error
    except StoreError as error:
        raise StoreError(error.what, where=_wanted(error.where, temporary, output), remedy=error.remedy) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sweep(output: Path) -> None:
    """Remove the folders of killed writers; one that is at work holds its lock, one that has none has just begun."""
    for lock in output.glob(f"{_WORK}*/{_IN_USE}"):
        with suppress(Timeout, OSError), FileLock(lock).acquire(timeout=0):
            shutil.rmtree(lock.parent, ignore_errors=True)


def _wanted(where: str | Path | None, temporary: Path, output: Path) -> str | Path | None:
    """Name the file that was to be written, for the temporary one beside it."""
    inside = where is not None and Path(where).is_relative_to(temporary)
    return output / Path(where).relative_to(temporary) if where is not None and inside else where


def _move(temporary: Path, output: Path) -> None:
    temporary.chmod(output.stat().st_mode & 0o777 if output.exists() else 0o666 & ~_UMASK)
    temporary.replace(output)


def unwritable(output: Path, reason: str | None) -> StoreError:
    """Say that `output` cannot be written."""
    remedy = "Check that its folder exists, its permissions and the free space"
    return StoreError(f"cannot be written ({reason})", where=output, remedy=remedy)
