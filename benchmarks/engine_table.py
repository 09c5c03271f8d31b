"""What engines cost: `python -m benchmarks.engine_table [--models DIR]` writes reports/engines.md.

Real TensorRT-RTX engines of the ONNX files in DIR and of large networks with seeded weights, in FP32 and FP16, with one
profile and with two; beside each what Polygraphy's own command line builds from the same file. Minutes, and 2 GB of
memory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from batchproof.artifacts import onnx_file
from batchproof.build.tensorrt import engine as tensorrt_engine
from batchproof.build.tensorrt.summary import EngineSummary
from batchproof.engine_options import EngineOptions
from batchproof.errors import BatchproofError
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.seeded import seeded
from batchproof.profile import EngineProfiles
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.surgery.repair import repair
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import ModelSpec, Precision
from benchmarks import machine, polygraphy_cli

PROFILES = ("1,16,32", "1+1,16,32")
_SEEDED = ("scrfd_10g_bnkps", "scrfd_34g", "iresnet50", "iresnet100")
_SEED = 500
_CONVERT: dict[Precision, Callable[[onnx.ModelProto], onnx.ModelProto]] = {
    "fp32": lambda model: model,
    "fp16": lambda model: to_fp16(model)[0],
}


@dataclass(frozen=True)
class Built:
    """One engine, and the size in bytes of the one that Polygraphy's command line builds for the same profiles."""

    profiles: EngineProfiles
    summary: EngineSummary
    polygraphy_bytes: int


@dataclass(frozen=True)
class Row:
    """One graph: its name, types and size, and its engines, with one profile and with two."""

    name: str
    precision: Precision
    onnx_bytes: int
    engines: tuple[Built, ...]


def measure(name: str, model: onnx.ModelProto, rounds: int = 3) -> Iterator[Row]:
    """Build the engines of one repaired model; the time of each is the shortest of `rounds` builds."""
    spec = recognise(model).spec
    with tempfile.TemporaryDirectory() as folder:
        for precision, convert in _CONVERT.items():
            graph = Path(folder) / f"{precision}.onnx"
            onnx.save(convert(model), graph)
            texts = map(EngineProfiles.parse, PROFILES)
            engines = tuple(_built(graph, precision, profiles, spec, rounds) for profiles in texts)
            yield Row(name, precision, graph.stat().st_size, engines)


def _built(graph: Path, precision: Precision, profiles: EngineProfiles, spec: ModelSpec, rounds: int) -> Built:
    summaries = [_engine(graph, precision, profiles, spec) for _ in range(rounds)]
    theirs = graph.with_suffix(".polygraphy")
    shapes = [profile.input_shapes(spec) for profile in profiles]
    polygraphy_cli.convert(graph, theirs, onnx_file.read(graph).graph.input[0].name, shapes)
    return Built(profiles, min(summaries, key=lambda summary: summary.seconds), theirs.stat().st_size)


def _engine(graph: Path, precision: Precision, profiles: EngineProfiles, spec: ModelSpec) -> EngineSummary:
    built = tensorrt_engine.build(
        graph,
        graph.with_suffix(".engine"),
        backend="rtx",
        precision=precision,
        profiles=profiles,
        options=EngineOptions(),
        timing_cache=None,
        spec=spec,
        subject=graph.stem,
        tolerance=float("inf"),  # what the engines compute is the build stage's to judge
    )
    if built.summary is None:
        sys.exit(built.verdicts[0].reason)
    return built.summary


def models(files: Sequence[Path]) -> Iterator[tuple[str, onnx.ModelProto]]:
    """Yield the models of the files, repaired, and then the seeded ones, each under its name."""
    for file in files:
        yield file.stem, _repaired(file)
    with tempfile.TemporaryDirectory() as folder:
        for name in _SEEDED:
            file = Path(folder) / f"{name}.onnx"
            export_onnx(seeded(name, _SEED), CATALOGUE[name].spec, file, metadata={})
            yield f"{name}, seeded", _repaired(file)


def _repaired(file: Path) -> onnx.ModelProto:
    model = onnx_file.read(file)
    return repair(model, recognise(model)).model


def _line(row: Row) -> str:
    summaries = [engine.summary for engine in row.engines]
    cells = (
        f"{row.onnx_bytes / 1e6:.1f}",
        _both([f"{summary.seconds:.2f}" for summary in summaries]),
        _both([f"{summary.bytes / 1e6:.2f}" for summary in summaries]),
        _both([f"{engine.polygraphy_bytes / 1e6:.2f}" for engine in row.engines]),
        _both([f"{summary.peak_memory_bytes / 1e6:.0f}" for summary in summaries]),
        f"{summaries[0].half_share:.0%}",
    )
    return f"| {row.name} | {row.precision} | {' | '.join(cells)} |"


def _both(figures: Sequence[str]) -> str:
    return ", ".join(figures)


def _table(files: Sequence[Path]) -> Iterator[str]:
    yield "| model | | ONNX (MB) | build (s) | engine (MB) | Polygraphy's (MB) | peak memory (MB) | half tensors |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    for name, model in models(files):
        for row in measure(name, model):
            line = _line(row)
            print(line, file=sys.stderr)
            yield line


def main() -> None:
    """Write `engines.md` into the folder of reports."""
    given = _arguments()
    files = sorted(given.models.glob("*.onnx")) if given.models else []
    table = "\n".join(_table(files))
    report = given.reports / "engines.md"
    tools = ("tensorrt-rtx-cu13-bindings", "polygraphy", "onnx")
    report.write_text(f"{_HEAD}{machine.described(tools)}\n\n{table}\n", encoding="utf-8")
    print(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine_table", description=__doc__)
    parser.add_argument("--models", type=Path, help="folder of ONNX files (default: the seeded networks alone)")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder to write to (default: reports)")
    return parser.parse_args()


_HEAD = f"""# TensorRT-RTX engines: what they cost

In every cell the figure of one profile ({PROFILES[0]}) and of two ({PROFILES[1]}), detectors at 640x640, embedders at
112x112. Engines are strongly typed, without TF32, for all GPUs that TensorRT-RTX knows; built, not executed. Time:
parsing and compiling, the shortest of three builds. Memory: the most that the process of the build held. Beside the
engine the one that `polygraphy convert --strongly-typed` makes of the same file. Half tensors: the share in the network
that TensorRT parsed. Written by `python -m benchmarks.engine_table --models DIR`.

"""

if __name__ == "__main__":
    try:
        main()
    except BatchproofError as error:
        sys.exit(f"engine_table: {error.line()}")
