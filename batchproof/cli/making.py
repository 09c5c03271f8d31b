"""Verbs that make one file from another: export and build."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batchproof.cli.app import app
from batchproof.cli.options import (
    Json,
    Output,
    PolicyOption,
    Raw,
    policy_of,
)
from batchproof.cli.outcome import conclude, stop_if_failed
from batchproof.errors import InputError
from batchproof.export.options import DEFAULTS, NEWEST_OPSET, OLDEST_OPSET, Exporter, ExportOptions
from batchproof.zoo.pack import OnnxSource, PackModel

if TYPE_CHECKING:
    from batchproof.policy import SurgeryLimits
    from batchproof.surgery.raw_input import RawInput
    from batchproof.verdict import Verdict

_CHECKED_SIZE = (96, 160)  # height and width of the pictures of noise that a folded detector is checked on


@app.command()
def export(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A checkpoint (.pt, .pth, .safetensors) or an ONNX file.", show_default=False
        ),
    ],
    output: Output,
    opset: Annotated[
        int, typer.Option("--opset", min=OLDEST_OPSET, max=NEWEST_OPSET, help="Of the graph of a checkpoint.")
    ] = DEFAULTS.opset,
    exporter: Annotated[Exporter, typer.Option("--exporter", help="Which of torch's two.")] = DEFAULTS.exporter,
    unit_embedding: Annotated[
        bool, typer.Option("--unit-embedding", help="Divide each embedding by its length, in the graph.")
    ] = DEFAULTS.unit_embedding,
    raw: Raw = None,
    recover: Annotated[
        bool,
        typer.Option("--recover", help="Take the weights out of an ONNX file and export their network anew."),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="mmdet.py",
            help="What your own SCRFD was trained as. It is Python: more than plain data is refused unrun.",
            show_default=False,
        ),
    ] = None,
    policy: PolicyOption = None,
    as_json: Json = False,
) -> None:
    """Export a PyTorch checkpoint with a free batch, or take an ONNX file in; the architecture is recognised.

    Example: batchproof export mobilefacenet_112.pt -o mobilefacenet.onnx
    """
    from batchproof.artifacts.output_file import replacing
    from batchproof.console import working
    from batchproof.export import stage
    from batchproof.surgery.raw_input import RawInput

    limits = policy_of(policy)
    model = _resolved(source, config, recover=recover)
    raw_input = None if raw is None else RawInput.parse(raw)
    if raw_input is not None and isinstance(model.source, OnnxSource):
        raise InputError("an ONNX file is taken over as it is", where=source, remedy="Use batchproof surgery --raw")
    with working(f"exporting {source.name}"), replacing(output) as written:
        verdicts = stage.export(model, written, limits.export, ExportOptions(exporter, opset, unit_embedding))
        stop_if_failed(verdicts, as_json)
        if raw_input is not None:
            verdicts += _fold(written, raw_input, limits.surgery, model.name)
            stop_if_failed(verdicts, as_json)
    conclude(verdicts, as_json, output=str(output), family=model.spec.family, reason=model.reason)


def _resolved(source: Path, config: Path | None, *, recover: bool) -> PackModel:
    from batchproof.export.resolve import configured_model, recovered_model, resolve_file

    if recover and config is not None:
        raise InputError("--recover and --config exclude each other", remedy="--config belongs to a checkpoint")
    if config is not None:
        return configured_model(source, config)
    return recovered_model(source) if recover else resolve_file(source)


def _fold(path: Path, raw: RawInput, limits: SurgeryLimits, name: str) -> tuple[Verdict, ...]:
    """Put the preprocessing into an exported graph: surgery knows how, whatever the graph comes from."""
    import onnx

    from batchproof.artifacts import onnx_file
    from batchproof.surgery import stage

    graph, _, verdicts = stage.fold_and_check(onnx_file.read(path), raw, limits, _CHECKED_SIZE, name)
    onnx.helper.set_model_props(
        graph,
        {entry.key: entry.value for entry in graph.metadata_props} | {"batchproof.preprocessing": "in the graph"},
    )
    onnx.save(graph, path)
    return verdicts
