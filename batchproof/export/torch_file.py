"""Reading a file in torch's formats: tensors only, never the code that a pickle may carry."""

from __future__ import annotations

import os
import re
import warnings
import zipfile
from pathlib import Path
from typing import BinaryIO

import torch

from batchproof.errors import InputError

SAVE_ALONE = "Save the weights alone: torch.save(network.state_dict(), 'weights.pt')"

_FETCH_AGAIN = "Fetch or save the checkpoint again"

# How torch's current format begins, how a pickle does, and torch's legacy format, a pickle of a magic number first.
_ZIP, _PICKLE, _LEGACY_MAGIC = b"PK\x03\x04", b"\x80", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def read_torch(stream: BinaryIO, path: Path) -> object:
    """Read what `torch.save` wrote to `stream`, the open file at `path`, with all tensors on the CPU.

    Raises `InputError` for anything else, for what needs code to be loaded, and for an archive that unpacks to more
    bytes than it has, before it is unpacked.
    """
    try:
        fits = _unpacked(stream) <= os.fstat(stream.fileno()).st_size
        loaded = _unpickled(stream) if fits else None
    except Exception as error:  # Foreign bytes reach torch's unpickler, which answers with nearly any exception.
        raise _not_loadable(path, str(error), _start(stream)) from error
    if not fits:
        raise InputError(
            "compressed: unpacks to more than it has, as no checkpoint does", where=path, remedy=SAVE_ALONE
        )
    return loaded


def _unpacked(stream: BinaryIO) -> int:
    """Count the bytes that an archive's entries have unpacked: torch stores them as they are, and reads compressed."""
    if not _start(stream).startswith(_ZIP):
        return 0
    with zipfile.ZipFile(stream) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _unpickled(stream: BinaryIO) -> object:
    stream.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubts about the pickle, which either loads or does not
        return torch.load(stream, map_location="cpu", weights_only=True)


def _start(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(len(_LEGACY_MAGIC))


def _not_loadable(path: Path, answer: str, start: bytes) -> InputError:
    """Tell code, bare pickles and TorchScript, which are whole files of the wrong kind, from damage."""
    if code := re.search(r"GLOBAL (\S+)", answer):
        what = f"refused: loading it would run code ({code[1]}), and code in a checkpoint can do anything"
        return InputError(what, where=path, remedy=SAVE_ALONE)
    if start.startswith(_PICKLE) and start != _LEGACY_MAGIC:
        what = "refused: a bare pickle, not a checkpoint of torch, and code in a pickle can do anything"
        return InputError(what, where=path, remedy=SAVE_ALONE)
    if "TorchScript" in answer:
        return InputError("a TorchScript program, not a checkpoint", where=path, remedy=SAVE_ALONE)
    return InputError("not a PyTorch checkpoint, or a truncated one", where=path, remedy=_FETCH_AGAIN)
