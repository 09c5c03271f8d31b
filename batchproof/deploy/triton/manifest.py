"""The manifest of a bundle: what it is for, what it was made of, where each figure is from, and every file's hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import batchproof
from batchproof.deploy.bundle_kind import BundleKind
from batchproof.deploy.triton import paths
from batchproof.deploy.triton.memory import shared_memory
from batchproof.deploy.triton.network import Network
from batchproof.deploy.triton.plan import RepositoryPlan
from batchproof.deploy.triton.tensors import NetworkTensor

# A plan in the repository is a copy of an engine; one that outlives its graph would be served without a word.
_COPIED_PLANS = (f"{paths.REPOSITORY}/*/{paths.VERSION}/{paths.PLAN}*",)
KIND = BundleKind("batchproof triton bundle", (paths.ENGINES,), _COPIED_PLANS)
FORMAT = 1
_UNKNOWN = "unknown"


def repository_manifest(plan: RepositoryPlan, texts: Mapping[str, str]) -> str:
    """Write the manifest; `texts` are the other files that the plan decides."""
    target, memory = plan.target, shared_memory(plan)
    content = {
        "kind": KIND.name,
        "format": FORMAT,
        "batchproof": batchproof.__version__,
        "pack": plan.pack,
        "target": target.name,
        "release": {
            "product": target.product,
            "tensorrt": target.tensorrt or _UNKNOWN,
            "cuda": target.cuda or _UNKNOWN,
            "container": target.container,
            "unconfirmed": list(target.unconfirmed),
        },
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
        "never_run": ["the container", *(["the engines"] if plan.on_gpu else [])],
        "files": dict(sorted({**{path: _sha256(text) for path, text in texts.items()}, **plan.files}.items())),
    }
    return json.dumps(content, indent=1) + "\n"


def _network(network: Network) -> dict[str, Any]:
    model, batching = network.model, network.batching
    image = model.spec.input
    return {
        "name": model.name,
        "model": model.stem,
        "role": model.spec.role,
        "family": model.spec.family,
        "precision": model.precision,
        "source": model.source or _UNKNOWN,
        "licence": model.licence or _UNKNOWN,
        "onnx_sha256": model.sha256 or _UNKNOWN,
        "verdicts": {verdict.check: verdict.status.value for verdict in model.verdicts} or _UNKNOWN,
        "profile": model.profiles.text,
        "max_batch_size": model.largest_batch,
        "preferred_batch_size": {"value": list(batching.preferred), "origin": batching.origin},
        "max_queue_delay_microseconds": {"value": batching.delay_us, "origin": batching.delay_origin},
        "images_a_request": batching.request,
        "tensors_from": network.tensors_from,
        "inputs": dict([_tensor(network.tensors.input)]),
        "outputs": dict(map(_tensor, network.tensors.outputs)),
        "constants": {"mean": image.mean, "std": image.std, "colour": image.colour, "origin": model.reason or _UNKNOWN},
    }


def _tensor(tensor: NetworkTensor) -> tuple[str, list[Any]]:
    return tensor.name, [tensor.data_type, list(tensor.dims)]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
