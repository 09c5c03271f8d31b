"""All texts of a bundle, as a pure function of its plan, and the sources that belong to it."""

from __future__ import annotations

from pathlib import Path

from batchproof.deploy.bundle_kind import MANIFEST
from batchproof.deploy.deepstream import paths
from batchproof.deploy.deepstream.app import app_groups
from batchproof.deploy.deepstream.inferserver import server_files
from batchproof.deploy.deepstream.key_file import Group, ini, yaml
from batchproof.deploy.deepstream.manifest import bundle_manifest
from batchproof.deploy.deepstream.nvinfer import detector_groups, secondary_groups
from batchproof.deploy.deepstream.plan import BundlePlan
from batchproof.deploy.deepstream.preprocess import preprocess_groups
from batchproof.deploy.deepstream.readme import readme
from batchproof.deploy.deepstream.scripts import scripts
from batchproof.deploy.deepstream.tracker import tracker_config

_SOURCES = Path(__file__).with_name("bundle")
_BUILT = frozenset({"build", "__pycache__"})  # by make, and by Python for whoever ran an application there


def bundle_files(plan: BundlePlan, sources: dict[str, str] | None = None) -> dict[str, str]:
    """Return the texts of a bundle by their paths in it; the same plan gives the same bytes.

    `sources` are files that are part of the bundle as they are. The manifest, which lists all others and what `plan`
    says will be copied, is the last. Raises `InputError` when the target has no container.
    """
    texts = {
        **_configurations(plan),
        **server_files(plan),
        **scripts(plan),
        "README.md": readme(plan),
        **(sources or {}),
    }
    return {**texts, MANIFEST: bundle_manifest(plan, texts)}


def library_sources() -> dict[str, str]:
    """Read the sources of libraries and applications by their paths in a bundle: `bundle/` but for what was built."""
    found = {path.relative_to(_SOURCES): path for path in sorted(_SOURCES.rglob("*")) if path.is_file()}
    return {
        name.as_posix(): path.read_text(encoding="utf-8")
        for name, path in found.items()
        if not _BUILT.intersection(name.parts)
    }


def _configurations(plan: BundlePlan) -> dict[str, str]:
    product = plan.target.product
    name = plan.detector.name
    files = {
        **_twins(
            paths.detector_config(plan.detector),
            f"nvinfer of {product}: {name}, its landmarks carried as instance masks.",
            detector_groups(plan, "landmarks"),
        ),
        **_twins(
            paths.detector_config(plan.detector, "_boxes"),
            f"nvinfer of {product}: {name}, boxes alone; its faces cannot be aligned.",
            detector_groups(plan, "boxes"),
        ),
    }
    for secondary in plan.secondaries:
        model = secondary.model
        files |= _twins(
            paths.secondary_config(model),
            f"nvinfer of {product}: {model.name}, on crops from nvdspreprocess.",
            secondary_groups(plan, secondary),
        )
        crops = f"nvdspreprocess of {product}: crops for {model.name}."
        files[paths.preprocess_config(model)] = ini(crops, preprocess_groups(plan, secondary))
    return {
        **files,
        paths.APP: ini(f"deepstream-app of {product}: the whole pipeline.", app_groups(plan)),
        paths.TRACKER: tracker_config(plan),
        paths.LABELS: "face\n",
    }


def _twins(path: str, head: str, groups: tuple[Group, ...]) -> dict[str, str]:
    return {f"{path}.txt": ini(head, groups), f"{path}.yml": yaml(head, groups)}
