"""Verbs that judge one file: prove, probe, parity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from batchproof.cli.app import app
from batchproof.cli.options import (
    Images,
    Json,
    Model,
    PolicyOption,
    Profiles,
    SizeOption,
    recognised,
    settings_of,
)
from batchproof.cli.outcome import conclude
from batchproof.errors import InputError

if TYPE_CHECKING:
    from batchproof.validate.findings import ProbeResult
    from batchproof.validate.independence import Proof
    from batchproof.verdict import Verdict


@app.command()
def prove(model: Model, as_json: Json = False) -> None:
    """Prove that no frame of a batch influences another, for every batch size; nothing is executed for the proof.

    Refuted: names the node and why, and looks for a witness on ONNX Runtime. Exit code 0 proven, 1 refuted, 3 unknown.
    """
    from batchproof.artifacts import onnx_file
    from batchproof.console import working
    from batchproof.validate.independence import prove as prove_independence
    from batchproof.verdict import Verdict

    graph = onnx_file.read_graph(model)
    with working(f"proving {model.name}"):
        proof = prove_independence(graph)
        sentence = _witnessed(model, proof) if proof.status.is_failure else None
    facts: dict[str, Any] = {"verdict": proof.status.value, "node": proof.node, "op": proof.op, "tensor": proof.tensor}
    facts |= {"reason": proof.reason, "kind": proof.kind, "witness": sentence}
    verdict = Verdict("proof", model.stem, proof.status, proof.reason, witness=sentence)
    for name in onnx_file.non_finite_weights(graph):
        typer.echo(
            f"batchproof: warning: weight '{name}' holds NaN or Inf; the proof is about the graph alone", err=True
        )
    conclude([verdict], as_json, definite=True, **facts if as_json else {}, path=list(proof.path))


def _witnessed(model: Path, proof: Proof) -> str:
    """Run the refuted model, which needs its weights, and tell what was seen."""
    from batchproof.artifacts import onnx_file
    from batchproof.validate.independence.witness import Witness, witness

    try:
        seen = witness(onnx_file.read(model), proof)
    except InputError as error:
        return f"it was not run: {error.what}"
    return seen.sentence if isinstance(seen, Witness) else seen.reason


@app.command()
def probe(
    model: Model,
    images: Images = None,
    profile: Profiles = None,
    size: SizeOption = "640x640",
    policy: PolicyOption = None,
    heat_map: Annotated[
        Path | None,
        typer.Option("--heat-map", metavar="FILE.svg", help="Draw which slot changed which.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Try to make one picture of a batch change another's answer, in every slot and with hostile neighbours.

    Runs on ONNX Runtime with the optimiser on and off. Exit code 1 when a picture was contaminated.
    """
    from batchproof.console import working
    from batchproof.pipeline.pictures import load_pictures
    from batchproof.runtime import OnnxRuntimeRunner
    from batchproof.validate.findings import verdicts
    from batchproof.validate.isolation import probe_model
    from batchproof.verdict import exit_code

    spec, precision = recognised(model)
    pictures, settings = load_pictures(images), settings_of(profile, size, None, policy)
    chosen = settings.profiles.overall(model.stem)
    chosen.input_shapes(spec)
    limits = settings.policy.limits(precision).probe
    if heat_map is not None and not heat_map.absolute().parent.is_dir():
        raise InputError("its folder does not exist", where=heat_map, remedy="Make it, or name another file")
    with working(f"probing {model.name}"):
        results = [
            result
            for label in ("optimised", "unoptimised")
            for runner in [OnnxRuntimeRunner(model, optimised=label == "optimised")]
            for result in probe_model(runner, label, spec, [picture.pixels for picture in pictures], chosen)
        ]
    judged = [verdict for result in results for verdict in verdicts(result, model.stem, limits)]
    facts: dict[str, Any] = {
        name: _largest(judged, f"probe.{name}") for name in ("contamination", "permutation", "non_invariance")
    }
    if heat_map is not None:
        facts["heat_map"] = _drawn(results, model, heat_map)
    conclude(judged, as_json, verdict="fail" if exit_code(judged) else "pass", **facts)


def _drawn(results: Sequence[ProbeResult], model: Path, output: Path) -> str | None:
    """Draw the worst of the results; None, and a warning, for a model that keeps no two pictures apart."""
    from batchproof.artifacts.output_file import write_bytes
    from batchproof.report.heat_map_plot import render
    from batchproof.validate.findings import worst_mapped

    worst = worst_mapped(results)
    if worst is None:
        typer.echo("batchproof: warning: no heat map, because no batch gave one row a picture", err=True)
        return None
    write_bytes(output, render(worst, model.stem).encode())
    return str(output)


@app.command()
def parity(
    model: Model,
    against: Annotated[
        Path,
        typer.Option("--against", metavar="ORIGINAL.onnx", help="The original for insightface.", show_default=False),
    ],
    images: Images = None,
    profile: Profiles = None,
    size: SizeOption = "640x640",
    policy: PolicyOption = None,
    as_json: Json = False,
) -> None:
    """Compare a batched model with insightface on the original file: raw outputs, faces, landmarks, embeddings.

    Networks that take faces get the whole pictures here; a run finds the faces with the detector of the pack.
    """
    from batchproof.console import working
    from batchproof.pipeline.decode import DetectionSettings
    from batchproof.pipeline.pictures import load_pictures
    from batchproof.runtime import OnnxRuntimeRunner
    from batchproof.validate.judge import judge_parity
    from batchproof.validate.parity import ParitySettings

    spec, precision = recognised(model)
    chosen = settings_of(profile, size, images, policy)
    overall = chosen.profiles.overall(model.stem)
    detection = DetectionSettings(height=overall.height, width=overall.width)
    settings = ParitySettings(model.stem, chosen.policy.limits(precision), overall.optimum, detection)
    with working(f"comparing {model.name} with insightface"):
        pictures = load_pictures(images)
        verdicts = judge_parity(against, OnnxRuntimeRunner(model), spec, pictures, settings, None)
    conclude(verdicts, as_json, definite=True)


def _largest(verdicts: Sequence[Verdict], check: str) -> float | None:
    """Return the largest figure of a check over all its scenes; None when it was never measured."""
    figures = (verdict.figure for verdict in verdicts if verdict.check.startswith(check))
    return max((figure for figure in figures if figure is not None), default=None)
