"""The plan of a repository, from a store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from batchproof.artifacts.manifest import Manifest
from batchproof.deploy.deployed_model import DeployedModel
from batchproof.deploy.store_models import StoreModels
from batchproof.deploy.triton.batching import Batching, from_profile, from_sweep
from batchproof.deploy.triton.engines_of_store import EnginesOfStore
from batchproof.deploy.triton.graphs_of_store import GraphsOfStore
from batchproof.deploy.triton.network import Network
from batchproof.deploy.triton.plan import Backend, RepositoryPlan, check_target
from batchproof.deploy.triton.sweeps import stored_sweep
from batchproof.targets import Target
from batchproof.zoo.spec import Precision


@dataclass(frozen=True)
class Wishes:
    """What a user asks for: an empty name is the only model of its role, None as many frames as the detector takes."""

    precision: Precision
    backend: Backend = "tensorrt"
    detector: str = ""
    embedder: str = ""
    frames: int | None = None
    instances: int = 2


class Networks(Protocol):
    """The networks of a store in the form that a backend executes."""

    @property
    def models(self) -> StoreModels:
        """The models of the store."""
        ...

    @property
    def sweep_backend(self) -> str:
        """The backend of the benchmark that measures the same form."""
        ...

    def has(self, name: str) -> bool:
        """Tell whether a model is there in that form."""
        ...

    def network(self, name: str) -> Network:
        """Describe a model, batched by its profile; raises `InputError` where it is not there."""
        ...

    def copies(self, names: list[str]) -> dict[str, tuple[str, str]]:
        """Give what is copied of these models: by its path in the bundle, the path in the store, and the sha256."""
        ...


@dataclass(frozen=True)
class Planned:
    """A plan, and where in the store the files lie that are copied, by their paths in the bundle."""

    plan: RepositoryPlan
    stored: dict[str, str]


def plan_from_store(root: Path, manifest: Manifest, target: Target, wishes: Wishes) -> Planned:
    """Plan a repository of the models in the store at `root`.

    Raises `InputError` when the store has not what the backend executes, or not one detector and one embedder, and for
    a plan that no repository can carry out; `StepFailedError` when a verdict on one of the models failed, `StoreError`
    when a description, a graph or a measurement is damaged.
    """
    check_target(target)
    networks = _networks(root, manifest, target, wishes)
    detector = networks.models.only("detector", wishes.detector)
    names = [detector, networks.models.only("embedder", wishes.embedder), *networks.models.heads(networks.has)]
    copies = networks.copies(names)
    first, second, *heads = (_measured(networks, networks.network(name)) for name in names)
    plan = RepositoryPlan(
        target=target,
        pack=networks.models.pack,
        backend=wishes.backend,
        detector=first,
        embedder=second,
        heads=tuple(heads),
        frames=wishes.frames or first.model.largest_batch,
        instances=wishes.instances,
        files={path: sha256 for path, (_, sha256) in copies.items()},
    )
    return Planned(plan, {path: stored for path, (stored, _) in copies.items()})


def _networks(root: Path, manifest: Manifest, target: Target, wishes: Wishes) -> Networks:
    if wishes.backend == "tensorrt":
        return EnginesOfStore.of(root, manifest, target, wishes.precision)
    return GraphsOfStore.of(root, manifest, wishes.precision)


def _measured(networks: Networks, network: Network) -> Network:
    """Batch a network by what was measured of it, where anything was at the size that it is deployed for."""
    sweep = stored_sweep(networks.models.root, networks.models.manifest, network.model.stem, networks.sweep_backend)
    if sweep is None:
        return network
    if (sweep.height, sweep.width) != network.model.size:
        return replace(network, batching=_at_another_size(network.model, sweep.height, sweep.width))
    found = from_sweep(sweep, network.model.profiles.overall)
    threads = (sweep.threads or 0) if sweep.on_cpu else 0
    return network if found is None else replace(network, batching=found, threads=threads)


def _at_another_size(model: DeployedModel, height: int, width: int) -> Batching:
    batching = from_profile(model.profiles.overall)
    return replace(batching, origin=f"{batching.origin} (it was measured at {height}x{width} alone)")
