"""The networks of a store as graphs, which ONNX Runtime executes as they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batchproof.artifacts import layout, onnx_file
from batchproof.artifacts.manifest import Artifact, Manifest
from batchproof.bench.candidate import GRAPH
from batchproof.deploy.store_models import StoreModels
from batchproof.deploy.triton import paths
from batchproof.deploy.triton.batching import from_profile
from batchproof.deploy.triton.network import Network
from batchproof.deploy.triton.tensors import graph_tensors, promised_tensors
from batchproof.errors import InputError
from batchproof.profile import EngineProfiles
from batchproof.profile_choice import DEFAULT
from batchproof.profile_record import recorded_profiles
from batchproof.zoo.spec import Precision

# The target whose verdicts on these graphs count, and whose profiles they were executed with.
_TARGET = "ort"


@dataclass(frozen=True)
class GraphsOfStore:
    """Each network's batch-safe graph."""

    models: StoreModels
    precision: Precision

    @classmethod
    def of(cls, root: Path, manifest: Manifest, precision: Precision) -> GraphsOfStore:
        """Find them; no target is needed."""
        return cls(StoreModels(root, manifest, _TARGET), precision)

    @property
    def sweep_backend(self) -> str:
        """The graph itself on the processor."""
        return GRAPH

    def has(self, name: str) -> bool:
        """Tell whether a model has a graph in this precision."""
        return self._artifact(name) is not None

    def network(self, name: str) -> Network:
        """Describe a network by its graph."""
        self.models.require_deployable(name, self.precision)
        graph = self._graph(name)
        spec, path = self.models.manifest.models[name].spec, self.models.root / graph.path
        profiles = self._profiles(name)
        if onnx_file.external_files(path):
            what = "keeps its weights in other files, which are not copied"
            raise InputError(what, where=path, remedy="Deploy it for --backend tensorrt")
        return Network(
            self.models.deployed(name, self.precision, profiles, graph.sha256),
            graph_tensors(onnx_file.read_graph(path), promised_tensors(spec, profiles), path),
            "its graph",
            from_profile(profiles.overall),
        )

    def copies(self, names: list[str]) -> dict[str, tuple[str, str]]:
        """Give the graphs, each as the one file of its model's version."""
        found = {name: self._graph(name) for name in names}
        return {
            paths.version_file(f"{name}.{self.precision}", paths.GRAPH): (graph.path, graph.sha256)
            for name, graph in found.items()
        }

    def _graph(self, name: str) -> Artifact:
        found = self._artifact(name)
        if found is None:
            what = f"{name} has no {self.precision} graph"
            raise InputError(what, where=self.models.root, remedy=f"Make it with: {self.models.command}")
        return found

    def _artifact(self, name: str) -> Artifact | None:
        return self.models.manifest.artifact(layout.repaired(name, self.precision))

    def _profiles(self, name: str) -> EngineProfiles:
        """Those that the graph was executed with, or the default where it was not."""
        record = self.models.manifest.record(f"build.{_TARGET}", f"{name}.{self.precision}")
        recorded = recorded_profiles(record.settings) if record else ()
        return EngineProfiles(recorded) if recorded else EngineProfiles.parse(DEFAULT)
