"""What the manifest of a Triton bundle says beside what any says: where each figure of its batches is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from batchproof.deploy.bundle_kind import BundleKind
from batchproof.deploy.bundle_manifest import about, constants, manifest_text
from batchproof.deploy.triton import paths
from batchproof.deploy.triton.memory import shared_memory
from batchproof.deploy.triton.network import Network
from batchproof.deploy.triton.plan import RepositoryPlan
from batchproof.deploy.triton.tensors import NetworkTensor

# A plan in the repository is a copy of an engine; one that outlives its graph would be served without a word.
_COPIED_PLANS = (f"{paths.REPOSITORY}/*/{paths.VERSION}/{paths.PLAN}*",)
KIND = BundleKind("batchproof triton bundle", (paths.ENGINES,), _COPIED_PLANS)


def repository_manifest(plan: RepositoryPlan, texts: Mapping[str, str]) -> str:
    """Write the manifest; `texts` are the other files that the plan decides."""
    memory = shared_memory(plan)
    content = {
        "backend": plan.backend,
        "faces": {
            "max_batch_size": plan.frames,
            "instances": plan.instances,
            "max_queue_delay_microseconds": plan.detector.batching.delay_us,
            "parameters": asdict(plan.parameters),
            "outputs": {output.name: [output.data_type, list(output.dims)] for output in plan.outputs},
        },
        "shared_memory": {"mib": memory.mib, "origin": memory.origin},
        "detector": _network(plan.detector),
        "on_faces": [_network(network) for network in plan.networks[1:]],
        "never_run": list(plan.never_run),
    }
    return manifest_text(KIND, plan.pack, plan.target, content, texts, plan.files)


def _network(network: Network) -> dict[str, Any]:
    model, batching = network.model, network.batching
    return {
        **about(model),
        "model": model.stem,
        "profile": model.profiles.text,
        "max_batch_size": model.largest_batch,
        "preferred_batch_size": {"value": list(batching.preferred), "origin": batching.origin},
        "max_queue_delay_microseconds": {"value": batching.delay_us, "origin": batching.delay_origin},
        "images_a_request": batching.request,
        "tensors_from": network.tensors_from,
        "inputs": dict([_tensor(network.tensors.input)]),
        "outputs": dict(map(_tensor, network.tensors.outputs)),
        "constants": constants(model),
    }


def _tensor(tensor: NetworkTensor) -> tuple[str, list[Any]]:
    return tensor.name, [tensor.data_type, list(tensor.dims)]
