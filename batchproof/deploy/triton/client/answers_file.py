"""A file of JSON lines that grows line by line, and by which the next run goes on."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from filelock import FileLock, Timeout

from batchproof.artifacts.input_file import opened
from batchproof.artifacts.output_file import replacing, unwritable
from batchproof.errors import InputError

_AGAIN = "Name another file, or start anew with --again"
# What every line begins with; a file whose only line is torn is ours if it begins so, and not to be touched otherwise.
_BEGINNING = b'{"picture": "'


class AnswersFile:
    """The lines of one file; `answered` are the names of the pictures that have an answer in it."""

    def __init__(self, path: Path, stream: FileIO, answered: frozenset[str], *, anew: bool) -> None:
        self._path, self._stream, self._anew = path, stream, anew
        self.answered = answered

    def write(self, line: str) -> None:
        """Add a line, so that it is there if this process is killed now; raises `StoreError` when the disk refuses."""
        unwritten = memoryview(f"{line}\n".encode())
        try:
            if self._anew:  # not sooner: old answers are worth more than a server that is not there
                self._stream.truncate(0)
                self._anew = False
            while unwritten:
                unwritten = unwritten[self._stream.write(unwritten) :]
        except OSError as error:
            raise unwritable(self._path, error.strerror) from error


@contextmanager
def opened_answers(path: Path, pictures: Collection[str], embeddings: str, *, again: bool) -> Iterator[AnswersFile]:
    """Open a file for more lines, and keep those that it has, unless it is to be written `again`: then until the first.

    What a killed client left unfinished is cut off, and errors about these `pictures` are dropped, because they are
    asked for anew. Raises `InputError` for a file that is none of ours, that has other embeddings, or that another
    client is writing, and `StoreError` when it cannot be written.
    """
    if path.exists() and not path.is_file():
        raise unwritable(path, "it is no regular file")
    if not path.parent.is_dir():
        raise unwritable(path, "its folder does not exist")
    with _alone(path):
        answered = _tidied(path, pictures, embeddings) if path.exists() and not again else frozenset()
        try:
            stream = path.open("ab", buffering=0)
        except OSError as error:
            raise unwritable(path, error.strerror) from error
        with stream:
            yield AnswersFile(path, stream, answered, anew=again)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other clients out: two would ask for everything twice, and cut off each other's lines."""
    lock = FileLock(path.parent / f".{path.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        if not Path(lock.lock_file).exists():  # a folder that refuses the lock looks like one in which it is taken
            raise unwritable(path, "its folder refuses new files") from error
        remedy = "Wait for it, or name another file"
        raise InputError("another client is writing it", where=path, remedy=remedy) from error
    except OSError as error:
        raise unwritable(path, error.strerror) from error
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _tidied(path: Path, pictures: Collection[str], embeddings: str) -> frozenset[str]:
    """Remove what is to be written again, if there is any; return whose answers stay."""
    answered, tidy = set(), True
    for number, (_, entry) in enumerate(_entries(path), 1):
        if entry is None:
            tidy = False
        elif "error" in entry:
            tidy = tidy and entry["picture"] not in pictures
        else:
            _require_same(path, number, entry, embeddings)
            answered.add(str(entry["picture"]))
    if not tidy:
        _rewrite(path, pictures)
    return frozenset(answered)


def _rewrite(path: Path, pictures: Collection[str]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as stream:
        for text, entry in _entries(path):
            if entry is not None and not ("error" in entry and entry["picture"] in pictures):
                stream.write(text)


def _entries(path: Path) -> Iterator[tuple[bytes, Mapping[str, object] | None]]:
    """Read every line and what it says; None is a last line that was never finished."""
    with opened(path) as stream:
        for number, text in enumerate(stream, 1):
            if not text.endswith(b"\n") and text[: len(_BEGINNING)] == _BEGINNING[: len(text)]:
                yield text, None
            else:
                yield text, _entry(path, number, text)


def _entry(path: Path, number: int, text: bytes) -> Mapping[str, object]:
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or not _answers(entry):
        raise InputError(f"line {number} is no answer of this client", where=path, remedy=_AGAIN)
    return entry


def _answers(entry: Mapping[str, object]) -> bool:
    return isinstance(entry.get("picture"), str) and bool({"faces", "error"} & entry.keys())


def _require_same(path: Path, number: int, entry: Mapping[str, object], embeddings: str) -> None:
    if (found := entry.get("embeddings")) != embeddings:
        what = f"line {number} has embeddings: {found}, and {embeddings} is asked for"
        raise InputError(what, where=path, remedy=_AGAIN)
