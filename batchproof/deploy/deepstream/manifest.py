"""What the manifest of a DeepStream bundle says beside what any says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchproof.deploy.bundle_kind import BundleKind
from batchproof.deploy.bundle_manifest import about, constants, manifest_text
from batchproof.deploy.deepstream import paths
from batchproof.deploy.deepstream.nvinfer import THRESHOLD
from batchproof.deploy.deepstream.plan import BundlePlan, Secondary
from batchproof.deploy.deepstream.readme import abi_bytes
from batchproof.deploy.deployed_model import DeployedModel
from batchproof.profile import Shapes

KIND = BundleKind("batchproof deepstream bundle", paths.BUILT)


def bundle_manifest(plan: BundlePlan, texts: Mapping[str, str]) -> str:
    """Write the manifest; `texts` are the other files that the plan decides."""
    content = {
        "streams": plan.streams,
        "faces_per_frame": plan.faces,
        "score_threshold": {"value": THRESHOLD, "origin": "insightface's det_thresh"},
        "detector": _model(plan, plan.detector),
        "on_faces": [_secondary(plan, secondary) for secondary in plan.secondaries],
        "never_run": ["DeepStream", "the container", "the engines", "nvinferserver", "the tracker"],
    }
    size = abi_bytes(plan)
    return manifest_text(KIND, plan.pack, plan.target, content, texts, plan.files, object_detection_info_bytes=size)


def _secondary(plan: BundlePlan, secondary: Secondary) -> dict[str, Any]:
    ids = {"gie_unique_id": secondary.gie_id, "preprocess_unique_id": secondary.preprocess_id}
    crop = "arcface5" if secondary.model.aligned else "bbox1.5"
    return {**_model(plan, secondary.model), **ids, "crop": crop, "crop_buffers": plan.crop_buffers(secondary.model)}


def _model(plan: BundlePlan, model: DeployedModel) -> dict[str, Any]:
    profile = model.profiles.overall
    outputs = {output.name: _shapes(profile.output_shapes(model.spec, output)) for output in model.spec.outputs}
    return {
        **about(model),
        "engine": plan.engine(model),
        "profile": model.profiles.text,
        "inputs": {model.spec.input.name: _shapes(profile.input_shapes(model.spec))},
        "outputs": outputs,
        "constants": constants(model),
    }


def _shapes(shapes: Shapes) -> dict[str, Any]:
    return {
        "type": "float32",
        "minimum": list(shapes.minimum),
        "optimum": list(shapes.optimum),
        "maximum": list(shapes.maximum),
    }
