"""`pipeline.json`, by which `faces` knows which model of the repository does what."""

from __future__ import annotations

import json
from dataclasses import asdict

from batchproof.deploy.triton.network import Network
from batchproof.deploy.triton.plan import RepositoryPlan
from batchproof.deploy.triton.serving import pipeline_file as served


def pipeline_file(plan: RepositoryPlan) -> str:
    """Write it, as `serving.pipeline_file` reads it."""
    pipeline = served.ServedPipeline(
        _network(plan.detector), _network(plan.embedder), tuple(_network(head) for head in plan.heads)
    )
    return json.dumps({"format": served.FORMAT, **asdict(pipeline)}, indent=1) + "\n"


def _network(network: Network) -> served.Network:
    model = network.model
    return served.Network(model.name, model.stem, model.spec, network.batching.request)
