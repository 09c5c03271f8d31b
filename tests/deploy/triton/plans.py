"""Plans of repositories without files, and how their texts are read back: by Triton's own protobuf."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from batchproof.deploy.deployed_model import DeployedModel
from batchproof.deploy.triton.network import Network
from batchproof.deploy.triton.plan import Backend, RepositoryPlan
from batchproof.profile import EngineProfiles
from batchproof.targets import all_targets, target
from batchproof.zoo import families
from batchproof.zoo.pack import DEMO, PUBLISHED_PACKS
from batchproof.zoo.published_specs import PUBLISHED_SPECS
from batchproof.zoo.spec import ModelSpec, Precision

RELEASES = tuple(known.name for known in all_targets() if known.family == "triton")
BACKENDS: tuple[Backend, ...] = ("tensorrt", "onnxruntime", "python")
HEADS = {
    "2d106det": families.landmarks(size=192, channels=212, normalised_in_graph=True),
    "1k3d68": families.landmarks(size=192, channels=3309, normalised_in_graph=True),
    "genderage": families.genderage(size=96, normalised_in_graph=True),
}

PACKS: dict[str, dict[str, ModelSpec]] = {
    DEMO.name: {model.name: model.spec for model in DEMO.models},
    **{pack: {name: PUBLISHED_SPECS[name] for name in names} for pack, names in PUBLISHED_PACKS.items()},
}


def network(name: str, spec: ModelSpec, profiles: str = "1,16,32", precision: Precision = "fp16") -> Network:
    model = DeployedModel(name, precision, spec, EngineProfiles.parse(profiles), "declared by the test", licence="free")
    return Network.of_spec(model)


def plan(release: str = "triton-26.07", backend: Backend = "tensorrt", **changes: Any) -> RepositoryPlan:
    """A detector, an embedder and three heads."""
    made = RepositoryPlan(
        target(release),
        "pack",
        backend,
        network("det", families.scrfd()),
        network("emb", families.arcface(), "1,8,16"),
        tuple(network(name, spec, "1,4,8") for name, spec in HEADS.items()),
        frames=8,
    )
    return replace(made, **changes)


def pack_plan(release: str, backend: Backend, pack: str) -> RepositoryPlan:
    """The repository of a known pack; detector and embedder stand first."""
    precision: Precision = "fp16" if backend == "tensorrt" else "fp32"
    detector, embedder, *heads = (network(name, spec, precision=precision) for name, spec in PACKS[pack].items())
    return plan(release, backend, pack=pack, detector=detector, embedder=embedder, heads=tuple(heads), frames=32)


def read_config(text: str) -> Any:
    """Read a config.pbtxt as the server does; an unknown field or name raises `ParseError`."""
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def parameters(config: Any) -> dict[str, str]:
    return {name: value.string_value for name, value in config.parameters.items()}


def type_name(value: int) -> str:
    name: str = model_config_pb2.DataType.Name(value)
    return name
