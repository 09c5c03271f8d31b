"""The command line: verbs are stages. Each verb parses, calls, renders, and returns an exit code."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperGroup

import batchproof
from batchproof.errors import BatchproofError, InputError, StepFailedError, StepNotRunError
from batchproof.verdict import not_run
from batchproof.zoo.spec import Precision

if TYPE_CHECKING:
    from batchproof.artifacts.manifest import Manifest
    from batchproof.policy import Policy
    from batchproof.settings import Settings
    from batchproof.verdict import Verdict
    from batchproof.zoo.spec import ModelSpec

EXIT_CODES = (
    "Exit codes: 0 fine · 1 a verdict failed · 2 usage or input error · 3 nothing definite where asked for "
    "· 130 interrupted."
)
StageName = Literal["export", "surgery", "build", "validate"]


class InOrderOfStages(TyperGroup):
    """Commands are listed as a model walks through them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Put `surgery`, which is a group and would come last, behind `export`."""
        names = [name for name in super().list_commands(ctx) if name != "surgery"]
        names.insert(names.index("export") + 1, "surgery")
        return names


class ImpliedApply(TyperGroup):
    """`surgery MODEL` means `surgery apply MODEL`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the implied verb unless a verb or a request for help comes first."""
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args.insert(0, "apply")
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="batchproof",
    cls=InOrderOfStages,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)
surgery_app = typer.Typer(
    cls=ImpliedApply,
    no_args_is_help=True,
    help="Make an ONNX graph batch-safe, or explain what that would change.\n\n"
    "batchproof surgery MODEL.onnx -o OUT.onnx [--fp16] is short for batchproof surgery apply ...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(surgery_app, name="surgery")

Model = Annotated[
    Path, typer.Argument(metavar="MODEL.onnx", help="An SCRFD, ArcFace or other InsightFace graph.", show_default=False)
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, everything else on stderr.")]
ProfileOption = Annotated[
    str, typer.Option("--profile", "--batch", metavar="MIN,OPT,MAX", help="Batch sizes; one number N means 1,N,N.")
]
SizeOption = Annotated[
    str, typer.Option("--size", metavar="HxW", help="Image size of detectors, height x width, multiples of 32.")
]
Images = Annotated[
    Path | None,
    typer.Option("--images", metavar="DIR", help="Pictures with faces; default: those that insightface brings."),
]
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="Thresholds (TOML); default: the committed policy.")
]


@app.callback(invoke_without_command=True)
def _version(show: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    """Batch-safe InsightFace models: every artifact carries a measurement and a verdict."""
    if show:
        typer.echo(batchproof.__version__)
        raise typer.Exit


@app.command()
def run(
    stage: Annotated[StageName, typer.Argument(help="Bring everything up to this stage up to date.")] = "validate",
    pack: Annotated[
        str | None,
        typer.Option(
            "--pack",
            metavar="NAME",
            help="demo (default) or a pack in ~/.insightface/models such as buffalo_l; names the store of --models",
        ),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option("--models", metavar="DIR", help="Your own .onnx, .pt and .pth files."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The store is DIR/<pack>.")] = Path("artifacts"),
    profile: ProfileOption = "1,16,32",
    size: SizeOption = "640x640",
    images: Images = None,
    policy: PolicyOption = None,
    as_json: Json = False,
) -> None:
    """Walk a pack through the stages: export, surgery, build, validate.

    What is unchanged is not computed again. Interrupt it, or kill it: finished steps are kept.

    Example: batchproof run --models ./my_models --images ./faces --batch 1,8,16
    """
    from batchproof import console, stages
    from batchproof.artifacts.store import open_store
    from batchproof.export.resolve import directory_pack, named_pack, pack_name

    settings = _settings(profile, size, images, policy)
    name = pack_name(pack) if pack else None
    chosen = directory_pack(models, name) if models else named_pack(name or "demo")
    settings.check(chosen)
    root = out / chosen.name
    with console.ProgressDisplay() as progress, open_store(root, chosen.name, progress) as store:
        stages.run(store, chosen, settings, until=stage, listener=progress)
        _finish(root, store.manifest, as_json)


@app.command()
def export(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="A checkpoint (.pt, .pth) or an ONNX file.", show_default=False)
    ],
    output: Output,
    as_json: Json = False,
) -> None:
    """Export a PyTorch checkpoint with a free batch, or take an ONNX file in; the architecture is recognised.

    Example: batchproof export mobilefacenet_112.pt -o mobilefacenet.onnx
    """
    from batchproof.artifacts.output_file import replacing
    from batchproof.console import working
    from batchproof.export import stage
    from batchproof.export.resolve import resolve_file

    model = resolve_file(source)
    with working(f"exporting {source.name}"), replacing(output) as written:
        verdicts = stage.export(model, written)
        _stop_if_failed(verdicts, as_json)
    _conclude(verdicts, as_json, output=str(output), family=model.spec.family, reason=model.reason)


@surgery_app.command("apply")
def surgery_apply(
    model: Model,
    output: Output,
    fp16: Annotated[
        bool, typer.Option("--fp16", help="Write the typed FP16 graph; inputs and outputs stay FP32.")
    ] = False,
    size: SizeOption = "640x640",
    policy: PolicyOption = None,
    as_json: Json = False,
) -> None:
    """Write a batch-safe graph, after comparing it with the original on ONNX Runtime.

    Nothing is written when the comparison fails. Example: batchproof surgery det_10g.onnx -o det_10g_batch.onnx
    """
    import onnx

    from batchproof.artifacts import onnx_file
    from batchproof.artifacts.output_file import replacing
    from batchproof.console import working
    from batchproof.profile import Profile
    from batchproof.surgery import stage
    from batchproof.zoo.recognise import recognise

    limits = _policy(policy).surgery
    height, width = _parse_size(size)
    original = onnx_file.read(model)
    Profile(height=height, width=width).input_shapes(recognise(original).spec)
    with working(f"repairing {model.name}"), replacing(output) as written:
        graph, passes, verdicts = stage.repair_and_check(original, limits, (height, width), model.stem)
        if fp16:
            graph, judged = stage.convert_fp16(graph, (height, width), model.stem)
            verdicts += judged
        _stop_if_failed(verdicts, as_json)
        onnx.save(graph, written)
    _conclude(verdicts, as_json, output=str(output), reasons=stage.sentences(passes))


@surgery_app.command("explain")
def surgery_explain(model: Model, as_json: Json = False) -> None:
    """Show what surgery would change in a graph, what it would leave, and why; nothing is written."""
    from batchproof import console
    from batchproof.artifacts import onnx_file
    from batchproof.surgery import stage
    from batchproof.surgery.repair import explain
    from batchproof.zoo.recognise import recognise

    graph = onnx_file.read(model)
    recognition = recognise(graph)
    sentences = stage.sentences(explain(graph, recognition))
    if as_json:
        _print_json({"family": recognition.spec.family, "reason": recognition.reason, "reasons": sentences})
    else:
        console.show_lines([f"{model.name}: {recognition.reason}", *sentences])


@app.command()
def build(
    model: Model,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the engine goes.", show_default=False)
    ],
    backend: Annotated[
        Literal["ort", "rtx", "tensorrt"], typer.Option("--backend", help="ONNX Runtime, TensorRT-RTX or TensorRT.")
    ] = "ort",
    precision: Annotated[
        Precision | None, typer.Option("--precision", help="What the graph must be typed for; default: what it is.")
    ] = None,
    profile: ProfileOption = "1,16,32",
    size: SizeOption = "640x640",
    policy: PolicyOption = None,
    as_json: Json = False,
) -> None:
    """Build a batch-safe ONNX graph: an ONNX Runtime session file or a TensorRT engine with its optimisation profile.

    Precision comes from the graph's tensor types: build FP16 from a graph of `batchproof surgery --fp16`.
    """
    from batchproof.artifacts.output_file import folder_of
    from batchproof.build import stage
    from batchproof.console import working

    settings = _settings(profile, size, None, policy)
    spec, found = _recognised(model)
    if precision not in (None, found):
        remedy = "Make the graph that you want with batchproof surgery"
        raise InputError(f"is typed {found}, {precision} was asked for", where=model, remedy=remedy)
    name = f"{model.stem}.{'ort' if backend == 'ort' else 'engine'}"
    with working(f"building {model.name} for {backend}"), folder_of(output) as written:
        files = [written / file for file in stage.produced(name, backend)]
        try:
            job = stage.Job(model, files, backend, found, spec, model.stem)
            verdicts = stage.build_graph(job, settings).verdicts
        except StepNotRunError as error:
            verdicts = (not_run(f"build.{backend}.completes", model.stem, error.line()),)
        _stop_if_failed(verdicts, as_json)
    _conclude(verdicts, as_json, definite=True, output=str(output))


@app.command()
def probe(
    model: Model,
    images: Images = None,
    profile: ProfileOption = "1,16,32",
    size: SizeOption = "640x640",
    policy: PolicyOption = None,
    as_json: Json = False,
) -> None:
    """Try to make one picture of a batch change another's answer, in every slot and with hostile neighbours.

    Runs on ONNX Runtime with the optimiser on and off. Exit code 1 when a picture was contaminated.
    """
    from batchproof.console import working
    from batchproof.runtime import OnnxRuntimeRunner
    from batchproof.validate.judge import judge_isolation
    from batchproof.validate.pictures import load_pictures
    from batchproof.verdict import exit_code

    spec, precision = _recognised(model)
    pictures, settings = load_pictures(images), _settings(profile, size, None, policy)
    settings.profile.input_shapes(spec)
    limits = settings.policy.limits(precision).probe
    with working(f"probing {model.name}"):
        verdicts = [
            found
            for label in ("optimised", "unoptimised")
            for runner in [OnnxRuntimeRunner(model, optimised=label == "optimised")]
            for found in judge_isolation(runner, label, spec, pictures, limits, settings.profile, model.stem)
        ]
    figures: dict[str, Any] = {
        name: _largest(verdicts, f"probe.{name}") for name in ("contamination", "non_invariance")
    }
    _conclude(verdicts, as_json, verdict="fail" if exit_code(verdicts) else "pass", **figures)


@app.command()
def parity(
    model: Model,
    against: Annotated[
        Path,
        typer.Option("--against", metavar="ORIGINAL.onnx", help="The original for insightface.", show_default=False),
    ],
    images: Images = None,
    profile: ProfileOption = "1,16,32",
    size: SizeOption = "640x640",
    policy: PolicyOption = None,
    as_json: Json = False,
) -> None:
    """Compare a batched model with insightface on the original file: raw outputs, faces, landmarks, embeddings."""
    from batchproof.console import working
    from batchproof.pipeline.decode import DetectionSettings
    from batchproof.runtime import OnnxRuntimeRunner
    from batchproof.validate.judge import judge_parity
    from batchproof.validate.parity import ParitySettings
    from batchproof.validate.pictures import load_pictures

    spec, precision = _recognised(model)
    chosen = _settings(profile, size, images, policy)
    detection = DetectionSettings(height=chosen.profile.height, width=chosen.profile.width)
    settings = ParitySettings(model.stem, chosen.policy.limits(precision), chosen.profile.optimum, detection)
    with working(f"comparing {model.name} with insightface"):
        pictures = load_pictures(images)
        verdicts = judge_parity(against, OnnxRuntimeRunner(model), spec, pictures, settings, None)
    _conclude(verdicts, as_json, definite=True)


@app.command()
def report(
    store: Annotated[
        Path, typer.Argument(metavar="DIR", help="A store, for example artifacts/demo.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Write the Markdown report of a store again and show its summary."""
    from batchproof.artifacts import manifest as manifests
    from batchproof.artifacts.store import MANIFEST

    _finish(store, manifests.read(store / MANIFEST), as_json)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Show what this machine can do: GPU, driver, TensorRT, ONNX Runtime, insightface, compilers, servers."""
    from batchproof import console
    from batchproof.doctor import examine

    findings = examine()
    if as_json:
        _print_json({"findings": _plain(findings)})
    else:
        console.show_findings(findings)


def _settings(profile: str, size: str, images: Path | None, policy: Path | None) -> Settings:
    from batchproof.profile import Profile
    from batchproof.settings import Settings
    from batchproof.validate.pictures import load_pictures

    if images is not None:
        load_pictures(images)  # refuses what is no picture before hours of work, not after
    height, width = _parse_size(size)
    return Settings(Profile.parse(profile, height=height, width=width), images, _policy(policy))


def _policy(path: Path | None) -> Policy:
    from batchproof.policy import load_policy

    return load_policy(path)


def _parse_size(text: str) -> tuple[int, int]:
    size = re.fullmatch(r"([1-9][0-9]{0,4})[xX]([1-9][0-9]{0,4})", text)
    if size is None:
        raise InputError(f"'{text}' is no image size", remedy="Write height x width in pixels, for example 640x640")
    return int(size[1]), int(size[2])


def _recognised(model: Path) -> tuple[ModelSpec, Precision]:
    """Read a graph's family, and the precision of its weights."""
    from batchproof.artifacts import onnx_file
    from batchproof.zoo.recognise import recognise

    graph = onnx_file.read(model)
    return recognise(graph).spec, onnx_file.precision(graph)


def _finish(root: Path, manifest: Manifest, as_json: bool) -> NoReturn:
    """Write the report of a store, show its summary, and exit."""
    from batchproof import console
    from batchproof.artifacts.output_file import write_bytes
    from batchproof.report import markdown
    from batchproof.verdict import exit_code

    report_path, code = root / "report.md", exit_code(manifest.verdicts)
    write_bytes(report_path, markdown.render(manifest).encode())
    if as_json:
        facts = {"pack": manifest.pack, "store": str(root), "report": str(report_path)}
        _print_json({**facts, "verdicts": _plain(manifest.verdicts), "exit_code": code})
    else:
        console.show_summary(manifest, report_path)
    raise typer.Exit(code)


def _largest(verdicts: Sequence[Verdict], check: str) -> float | None:
    """Return the largest figure of a check over all its scenes; None when it was never measured."""
    figures = (verdict.figure for verdict in verdicts if verdict.check.startswith(check))
    return max((figure for figure in figures if figure is not None), default=None)


def _stop_if_failed(verdicts: Sequence[Verdict], as_json: bool) -> None:
    """End the command inside the block that writes, so that a rejected file never reaches its place."""
    if any(verdict.status.is_failure for verdict in verdicts):
        _conclude(verdicts, as_json, output=None)


def _conclude(verdicts: Sequence[Verdict], as_json: bool, *, definite: bool = False, **facts: Any) -> NoReturn:
    """Show verdicts and facts, and exit: 1 for a failure; with `definite`, 3 when nothing was decided."""
    from batchproof import console
    from batchproof.verdict import exit_code

    code = exit_code(verdicts)
    if definite and not code and not any(verdicts):
        code = 3
    if as_json:
        _print_json({**facts, "verdicts": _plain(verdicts), "exit_code": code})
    else:
        console.show_verdicts(verdicts, facts)
    raise typer.Exit(code)


def _plain(values: Iterable[Any]) -> list[Any]:
    """Turn dataclasses into what JSON holds."""
    from pydantic import TypeAdapter

    return [json.loads(TypeAdapter(type(value)).dump_json(value)) for value in values]


def _print_json(document: dict[str, Any]) -> None:
    """Print one document; JSON has no infinity and no NaN, so these become null."""
    from pydantic import TypeAdapter

    typer.echo(TypeAdapter(dict[str, Any]).dump_json(document, indent=1).decode())


def main() -> None:
    """Run the command line; an error is one line: exit code 1 for a model that fails, 2 for what the user can mend."""
    try:
        app()
    except BatchproofError as error:
        code = 1 if isinstance(error, StepFailedError) else 2
        if "--json" in sys.argv:
            _print_json({"error": error.line(), "exit_code": code})
        typer.echo(f"batchproof: error: {error.line()}", err=True)
        sys.exit(code)
