"""The export stage: every source becomes `export/<model>.onnx`, the original that later stages are measured against."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import onnx

from batchproof.artifacts import layout, onnx_file
from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.export.torch_module import require_torch
from batchproof.settings import Settings
from batchproof.verdict import Status, Verdict
from batchproof.zoo.pack import CheckpointSource, OnnxSource, Pack, PackModel, SeededSource

if TYPE_CHECKING:
    from torch import nn

STAGE = "export"
_TORCH_TOOLS = ("torch", "onnx", "onnx-ir", "onnxruntime", "onnxruntime-gpu")


def plan(pack: Pack, settings: Settings) -> list[Step]:
    """One step a model; nothing in `settings` changes an export."""
    del settings
    if any(not isinstance(model.source, OnnxSource) for model in pack.models):
        require_torch()
    return [_step(model) for model in pack.models]


def _step(model: PackModel) -> Step:
    source = model.source
    settings: dict[str, object] = {"source": type(source).__name__}
    if not isinstance(source, OnnxSource):
        settings["architecture"] = source.architecture
    if isinstance(source, SeededSource):
        settings["seed"] = source.seed
    return Step(
        STAGE,
        "export",
        model.name,
        partial(_produce, model),
        produces=(layout.exported(model.name),),
        sources=() if isinstance(source, SeededSource) else (source.path,),
        settings=settings,
        tools=("onnx",) if isinstance(source, OnnxSource) else _TORCH_TOOLS,
    )


def _produce(model: PackModel, workspace: Workspace) -> Outcome:
    return Outcome(export(model, workspace.outputs[0]), {"reason": model.reason})


def export(model: PackModel, output: Path) -> tuple[Verdict, ...]:
    """Write the ONNX file of `model` to `output`, and say how it was checked.

    An ONNX source is taken over as it is, byte for byte, so that later stages are measured against the very original;
    external data move inside. A network is exported with a free batch and compared with PyTorch.
    """
    if isinstance(model.source, OnnxSource):
        return (_take_over(model.name, model.source.path, output, model.reason),)
    return (_from_torch(model, _network(model.source), output),)


def _take_over(subject: str, source: Path, output: Path, reason: str) -> Verdict:
    if onnx_file.external_files(source):
        onnx.save(onnx_file.read(source), output)
        return Verdict("export.taken_over", subject, Status.PASS, f"{reason}; external data moved inside")
    shutil.copyfile(source, output)
    same = content_sha256(source) == content_sha256(output)
    status = Status.PASS if same else Status.FAIL
    return Verdict("export.taken_over", subject, status, f"{reason}; {'' if same else 'not '}copied byte for byte")


def _from_torch(model: PackModel, network: nn.Module, output: Path) -> Verdict:
    from batchproof.export.check import check_against_torch
    from batchproof.export.exporter import export_onnx

    export_onnx(network, model.spec, output, metadata=_metadata(model))
    return check_against_torch(network, model.spec, output, model.name)


def _network(source: CheckpointSource | SeededSource) -> nn.Module:
    from batchproof.export.checkpoint import load_state_dict
    from batchproof.export.networks.catalogue import architecture
    from batchproof.export.seeded import seeded

    if isinstance(source, SeededSource):
        return seeded(source.architecture, source.seed)
    return architecture(source.architecture).filled(load_state_dict(source.path))


def _metadata(model: PackModel) -> dict[str, str]:
    spec, source = model.spec, model.source
    facts = {
        "family": spec.family,
        "preprocessing": f"{spec.input.colour}, (pixel - {spec.input.mean}) / {spec.input.std}",
        "licence": model.licence,
    }
    if isinstance(source, CheckpointSource):
        facts |= {"architecture": source.architecture, "source_sha256": content_sha256(source.path)}
    if isinstance(source, SeededSource):
        facts |= {"architecture": source.architecture, "seed": str(source.seed)}
    return {f"batchproof.{key}": value for key, value in facts.items()}
