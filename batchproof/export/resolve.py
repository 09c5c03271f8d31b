"""From what the user names, a pack or a folder, to models whose family is known. Writes nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from batchproof.artifacts import onnx_file
from batchproof.artifacts.hashing import content_sha256
from batchproof.errors import InputError
from batchproof.export.torch_module import require_torch
from batchproof.zoo.pack import DEMO, NO_LICENCE, PUBLISHED_PACKS, CheckpointSource, OnnxSource, Pack, PackModel
from batchproof.zoo.published import INSIGHTFACE_LICENCE, PUBLISHED
from batchproof.zoo.recognise import recognise

ONNX_SUFFIXES = {".onnx"}
CHECKPOINT_SUFFIXES = {".pt", ".pth"}


def named_pack(name: str, cache: Path | None = None) -> Pack:
    """Return the demo pack, or a pack from InsightFace's local cache (`~/.insightface/models`).

    `name` is one that `pack_name` lets through. Raises `InputError` that says how to get the pack, and under which
    licence, when it is not there.
    """
    if name == DEMO.name:
        return DEMO
    cache = cache or Path.home() / ".insightface" / "models"
    folder = cache / name
    nested = folder / name  # antelopev2's archive has its own folder inside
    if nested.is_dir():
        folder = nested
    if not folder.is_dir():
        raise _absent(name, cache)
    return directory_pack(folder, name)


def pack_name(name: str) -> str:
    """Return `name` when it can name a folder; raises `InputError` otherwise."""
    if not re.fullmatch(r"\w[\w.-]*", name, flags=re.ASCII):
        raise InputError(f"'{name}' is no pack name", remedy="Use letters, digits, '.', '_' and '-'")
    return name


def directory_pack(folder: Path, name: str | None = None) -> Pack:
    """Recognise every model file in `folder`; raises `InputError` at the first that is none."""
    files = _model_files(folder)
    if not files:
        raise InputError("holds no .onnx, .pt or .pth file", where=folder, remedy="Name the folder with your models")
    return Pack(
        name or _store_name(folder),
        tuple(resolve_file(path, model) for path, model in zip(files, _distinct_names(files), strict=True)),
    )


def resolve_file(path: Path, name: str | None = None) -> PackModel:
    """Recognise one model file: an ONNX graph by its shapes, a checkpoint by its keys and shapes.

    Raises `InputError` for anything that is no known face model, and for weights that hold NaN or Inf.
    """
    name = name or _safe(path.stem) or "model"
    if path.suffix.lower() in CHECKPOINT_SUFFIXES:
        return _checkpoint(path, name)
    model = onnx_file.read(path)
    if broken := onnx_file.non_finite_weights(model):
        raise InputError(
            f"weights hold NaN or Inf: {', '.join(broken[:3])}", where=path, remedy="Export the model again"
        )
    recognition = recognise(model, path)
    published = PUBLISHED.get(content_sha256(path))
    origin = f"; the published {published.name} by its sha256" if published else ""
    licence = published.licence if published else NO_LICENCE
    return PackModel(name, recognition.spec, OnnxSource(path), recognition.reason + origin, licence)


def _checkpoint(path: Path, name: str) -> PackModel:
    require_torch()
    from batchproof.export.checkpoint import load_state_dict
    from batchproof.export.recognise import recognise_checkpoint

    found = recognise_checkpoint(load_state_dict(path), where=path)
    return PackModel(name, found.spec, CheckpointSource(path, found.architecture), found.reason, NO_LICENCE)


def _distinct_names(files: Sequence[Path]) -> list[str]:
    """Name models after their files: by stem, by stem and suffix where stems meet, and never twice the same."""
    stems = Counter(_safe(path.stem) for path in files)
    names = [_safe(path.stem if stems[_safe(path.stem)] == 1 else path.name) for path in files]
    for index, name in enumerate(names):
        if not name or name in names[:index]:
            what = "has a name that" + (f" becomes '{name}', like another's" if name else " leaves nothing")
            remedy = "Rename it with ASCII letters, digits, '.', '_' and '-'"
            raise InputError(what, where=files[index], remedy=remedy)
    return names


def _store_name(folder: Path) -> str:
    """Name a store after its folder, but never after a pack: it would take the place of that pack's store."""
    name = _safe(folder.resolve().name) or "models"
    if name in {DEMO.name, *PUBLISHED_PACKS}:
        raise InputError(f"'{name}' is the name of a pack", where=folder, remedy="Name the store with --pack NAME")
    return name


def _model_files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in ONNX_SUFFIXES | CHECKPOINT_SUFFIXES)
    except OSError as error:
        remedy = "Name a folder with .onnx, .pt or .pth files"
        raise InputError(f"cannot be listed ({error.strerror})", where=folder, remedy=remedy) from error


def _safe(name: str) -> str:
    """Keep what may stand in a file name, a config and a shell line."""
    return re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).lstrip(".-")


def _absent(name: str, cache: Path) -> InputError:
    if name not in PUBLISHED_PACKS:
        known = ", ".join(["demo", *PUBLISHED_PACKS])
        return InputError(f"no pack '{name}' in {cache}", remedy=f"Known packs: {known}; or use --models DIR")
    return InputError(
        f"pack '{name}' ({', '.join(PUBLISHED_PACKS[name])}) is not in {cache}",
        remedy=f"Unpack {name}.zip of InsightFace's GitHub releases (tag v0.7) into {cache / name}, or let InsightFace "
        f"fetch it: python -c \"from insightface.app import FaceAnalysis; FaceAnalysis('{name}')\". "
        f"Licence: {INSIGHTFACE_LICENCE}",
    )
