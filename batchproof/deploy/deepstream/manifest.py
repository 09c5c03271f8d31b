"""The manifest of a bundle: what it is for, what it was made of, and the hash of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import batchproof
from batchproof.deploy.bundle_kind import BundleKind
from batchproof.deploy.deepstream import paths
from batchproof.deploy.deepstream.nvinfer import THRESHOLD
from batchproof.deploy.deepstream.plan import BundlePlan, Secondary
from batchproof.deploy.deepstream.readme import abi_bytes
from batchproof.deploy.deployed_model import DeployedModel
from batchproof.profile import Shapes

KIND = BundleKind("batchproof deepstream bundle", paths.BUILT)
FORMAT = 1
_UNKNOWN = "unknown"


def bundle_manifest(plan: BundlePlan, texts: Mapping[str, str]) -> str:
    """Write the manifest; `texts` are the other files that the plan decides."""
    target = plan.target
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
            "object_detection_info_bytes": abi_bytes(plan),
        },
        "streams": plan.streams,
        "faces_per_frame": plan.faces,
        "score_threshold": {"value": THRESHOLD, "origin": "insightface's det_thresh"},
        "detector": _model(plan, plan.detector),
        "on_faces": [_secondary(plan, secondary) for secondary in plan.secondaries],
        "never_run": ["DeepStream", "the container", "the engines", "nvinferserver", "the tracker"],
        "files": dict(sorted({**{path: _sha256(text) for path, text in texts.items()}, **plan.files}.items())),
    }
    return json.dumps(content, indent=1) + "\n"


def _secondary(plan: BundlePlan, secondary: Secondary) -> dict[str, Any]:
    ids = {"gie_unique_id": secondary.gie_id, "preprocess_unique_id": secondary.preprocess_id}
    crop = "arcface5" if secondary.model.aligned else "bbox1.5"
    return {**_model(plan, secondary.model), **ids, "crop": crop, "crop_buffers": plan.crop_buffers(secondary.model)}


def _model(plan: BundlePlan, model: DeployedModel) -> dict[str, Any]:
    image, profile = model.spec.input, model.profiles.overall
    outputs = {output.name: _shapes(profile.output_shapes(model.spec, output)) for output in model.spec.outputs}
    return {
        "name": model.name,
        "role": model.spec.role,
        "family": model.spec.family,
        "precision": model.precision,
        "source": model.source or _UNKNOWN,
        "licence": model.licence or _UNKNOWN,
        "onnx_sha256": model.sha256 or _UNKNOWN,
        "verdicts": {verdict.check: verdict.status.value for verdict in model.verdicts} or _UNKNOWN,
        "engine": plan.engine(model),
        "profile": model.profiles.text,
        "inputs": {image.name: _shapes(profile.input_shapes(model.spec))},
        "outputs": outputs,
        "constants": {"mean": image.mean, "std": image.std, "colour": image.colour, "origin": model.reason or _UNKNOWN},
    }


def _shapes(shapes: Shapes) -> dict[str, Any]:
    return {
        "type": "float32",
        "minimum": list(shapes.minimum),
        "optimum": list(shapes.optimum),
        "maximum": list(shapes.maximum),
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
