"""From what the user names, a pack or a folder, to models whose family is known. Writes nothing."""

from __future__ import annotations

import re
from pathlib import Path

from batchproof.artifacts import onnx_file
from batchproof.artifacts.hashing import content_sha256
from batchproof.errors import InputError
from batchproof.export.naming import distinct_names, own_name, store_name
from batchproof.export.torch_module import require_torch
from batchproof.zoo.pack import (
    DEMO,
    NO_LICENCE,
    PUBLISHED_PACKS,
    CheckpointSource,
    ConfiguredSource,
    OnnxSource,
    Pack,
    PackModel,
    RecoveredSource,
)
from batchproof.zoo.published import INSIGHTFACE_LICENCE, PUBLISHED
from batchproof.zoo.recognise import recognise

ONNX_SUFFIXES = {".onnx"}
CHECKPOINT_SUFFIXES = {".pt", ".pth", ".safetensors"}

_KNOWN_SUFFIXES = ".onnx, .pt, .pth or .safetensors"


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
        raise InputError(f"holds no {_KNOWN_SUFFIXES} file", where=folder, remedy="Name the folder with your models")
    return Pack(
        name or store_name(folder),
        tuple(resolve_file(path, model) for path, model in zip(files, distinct_names(files), strict=True)),
    )


def resolve_file(path: Path, name: str | None = None) -> PackModel:
    """Recognise one model file: an ONNX graph by its shapes, a checkpoint by its keys and shapes.

    Raises `InputError` for anything that is no known face model, and for weights that hold NaN or Inf.
    """
    name = name or own_name(path)
    if path.suffix.lower() in CHECKPOINT_SUFFIXES:
        return _checkpoint(path, name)
    model = onnx_file.read(path)
    onnx_file.require_finite_weights(model, path)
    recognition = recognise(model, path)
    origin, licence = _published(path)
    return PackModel(name, recognition.spec, OnnxSource(path), recognition.reason + origin, licence)


def recovered_model(path: Path, name: str | None = None) -> PackModel:
    """Recognise the architecture whose layers pair with those of an ONNX file, which then is a source of weights.

    Raises `InputError` when there is none, with the first difference to the nearest, and for anything else than ONNX.
    """
    if path.suffix.lower() not in ONNX_SUFFIXES:
        raise InputError("no ONNX file to recover weights from", where=path, remedy="Export a checkpoint as it is")
    require_torch()
    from batchproof.export.recovery.recover import recover

    found = recover(path)
    origin, licence = _published(path)
    source = RecoveredSource(path, found.architecture)
    return PackModel(name or own_name(path), found.spec, source, found.reason + origin, licence)


def configured_model(checkpoint: Path, config: Path, name: str | None = None) -> PackModel:
    """Take a checkpoint for the SCRFD that an mmdet configuration describes; the file may have any suffix.

    A configuration is Python, which mmengine runs: one that is more than plain data is refused unrun. Raises
    `InputError` for it, for weights that do not fit it, and for all that a checkpoint is refused for.
    """
    require_torch()
    from batchproof.export.mmdet.trained import check_trained

    configured, read = check_trained(config, checkpoint)
    reason = f"all {len(read.weights)} entries fit the SCRFD that {config.name} describes{read.remark}"
    source = ConfiguredSource(checkpoint, configured.files, repr(configured.variant))
    return PackModel(name or own_name(checkpoint), configured.spec, source, reason + configured.remark, NO_LICENCE)


def _published(path: Path) -> tuple[str, str]:
    """Say by its hash whether the file is a published one, and under which licence it is."""
    published = PUBLISHED.get(content_sha256(path))
    if published is None:
        return "", NO_LICENCE
    return f"; the published {published.name} by its sha256", published.licence


def _checkpoint(path: Path, name: str) -> PackModel:
    require_torch()
    from batchproof.export.checkpoint import read_checkpoint
    from batchproof.export.recognise_weights import recognise_checkpoint

    read = read_checkpoint(path)
    found = recognise_checkpoint(read.weights, where=path)
    source = CheckpointSource(path, found.architecture)
    return PackModel(name, found.spec, source, found.reason + read.remark, NO_LICENCE)


def _model_files(folder: Path) -> list[Path]:
    try:
        # Hidden files are what a killed command leaves behind.
        visible = (path for path in folder.iterdir() if not path.name.startswith("."))
        return sorted(path for path in visible if path.suffix.lower() in ONNX_SUFFIXES | CHECKPOINT_SUFFIXES)
    except OSError as error:
        remedy = f"Name a folder with {_KNOWN_SUFFIXES} files"
        raise InputError(f"cannot be listed ({error.strerror})", where=folder, remedy=remedy) from error


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
