"""The networks of a store as jobs, whose engines are built in the target's container."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batchproof.artifacts.manifest import Manifest
from batchproof.deploy.engine_description import read_description
from batchproof.deploy.store_jobs import StoreJobs, stored_path
from batchproof.deploy.store_models import StoreModels
from batchproof.deploy.triton import paths
from batchproof.deploy.triton.batching import from_profile
from batchproof.deploy.triton.network import Network
from batchproof.deploy.triton.tensors import described_tensors, promised_tensors
from batchproof.targets import Target
from batchproof.zoo.spec import Precision


@dataclass(frozen=True)
class EnginesOfStore:
    """Each network's graph, job and description, of a run with the target."""

    jobs: StoreJobs

    @classmethod
    def of(cls, root: Path, manifest: Manifest, target: Target, precision: Precision) -> EnginesOfStore:
        """Find them; raises `InputError` when the store has none for the target in this precision."""
        target.check_precision(precision)
        jobs = StoreJobs(StoreModels(root, manifest, target.name), precision)
        jobs.require_any()
        return cls(jobs)

    @property
    def models(self) -> StoreModels:
        """The models of the store."""
        return self.jobs.models

    @property
    def sweep_backend(self) -> str:
        """An engine for the same target."""
        return self.models.target

    def has(self, name: str) -> bool:
        """Tell whether a model has a job."""
        return self.jobs.has(name)

    def network(self, name: str) -> Network:
        """Describe a network by what the build stage wrote beside its job, which says profiles, types and shapes."""
        self.models.require_deployable(name, self.jobs.precision)
        graph, _, described = self.jobs.artifacts(name)
        spec, path = self.models.manifest.models[name].spec, self.models.root / described.path
        found = read_description(path, spec)
        profiles = found.engine_profiles()
        return Network(
            self.models.deployed(name, self.jobs.precision, profiles, graph.sha256),
            described_tensors(found, promised_tensors(spec, profiles), path),
            "the description of its engine",
            from_profile(profiles.overall),
            version_compatible=found.options.version_compatible,
        )

    def copies(self, names: list[str]) -> dict[str, tuple[str, str]]:
        """Give what the container builds the engines of."""
        target = self.models.target
        files = self.jobs.files(names, paths.ENGINES)
        return {path: (stored_path(path, target), sha256) for path, sha256 in files.items()}
