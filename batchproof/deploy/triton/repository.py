"""All texts of a bundle, as a pure function of its plan, and the sources that belong to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from batchproof.deploy.bundle_kind import MANIFEST
from batchproof.deploy.triton import paths
from batchproof.deploy.triton.config import network_config
from batchproof.deploy.triton.faces_config import faces_config
from batchproof.deploy.triton.manifest import repository_manifest
from batchproof.deploy.triton.pipeline_file import pipeline_file
from batchproof.deploy.triton.plan import RepositoryPlan
from batchproof.deploy.triton.readme import readme
from batchproof.deploy.triton.scripts import scripts
from batchproof.deploy.triton.serving import contract
from batchproof.deploy.triton.serving.sources import network_source, served_sources

_NO_PLAN = "sh run.sh build puts model.plan here: an engine is for one build of TensorRT and one kind of GPU.\n"


@dataclass(frozen=True)
class Sources:
    """What runs inside the server, as it is in the package: `faces` by its paths in a version, `network` one file."""

    faces: dict[str, str] = field(default_factory=dict)
    network: str = ""


def package_sources() -> Sources:
    """Read those of this installation."""
    return Sources(served_sources(), network_source())


def repository_files(plan: RepositoryPlan, sources: Sources | None = None) -> dict[str, str]:
    """Return the texts of a bundle by their paths in it; the same plan gives the same bytes.

    Without `sources` their files are left out. The manifest, which lists all others and what `plan` says will be
    copied, is the last.
    """
    texts = {
        **_configurations(plan),
        paths.version_file(contract.MODEL, contract.PIPELINE_FILE): pipeline_file(plan),
        **_sources(plan, sources or Sources()),
        **scripts(plan),
        "README.md": readme(plan),
    }
    return {**texts, MANIFEST: repository_manifest(plan, texts)}


def _configurations(plan: RepositoryPlan) -> dict[str, str]:
    files = {paths.config(contract.MODEL): faces_config(plan)}
    for network in plan.networks:
        stem = network.model.stem
        files[paths.config(stem)] = network_config(plan, network)
        if plan.on_gpu:
            files[paths.rehearsal_config(stem)] = network_config(plan, network, rehearsal=True)
    return files


def _sources(plan: RepositoryPlan, sources: Sources) -> dict[str, str]:
    files = {paths.version_file(contract.MODEL, name): text for name, text in sources.faces.items()}
    if plan.backend == "python" and sources.network:
        files |= {paths.version_file(one.model.stem, "model.py"): sources.network for one in plan.networks}
    if plan.on_gpu:
        # Also what gives a version its folder: without one the server refuses the model before it asks for a plan.
        files |= {paths.version_file(one.model.stem, "README.txt"): _NO_PLAN for one in plan.networks}
    return files
