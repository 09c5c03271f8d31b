"""Plans of bundles without files, and how their texts are read back."""

from __future__ import annotations

import configparser
from dataclasses import replace
from typing import Any

import yaml

from batchproof.deploy.deepstream.plan import BundlePlan
from batchproof.deploy.deployed_model import DeployedModel
from batchproof.profile import EngineProfiles
from batchproof.targets import all_targets, target
from batchproof.zoo import families
from batchproof.zoo.spec import ModelSpec

RELEASES = tuple(known.name for known in all_targets() if known.family == "deepstream")
HEADS = {
    "2d106det": families.landmarks(size=192, channels=212, normalised_in_graph=True),
    "again": families.landmarks(size=192, channels=212, normalised_in_graph=False),
    "genderage": families.genderage(size=96, normalised_in_graph=True),
}


def model(name: str, spec: ModelSpec, profiles: str = "1,16,32", release: str = "deepstream-8.0") -> DeployedModel:
    precision = target(release).precisions[-1]
    return DeployedModel(name, precision, spec, EngineProfiles.parse(profiles), "declared by the test", licence="free")


def plan(release: str = "deepstream-8.0", **changes: Any) -> BundlePlan:
    """A detector, an embedder and three heads."""
    made = BundlePlan(
        target(release),
        "pack",
        model("det", families.scrfd(), release=release),
        model("emb", families.arcface(), "1,8,16", release),
        tuple(model(name, spec, "1,4,8", release) for name, spec in HEADS.items()),
    )
    return replace(made, **changes)


def read_ini(text: str) -> dict[str, dict[str, str]]:
    """Read INI as GLib's key files are: no comments behind values, keys with their case, nothing twice."""
    parser = configparser.ConfigParser(
        delimiters=("=",), comment_prefixes=("#",), inline_comment_prefixes=None, interpolation=None, strict=True
    )
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


def read_yaml(text: str) -> dict[str, dict[str, Any]]:
    """Read YAML, without the first line of NVIDIA's trackers, which is none."""
    read: dict[str, dict[str, Any]] = yaml.safe_load(text.removeprefix("%YAML:1.0\n"))
    return read
