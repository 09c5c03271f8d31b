"""The export stage: every source becomes `export/<model>.onnx`, the original that later stages are measured against."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import onnx

from batchproof.artifacts import layout, onnx_file
from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.errors import InputError
from batchproof.export.options import DEFAULTS, ExportOptions
from batchproof.export.torch_module import require_torch
from batchproof.settings import Settings
from batchproof.verdict import Status, Verdict, not_run
from batchproof.zoo.pack import (
    ConfiguredSource,
    NetworkSource,
    OnnxSource,
    Pack,
    PackModel,
    RecoveredSource,
    SeededSource,
    Source,
)

if TYPE_CHECKING:
    from torch import nn

    from batchproof.policy import ExportLimits

STAGE = "export"
_TORCH_TOOLS = ("torch", "onnx", "onnx-ir", "onnxruntime", "onnxruntime-gpu")


def plan(pack: Pack, settings: Settings) -> list[Step]:
    """One step a model; of the settings only the policy's limits decide, and only about networks."""
    if any(not isinstance(model.source, OnnxSource) for model in pack.models):
        require_torch()
    return [_step(model, settings.policy.export) for model in pack.models]


def _step(model: PackModel, limits: ExportLimits) -> Step:
    source = model.source
    settings: dict[str, object] = {"source": type(source).__name__}
    if not isinstance(source, OnnxSource):
        # The input for its preprocessing: it goes into the metadata, and a configuration's bases may decide it.
        settings |= {
            "architecture": source.architecture,
            "input": asdict(model.spec.input),
            "limits": asdict(limits),
        }
    if isinstance(source, SeededSource):
        settings["seed"] = source.seed
    return Step(
        STAGE,
        "export",
        model.name,
        partial(_produce, model, limits),
        produces=(layout.exported(model.name),),
        sources=_files(source),
        settings=settings,
        tools=("onnx",) if isinstance(source, OnnxSource) else _TORCH_TOOLS,
    )


def _files(source: Source) -> tuple[Path, ...]:
    if isinstance(source, SeededSource):
        return ()
    configs = source.configs if isinstance(source, ConfiguredSource) else ()
    return (source.path, *(config.path for config in configs))


def _produce(model: PackModel, limits: ExportLimits, workspace: Workspace) -> Outcome:
    return Outcome(export(model, workspace.outputs[0], limits), {"reason": model.reason})


def export(
    model: PackModel, output: Path, limits: ExportLimits, options: ExportOptions = DEFAULTS
) -> tuple[Verdict, ...]:
    """Write the ONNX file of `model` to `output`, and say how it was checked.

    An ONNX source is taken over as it is, byte for byte, so that later stages are measured against the very original;
    external data move inside, and `options` are refused with an `InputError`. A network is exported with a free batch
    and compared with PyTorch; where its weights were recovered, PyTorch is compared with their ONNX file before, and
    when that fails, the other comparison is not made. `limits` judge both.
    """
    if isinstance(model.source, OnnxSource):
        if options != DEFAULTS:
            remedy = "Leave the options away, export a checkpoint, or recover the weights with --recover"
            raise InputError("an ONNX file is taken over as it is", where=model.source.path, remedy=remedy)
        return (_take_over(model.name, model.source.path, output, model.reason),)
    return _from_torch(model, model.source, output, limits, options)


def _take_over(subject: str, source: Path, output: Path, reason: str) -> Verdict:
    if onnx_file.external_files(source):
        onnx.save(onnx_file.read(source), output)
        return Verdict("export.taken_over", subject, Status.PASS, f"{reason}; external data moved inside")
    shutil.copyfile(source, output)
    same = content_sha256(source) == content_sha256(output)
    status = Status.PASS if same else Status.FAIL
    return Verdict("export.taken_over", subject, status, f"{reason}; {'' if same else 'not '}copied byte for byte")


def _from_torch(
    model: PackModel, source: NetworkSource, output: Path, limits: ExportLimits, options: ExportOptions
) -> tuple[Verdict, ...]:
    from batchproof.export.check import CHECK, check_against_torch
    from batchproof.export.exporter import export_onnx
    from batchproof.export.heads import UnitEmbedding
    from batchproof.export.source_network import network_of

    network = network_of(source)
    recovered = _against_original(model, source, network, limits)
    of_unit_length = isinstance(network, UnitEmbedding)  # a recovered one may be already
    if options.unit_embedding and not of_unit_length:
        _require_embedder(model)
        network, of_unit_length = UnitEmbedding(network), True
    metadata = _metadata(model, of_unit_length=of_unit_length)
    export_onnx(network, model.spec, output, options=options, metadata=metadata)
    if not all(recovered):
        return (*recovered, not_run(CHECK, model.name, "the recovered network failed the comparison with its original"))
    return (*recovered, check_against_torch(network, model.spec, output, model.name, limits))


def _against_original(
    model: PackModel, source: NetworkSource, network: nn.Module, limits: ExportLimits
) -> tuple[Verdict, ...]:
    from batchproof.export.recovery.check import check_against_original

    if not isinstance(source, RecoveredSource):
        return ()
    return check_against_original(network, model.spec, source.path, model.name, limits)


def _require_embedder(model: PackModel) -> None:
    if model.spec.role != "embedder":
        raise InputError(f"{model.name} is a {model.spec.role}", remedy="Only an embedder has embeddings to normalise")


def _metadata(model: PackModel, *, of_unit_length: bool) -> dict[str, str]:
    spec, source = model.spec, model.source
    facts = {
        "family": spec.family,
        "preprocessing": f"{spec.input.colour}, (pixel - {spec.input.mean}) / {spec.input.std}",
        "licence": model.licence,
    }
    if not isinstance(source, OnnxSource):
        facts["architecture"] = source.architecture
    if isinstance(source, SeededSource):
        facts["seed"] = str(source.seed)
    else:
        facts["source_sha256"] = content_sha256(source.path)
    if isinstance(source, ConfiguredSource):
        facts["config_sha256"] = source.configs[0].sha256
    if of_unit_length:
        facts["embedding"] = "of length 1"
    return {f"batchproof.{key}": value for key, value in facts.items()}
