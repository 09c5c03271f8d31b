"""The plan of a bundle, from a store that a run with this target has left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batchproof.artifacts.manifest import Manifest
from batchproof.deploy.deepstream import paths
from batchproof.deploy.deepstream.plan import BundlePlan, deepstream_version
from batchproof.deploy.deployed_model import DeployedModel
from batchproof.deploy.engine_description import read_description
from batchproof.deploy.store_jobs import StoreJobs
from batchproof.deploy.store_models import StoreModels
from batchproof.targets import Target
from batchproof.zoo.spec import Precision


@dataclass(frozen=True)
class Wishes:
    """What a user asks for; an empty name means the only model of its role."""

    precision: Precision
    detector: str = ""
    embedder: str = ""
    streams: int = 4
    faces: int = 64


def plan_from_store(root: Path, manifest: Manifest, target: Target, wishes: Wishes) -> BundlePlan:
    """Plan a bundle of the models in the store at `root` that have a job for `target`.

    Raises `InputError` when the store has none, or not one detector and one embedder, and for a plan that no bundle
    can carry out; `StepFailedError` when a verdict on one of them failed, `StoreError` when a description is damaged.
    """
    deepstream_version(target)
    target.check_precision(wishes.precision)
    models = StoreModels(root, manifest, target.name)
    jobs = StoreJobs(models, wishes.precision)
    jobs.require_any()
    detector = models.only("detector", wishes.detector)
    names = [detector, models.only("embedder", wishes.embedder), *models.heads(jobs.has)]
    files = jobs.files(names, paths.ENGINES)
    deployed = [_deployed(jobs, name) for name in names]
    return BundlePlan(
        target=target,
        pack=models.pack,
        detector=deployed[0],
        embedder=deployed[1],
        heads=tuple(deployed[2:]),
        streams=wishes.streams,
        faces=wishes.faces,
        files=files,
    )


def _deployed(jobs: StoreJobs, name: str) -> DeployedModel:
    jobs.models.require_deployable(name, jobs.precision)
    graph, _, described = jobs.artifacts(name)
    spec = jobs.models.manifest.models[name].spec
    profiles = read_description(jobs.models.root / described.path, spec).engine_profiles()
    return jobs.models.deployed(name, jobs.precision, profiles, graph.sha256)
