"""The manifest of a bundle: what any bundle says of itself, of its models, and of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import batchproof
from batchproof.deploy.bundle_kind import BundleKind
from batchproof.deploy.deployed_model import DeployedModel
from batchproof.targets import Target

FORMAT = 1
UNKNOWN = "unknown"


def manifest_text(
    kind: BundleKind,
    pack: str,
    target: Target,
    content: Mapping[str, Any],
    texts: Mapping[str, str],
    copied: Mapping[str, str],
    **release: Any,
) -> str:
    """Write a manifest: what it is for, `content`, and the hashes of all files.

    `texts` are the files that the plan decides, `copied` the hashes of the others, `release` is what else is known of
    the target.
    """
    known = {
        "product": target.product,
        "tensorrt": target.tensorrt or UNKNOWN,
        "cuda": target.cuda or UNKNOWN,
        "container": target.container,
        "unconfirmed": list(target.unconfirmed),
    }
    head = {
        "kind": kind.name,
        "format": FORMAT,
        "batchproof": batchproof.__version__,
        "pack": pack,
        "target": target.name,
        "release": {**known, **release},
    }
    files = {**{path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()}, **copied}
    return json.dumps({**head, **content, "files": dict(sorted(files.items()))}, indent=1) + "\n"


def about(model: DeployedModel) -> dict[str, Any]:
    """Say what a model is, where it comes from, and what was found of it."""
    return {
        "name": model.name,
        "role": model.spec.role,
        "family": model.spec.family,
        "precision": model.precision,
        "source": model.source or UNKNOWN,
        "licence": model.licence or UNKNOWN,
        "onnx_sha256": model.sha256 or UNKNOWN,
        "verdicts": {verdict.check: verdict.status.value for verdict in model.verdicts} or UNKNOWN,
    }


def constants(model: DeployedModel) -> dict[str, Any]:
    """Say how its pixels are normalised, and who says so."""
    image = model.spec.input
    return {"mean": image.mean, "std": image.std, "colour": image.colour, "origin": model.reason or UNKNOWN}
