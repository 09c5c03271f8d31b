"""Where everything lies in a bundle. Configurations name files relative to their own folder, which is one below."""

from __future__ import annotations

from batchproof.deploy.deployed_model import DeployedModel

CONFIGS, ENGINES, TRITON = "configs", "engines", "triton"
REPOSITORY = "triton/model_repository"
LABELS, TRACKER, APP = "configs/labels.txt", "configs/tracker.yml", "configs/app.txt"
# What the Makefile builds, and DeepStream brings.
PARSER, ALIGNER = "build/libbatchproof_scrfd_parser.so", "build/libbatchproof_align.so"
TRACKER_LIBRARY = "/opt/nvidia/deepstream/deepstream/lib/libnvds_nvmultiobjecttracker.so"
# Folders whose other files are made of the bundle by its own commands.
BUILT = ("build", ENGINES, REPOSITORY)


def detector_config(model: DeployedModel, kind: str = "") -> str:
    """The nvinfer configuration of the detector, without suffix: with landmarks, or `_boxes` alone."""
    return f"{CONFIGS}/pgie_{model.name}{kind}"


def secondary_config(model: DeployedModel) -> str:
    """The nvinfer configuration of a model on faces, without suffix."""
    return f"{CONFIGS}/sgie_{model.name}"


def preprocess_config(model: DeployedModel) -> str:
    """The nvdspreprocess configuration that makes its crops."""
    return f"{CONFIGS}/preprocess_align_{model.name}.txt"


def tensor_preprocess_config(model: DeployedModel) -> str:
    """The one for the detector in Triton, whose landmarks come as raw outputs."""
    return f"{TRITON}/preprocess_align_{model.name}.txt"


def beside(path: str) -> str:
    """Name a file of the bundle as a configuration does: from `configs/` or `triton/`."""
    return f"../{path}"
