"""Where everything lies in a bundle."""

from __future__ import annotations

from batchproof.deploy.triton.serving import contract

REPOSITORY, ENGINES = "model_repository", "engines"
# The one version that each model has.
VERSION = "1"
FACES = f"{REPOSITORY}/{contract.MODEL}"
PLAN, GRAPH = "model.plan", "model.onnx"
REHEARSAL = "rehearsal"
RUN_SCRIPT = "run.sh"


def config(model: str) -> str:
    """The configuration of a model of the repository."""
    return f"{REPOSITORY}/{model}/config.pbtxt"


def rehearsal_config(model: str) -> str:
    """The one for machines without a GPU, which the server takes with --model-config-name=rehearsal."""
    return f"{REPOSITORY}/{model}/configs/{REHEARSAL}.pbtxt"


def version_file(model: str, name: str) -> str:
    """A file of a model's version."""
    return f"{REPOSITORY}/{model}/{VERSION}/{name}"
