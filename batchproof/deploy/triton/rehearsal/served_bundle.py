"""A bundle that is to be rehearsed: what it serves, and the same pipeline in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.input_file import read_bytes
from batchproof.deploy.bundle_kind import MANIFEST
from batchproof.deploy.triton import paths
from batchproof.deploy.triton.manifest import KIND
from batchproof.deploy.triton.plan import Backend
from batchproof.deploy.triton.server.server import ServerOptions
from batchproof.deploy.triton.serving.contract import PIPELINE_FILE
from batchproof.deploy.triton.serving.parameters import read_parameters
from batchproof.deploy.triton.serving.pipeline_file import Network, ServedPipeline, read_pipeline
from batchproof.deploy.triton.serving.service import face_service
from batchproof.errors import InputError, StoreError
from batchproof.pipeline.face_pipeline import FacePipeline
from batchproof.runtime import OnnxRuntimeRunner
from batchproof.zoo.spec import Precision

_LARGEST = 2**24  # bytes; a manifest has some ten thousand


@dataclass(frozen=True)
class ServedBundle:
    """The bundle at `root`, as it lies there, whoever has changed it since it was written."""

    root: Path
    target: str
    backend: Backend
    pipeline: ServedPipeline
    precision: Precision

    @property
    def repository(self) -> Path:
        """The folder with the models."""
        return self.root / paths.REPOSITORY

    @property
    def has_stand_ins(self) -> bool:
        """Whether something else executes the networks here than where the bundle is for."""
        return self.backend != "python"

    @property
    def options(self) -> ServerOptions:
        """How a server without a GPU, and without other backends than Python's, is started on it."""
        config = paths.REHEARSAL if self.backend == "tensorrt" else None
        return ServerOptions(config_name=config, stand_ins=self.has_stand_ins)

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """All networks, the detector first."""
        return (self.pipeline.detector, self.pipeline.embedder, *self.pipeline.heads)

    def changed_files(self) -> list[str]:
        """List the files that are missing, or not what the manifest says of them.

        Raises `InputError` for one that cannot be read, or a manifest without a list.
        """
        listed = KIND.listed_files(self.root).items()
        return [name for name, sha256 in listed if not self._is(self.root / name, sha256)]

    def reference(self, config: Mapping[str, Any]) -> FacePipeline:
        """Return the served pipeline in this process, on ONNX Runtime; `config` is that of `faces` in the server."""
        served = self.pipeline
        return face_service(served, read_parameters(config), lambda one: OnnxRuntimeRunner(self._graph(one))).pipeline

    @staticmethod
    def _is(file: Path, sha256: str) -> bool:
        return file.is_file() and content_sha256(file) == sha256

    def _graph(self, network: Network) -> Path:
        if self.backend == "tensorrt":
            return self.root / paths.ENGINES / f"{network.model}.onnx"
        return self.root / paths.version_file(network.model, paths.GRAPH)


def read_bundle(root: Path) -> ServedBundle:
    """Read the bundle that `batchproof deploy triton` has written at `root`; raises `InputError` for anything else."""
    remedy = "Name a folder that batchproof deploy triton has written"
    if not (root / MANIFEST).is_file():
        raise InputError("holds no bundle", where=root, remedy=remedy)
    try:
        content = json.loads(read_bytes(root / MANIFEST, largest=_LARGEST))
        if content["kind"] != KIND.name:
            raise InputError(f"is a {content['kind']}, not a {KIND.name}", where=root, remedy=remedy)
        target, backend, precision = content["target"], content["backend"], content["detector"]["precision"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError("its manifest is damaged", where=root / MANIFEST, remedy="Deploy again") from error
    pipeline = read_pipeline(root / paths.version_file("faces", PIPELINE_FILE))
    return ServedBundle(root, target, backend, pipeline, precision)
