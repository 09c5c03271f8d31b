"""The validate stage: the probe and the parity of every built session file, judged by the policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from batchproof.artifacts import json_file, layout
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.policy import PrecisionLimits, ProbeLimits
from batchproof.profile import Profile
from batchproof.settings import PRECISIONS, Settings
from batchproof.validate.chain.steps import plan_chains
from batchproof.validate.probe_file import ProbeFile, store_path
from batchproof.validate.thumbnails import thumbnail_step
from batchproof.zoo.pack import Pack, PackModel
from batchproof.zoo.spec import ModelSpec, Precision

if TYPE_CHECKING:
    from batchproof.pipeline.pictures import Picture

STAGE = "validate"
_TOOLS = (
    "onnxruntime",
    "onnxruntime-gpu",
    "numpy",
    "opencv-python",
    "opencv-python-headless",
    "insightface",
    "scikit-image",
)


def plan(pack: Pack, settings: Settings) -> list[Step]:
    """Three steps for a model in one precision: proof, probe and parity with insightface; then the chains of pairs."""
    from batchproof.pipeline.pictures import picture_files

    pictures = tuple(picture_files(settings.images))
    each = [
        step
        for model in pack.models
        for precision in PRECISIONS
        for step in (
            _proof(model, precision),
            _probe(model, precision, settings, pictures, _finder(pack, model) if _aligned(model) else None),
            _parity(model, precision, settings, pictures, _finder(pack, model)),
        )
    ]
    return [*each, *plan_chains(pack.models, settings, pictures, _TOOLS), thumbnail_step(pack.name, pictures)]


def _finder(pack: Pack, model: PackModel) -> PackModel | None:
    """Choose the detector that finds faces for `model`; one with landmarks where faces must be aligned by them."""
    if model.spec.role == "detector":
        return None
    detectors = (other for other in pack.models if other.spec.role == "detector")
    return next((other for other in detectors if other.spec.has_keypoints or not _aligned(model)), None)


def _aligned(model: PackModel) -> bool:
    return model.spec.role == "embedder"


def _proof(model: PackModel, precision: Precision) -> Step:
    subject = f"{model.name}.{precision}"
    return Step(
        STAGE,
        "proof",
        subject,
        partial(_proof_action, subject),
        parents=(layout.exported(model.name), layout.repaired(model.name, precision)),
        tools=("onnx",),
    )


def _probe(
    model: PackModel, precision: Precision, settings: Settings, pictures: tuple[Path, ...], finder: PackModel | None
) -> Step:
    from batchproof.validate.isolation import POOL

    limits, profile = settings.policy.limits(precision).probe, settings.profiles.overall(model.name)
    subject = f"{model.name}.{precision}"
    return Step(
        STAGE,
        "probe",
        subject,
        partial(_probe_action, model.spec, limits, profile, subject, finder),
        parents=(
            layout.session(model.name, precision),
            layout.repaired(model.name, precision),
            *([layout.exported(finder.name)] if finder else []),
        ),
        produces=(store_path(model.name, precision),),
        sources=pictures[:POOL],
        settings={"limits": asdict(limits), "profile": asdict(profile)},
        tools=_TOOLS,
    )


def _parity(
    model: PackModel, precision: Precision, settings: Settings, pictures: tuple[Path, ...], finder: PackModel | None
) -> Step:
    limits, profile = settings.policy.limits(precision), settings.profiles.overall(model.name)
    return Step(
        STAGE,
        "parity",
        f"{model.name}.{precision}",
        partial(_parity_action, model.spec, limits, profile, f"{model.name}.{precision}", finder),
        parents=(
            layout.exported(model.name),
            layout.session(model.name, precision),
            *([layout.exported(finder.name)] if finder else []),
        ),
        sources=pictures,
        settings={"limits": asdict(limits), "profile": asdict(profile)},
        tools=_TOOLS,
    )


def _proof_action(subject: str, workspace: Workspace) -> Outcome:
    """Prove the graph that was built; what the proof says of the original is a note, for nobody deploys it."""
    from batchproof.artifacts import onnx_file
    from batchproof.validate.judge import judge_independence

    original, repaired = (judge_independence(onnx_file.read(path), subject) for path in workspace.parents)
    return Outcome((repaired,), {"original": f"{original.status.value}: {original.reason}"})


def _probe_action(
    spec: ModelSpec,
    limits: ProbeLimits,
    profile: Profile,
    subject: str,
    detector: PackModel | None,
    workspace: Workspace,
) -> Outcome:
    """Probe the session file, and the graph with every optimisation off: a defect may show only one way round."""
    from batchproof.pipeline.pictures import read_picture
    from batchproof.runtime import OnnxRuntimeRunner
    from batchproof.validate.findings import verdicts
    from batchproof.validate.isolation import probe_model

    session, graph, *finder = workspace.parents
    runners = {"session": OnnxRuntimeRunner(session), "unoptimised": OnnxRuntimeRunner(graph, optimised=False)}
    pictures = [read_picture(path) for path in workspace.sources]
    if finder and detector:
        pictures = _faces(pictures, finder[0], detector.spec, spec, profile) or pictures
    pixels = [picture.pixels for picture in pictures]
    results = [
        result for label, runner in runners.items() for result in probe_model(runner, label, spec, pixels, profile)
    ]
    workspace.outputs[0].write_bytes(json_file.write(ProbeFile(subject, tuple(results))))
    return Outcome(tuple(verdict for result in results for verdict in verdicts(result, subject, limits)))


def _faces(
    pictures: Sequence[Picture], finder: Path, detector: ModelSpec, embedder: ModelSpec, profile: Profile
) -> list[Picture]:
    """Align the faces that insightface's detector finds: what an embedder sees beside one face are others."""
    from batchproof.pipeline.decode import DetectionSettings
    from batchproof.validate.crops import face_crops
    from batchproof.validate.oracle import OracleDetector

    oracle, detection = OracleDetector(finder, detector), DetectionSettings(height=profile.height, width=profile.width)
    found = [oracle.observe(picture.pixels, detection).detections for picture in pictures]
    return face_crops(pictures, found, embedder.input.height or 0)


def _parity_action(
    spec: ModelSpec,
    limits: PrecisionLimits,
    profile: Profile,
    subject: str,
    detector: PackModel | None,
    workspace: Workspace,
) -> Outcome:
    from batchproof.pipeline.decode import DetectionSettings
    from batchproof.pipeline.pictures import read_picture
    from batchproof.runtime import OnnxRuntimeRunner
    from batchproof.validate.judge import judge_parity
    from batchproof.validate.oracle import OracleDetector
    from batchproof.validate.parity import ParitySettings

    original, session, *finder = workspace.parents
    detection = DetectionSettings(height=profile.height, width=profile.width)
    chosen = ParitySettings(subject, limits, profile.optimum, detection)
    faces = OracleDetector(finder[0], detector.spec) if finder and detector else None
    pictures = [read_picture(path) for path in workspace.sources]
    return Outcome(tuple(judge_parity(original, OnnxRuntimeRunner(session), spec, pictures, chosen, faces)))
