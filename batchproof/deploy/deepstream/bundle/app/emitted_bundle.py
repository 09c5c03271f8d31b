"""The bundle around this application: which models it runs, and where their configurations are."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from face_error import FaceAppError

KIND = "batchproof deepstream bundle"
TRACKER_LIBRARY = "/opt/nvidia/deepstream/deepstream/lib/libnvds_nvmultiobjecttracker.so"
_LARGEST = 2**24  # bytes; a manifest has some ten thousand
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LIBRARIES = ("build/libbatchproof_scrfd_parser.so", "build/libbatchproof_align.so")
_Kind = TypeVar("_Kind", int, str)


@dataclass(frozen=True)
class EmittedBundle:
    """What manifest.json says of the bundle in `folder`, an absolute path.

    `embedder_id` is the gie-unique-id of the embedder's nvinfer, `embedding` the name of its output, which has
    `channels` numbers a face. `streams` is how many sources fit. The hashes are of the embedder's graph, which is no
    hash where it was not known, and of the manifest itself.
    """

    folder: Path
    detector: str
    embedder: str
    embedder_id: int
    embedding: str
    channels: int
    streams: int
    model_sha256: str
    manifest_sha256: str

    @classmethod
    def read(cls, folder: Path) -> EmittedBundle:
        """Read the manifest in `folder`; raises `FaceAppError` where there is none of ours."""
        content = _read(folder / "manifest.json")
        try:
            manifest = json.loads(content)
            if manifest["kind"] != KIND:
                raise ValueError
            embedder = next(model for model in manifest["on_faces"] if model["role"] == "embedder")
            ((output, shapes),) = embedder["outputs"].items()
            return cls(
                folder=folder.resolve(),
                detector=_name(manifest["detector"]),
                embedder=_name(embedder),
                embedder_id=_of(int, embedder["gie_unique_id"]),
                embedding=_of(str, output),
                channels=_of(int, shapes["maximum"][-1]),
                streams=_of(int, manifest["streams"]),
                model_sha256=_of(str, embedder["onnx_sha256"]),
                manifest_sha256=hashlib.sha256(content).hexdigest(),
            )
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, StopIteration, RecursionError) as error:
            what = f"{folder / 'manifest.json'} is no manifest of a bundle"
            raise FaceAppError(f"{what}: emit the bundle again") from error

    def config(self, name: str) -> str:
        """Return the path of a configuration; raises `FaceAppError` where it is missing."""
        path = self.folder / "configs" / name
        if not path.is_file():
            raise FaceAppError(f"{path} is missing: emit the bundle again")
        return str(path)

    @property
    def detector_config(self) -> str:
        """nvinfer's, of the detector with landmarks."""
        return self.config(f"pgie_{self.detector}.txt")

    @property
    def crops_config(self) -> str:
        """nvdspreprocess's, of the embedder's crops."""
        return self.config(f"preprocess_align_{self.embedder}.txt")

    @property
    def embedder_config(self) -> str:
        """nvinfer's, of the embedder."""
        return self.config(f"sgie_{self.embedder}.txt")

    @property
    def tracker_config(self) -> str:
        """The tracker's own."""
        return self.config("tracker.yml")

    def require_built(self) -> None:
        """Raise `FaceAppError` unless the libraries are there; without them nvinfer says much and does nothing."""
        for library in _LIBRARIES:
            if not (self.folder / library).is_file():
                raise FaceAppError(f"{self.folder / library} is missing: run `sh run.sh build` first")

    def require_known_model(self) -> str:
        """Return the hash of the embedder's graph; raises `FaceAppError` for a bundle that was made without it."""
        if not _SHA256.fullmatch(self.model_sha256):
            raise FaceAppError("the manifest does not know the embedder's hash: emit the bundle from a store")
        return self.model_sha256


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise FaceAppError(f"{path} cannot be read: {error.strerror}; name the bundle's folder by --bundle") from error


def _name(model: dict[str, Any]) -> str:
    """Return the name of a model, which becomes a part of paths."""
    name = _of(str, model["name"])
    if not _SAFE_NAME.fullmatch(name):
        raise ValueError
    return name


def _of(kind: type[_Kind], value: object) -> _Kind:
    if type(value) is not kind or (isinstance(value, int) and value < 1):
        raise ValueError
    return value
