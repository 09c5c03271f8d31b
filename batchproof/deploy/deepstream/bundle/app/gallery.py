"""Known people: their embeddings, which embedder made them, and who is like a new face."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emitted_bundle import EmittedBundle
from face_error import FaceAppError

Floats = NDArray[np.float32]

FORMAT = 1
_ARRAYS = ("format", "names", "embeddings", "model_sha256", "manifest_sha256")
_LARGEST = 2**31  # bytes unpacked: a million faces of 512 channels
_LONGEST_NAME = 200
_OFF_LENGTH = 1e-3
_REMEDY = "make it with enroll.py"


@dataclass(frozen=True)
class Match:
    """A person of the gallery, and the cosine of the most similar of the person's pictures."""

    name: str
    cosine: float


@dataclass(frozen=True)
class Gallery:
    """Embeddings `[n, channels]`, float32, of length 1, one a picture, and whose they are: a name may come often.

    No mean is taken of a person's pictures: one of another person among them would spoil it unseen, whereas it spoils
    only itself here. `model_sha256` is that of the embedder's graph: embeddings of another mean nothing beside them.
    Raises `FaceAppError` for anything that is not so.
    """

    names: tuple[str, ...]
    embeddings: Floats
    model_sha256: str
    manifest_sha256: str

    def __post_init__(self) -> None:
        wrong = _wrong_names(self.names) or _wrong_embeddings(self.embeddings, self.names)
        if wrong:
            raise FaceAppError(f"the gallery {wrong}: {_REMEDY}")

    @cached_property
    def people(self) -> tuple[str, ...]:
        """Each name once, in order."""
        return tuple(sorted(set(self.names)))

    @cached_property
    def _rows(self) -> tuple[Floats, NDArray[np.intp]]:
        """The embeddings in the order of `people`, and where each person's begin."""
        names = np.array(self.names)
        order = np.argsort(names, kind="stable")
        _, starts = np.unique(names[order], return_index=True)
        return self.embeddings[order], starts

    def require_made_by(self, bundle: EmittedBundle) -> None:
        """Raise `FaceAppError` when another embedder made it."""
        model = bundle.require_known_model()
        if self.model_sha256 != model:
            made_by, ours = self.model_sha256[:12], model[:12]
            raise FaceAppError(
                f"the gallery is of another embedder: {made_by}..., this bundle's is {ours}...: enrol the people again"
            )

    def match(self, embeddings: Floats, top_k: int, threshold: float) -> list[tuple[Match, ...]]:
        """Name the `top_k` people most like each of `embeddings` `[q, channels]`, of length 1, best first.

        Nobody whose cosine is below `threshold`. Raises `FaceAppError` for embeddings of other channels.
        """
        if embeddings.ndim != 2 or embeddings.shape[1] != self.embeddings.shape[1]:
            channels = embeddings.shape[-1]
            raise FaceAppError(f"the embedder gives {channels} channels, the gallery has {self.embeddings.shape[1]}")
        rows, starts = self._rows
        best = np.maximum.reduceat(embeddings @ rows.T, starts, axis=1)
        ranked = np.argsort(-best, axis=1, kind="stable")[:, :top_k]
        return [
            tuple(Match(self.people[i], float(cosines[i])) for i in order if cosines[i] >= threshold)
            for cosines, order in zip(best, ranked, strict=True)
        ]

    def write(self, path: Path) -> None:
        """Write the gallery in one step: what was there before is there until then."""
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
                np.savez(
                    file,
                    format=np.array(FORMAT),
                    names=np.array(self.names),
                    embeddings=self.embeddings,
                    model_sha256=np.array(self.model_sha256),
                    manifest_sha256=np.array(self.manifest_sha256),
                )
            Path(file.name).replace(path)
        except OSError as error:
            raise FaceAppError(f"{path} cannot be written: {error.strerror}") from error

    @classmethod
    def read(cls, path: Path) -> Gallery:
        """Read a gallery; raises `FaceAppError` for a file that is none. Nothing in it is executed."""
        arrays = _arrays(path)
        if int(arrays["format"]) != FORMAT:
            raise FaceAppError(f"{path} is a gallery of format {int(arrays['format'])}, expected {FORMAT}: {_REMEDY}")
        names = tuple(map(str, arrays["names"]))
        embeddings = arrays["embeddings"].astype(np.float32)
        return cls(names, embeddings, str(arrays["model_sha256"]), str(arrays["manifest_sha256"]))


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """Unpack the arrays of a gallery, each of the type and number of axes that it must have."""
    kinds = dict(zip(_ARRAYS, (("i", 0), ("U", 1), ("f", 2), ("U", 0), ("U", 0)), strict=True))
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > _LARGEST:
                raise FaceAppError(f"{path} is larger than any gallery")
        with np.load(path, allow_pickle=False) as packed_arrays:
            arrays = {name: packed_arrays[name] for name in kinds}
    except OSError as error:
        raise FaceAppError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile) as error:
        raise FaceAppError(f"{path} is no gallery: {_REMEDY}") from error
    for name, (kind, axes) in kinds.items():
        if (arrays[name].dtype.kind, arrays[name].ndim) != (kind, axes):
            raise FaceAppError(f"{path} is no gallery, its {name} are something else: {_REMEDY}")
    return arrays


def _wrong_names(names: Sequence[str]) -> str | None:
    if not names:
        return "knows nobody"
    for name in names:
        if not name or len(name) > _LONGEST_NAME or not name.isprintable():
            return f"has a name that is none: {name[:_LONGEST_NAME]!r}"
    return None


def _wrong_embeddings(embeddings: Floats, names: Sequence[str]) -> str | None:
    if embeddings.ndim != 2 or embeddings.dtype != np.float32 or len(embeddings) != len(names):
        return f"has {len(names)} names and embeddings {list(embeddings.shape)} of {embeddings.dtype}"
    lengths = np.linalg.norm(embeddings, axis=1)
    for row in np.flatnonzero(~(np.abs(lengths - 1) <= _OFF_LENGTH))[:1]:  # NaN is far from everything
        return f"has an embedding of length {lengths[row]:g} for {names[row]!r}, expected 1"
    seen: dict[bytes, str] = {}
    for name, embedding in zip(names, embeddings, strict=True):
        content = embedding.tobytes()
        if content in seen:
            return f"has the same embedding twice, for {seen[content]!r} and {name!r}"
        seen[content] = name
    return None
