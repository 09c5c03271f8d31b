"""What engines cost: `python -m benchmarks.engine_table [--models DIR]` writes reports/engines.md.

Real TensorRT-RTX engines of the ONNX files in DIR and of large networks with seeded weights, in FP32 and FP16, with one
profile and with two; beside each what Polygraphy's own command line builds from the same file, and what options of the
builder change. Minutes, and 2 GB of memory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import onnx

from batchproof.artifacts import onnx_file
from batchproof.build.tensorrt import engine as tensorrt_engine
from batchproof.build.tensorrt.summary import EngineSummary
from batchproof.engine_options import DEFAULTS, EngineOptions
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
from benchmarks.option_effects import Effect, effects

PROFILES = ("1,16,32", "1+1,16,32")
_SEEDED = ("scrfd_10g_bnkps", "scrfd_34g", "iresnet50", "iresnet100")
_SEED = 500
# Bytes of the ONNX: thirty engines of one graph are compared byte by byte.
_LARGEST_COMPARED = 20e6
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
    """One graph: its name, types and size, its engines, with one profile and with two, and what options change."""

    name: str
    precision: Precision
    onnx_bytes: int
    engines: tuple[Built, ...]
    effects: tuple[Effect, ...]


def measure(name: str, model: onnx.ModelProto, rounds: int = 3) -> Iterator[Row]:
    """Build the engines of one repaired model; the time of each is the shortest of `rounds` builds."""
    spec = recognise(model).spec
    with tempfile.TemporaryDirectory() as folder:
        for precision, convert in _CONVERT.items():
            graph = Path(folder) / f"{precision}.onnx"
            onnx.save(convert(model), graph)
            one, two = map(EngineProfiles.parse, PROFILES)
            engines = tuple(_built(graph, precision, profiles, spec, rounds) for profiles in (one, two))
            size, build = graph.stat().st_size, partial(_engine, graph, precision, one, spec)
            changes = tuple(effects(_engine_file(graph), build)) if size < _LARGEST_COMPARED else ()
            yield Row(name, precision, size, engines, changes)


def _built(graph: Path, precision: Precision, profiles: EngineProfiles, spec: ModelSpec, rounds: int) -> Built:
    summaries = [_engine(graph, precision, profiles, spec) for _ in range(rounds)]
    theirs = graph.with_suffix(".polygraphy")
    shapes = [profile.input_shapes(spec) for profile in profiles]
    polygraphy_cli.convert(graph, theirs, onnx_file.read(graph).graph.input[0].name, shapes)
    return Built(profiles, min(summaries, key=lambda summary: summary.seconds), theirs.stat().st_size)


def _engine(
    graph: Path, precision: Precision, profiles: EngineProfiles, spec: ModelSpec, options: EngineOptions = DEFAULTS
) -> EngineSummary:
    return tensorrt_engine.build(
        graph,
        _engine_file(graph),
        backend="rtx",
        precision=precision,
        profiles=profiles,
        options=options,
        timing_cache=None,
        spec=spec,
    )


def _engine_file(graph: Path) -> Path:
    return graph.with_suffix(".engine")


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


def _effect_lines(row: Row) -> Iterator[str]:
    for effect in row.effects:
        sizes = _both([str(size) for size in effect.sizes])
        figures = f"{effect.seconds:.2f} | {sizes} | {_figure(effect.differing)} | {_figure(effect.always)}"
        yield f"| {row.name} | {row.precision} | {effect.options} | {figures} |"


def _figure(count: int | None) -> str:
    return "another size" if count is None else str(count)


def _rows(files: Sequence[Path]) -> Iterator[Row]:
    for name, model in models(files):
        for row in measure(name, model):
            print(_line(row), file=sys.stderr)
            yield row


def main() -> None:
    """Write `engines.md` into the folder of reports."""
    given = _arguments()
    rows = list(_rows(sorted(given.models.glob("*.onnx")) if given.models else []))
    costs = "\n".join([*_COSTS, *map(_line, rows)])
    options = "\n".join([*_OPTIONS, *(line for row in rows for line in _effect_lines(row))])
    tools = ("tensorrt-rtx-cu13-bindings", "polygraphy", "onnx")
    report = given.reports / "engines.md"
    report.write_text(f"{_HEAD}{machine.described(tools)}\n\n{costs}\n{_ON_OPTIONS}{options}\n", encoding="utf-8")
    print(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine_table", description=__doc__)
    parser.add_argument("--models", type=Path, help="folder of ONNX files (default: the seeded networks alone)")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder to write to (default: reports)")
    return parser.parse_args()


_COSTS = (
    "| model | types | ONNX (MB) | build (s) | engine (MB) | Polygraphy's (MB) | peak memory (MB) | half tensors |",
    "|---|---|---:|---:|---:|---:|---:|---:|",
)
_OPTIONS = (
    "| model | types | options | build (s) | engine (bytes) | differing bytes | of them always |",
    "|---|---|---|---:|---:|---:|---:|",
)

_HEAD = f"""# TensorRT-RTX engines: what they cost

Models named "seeded" ({", ".join(_SEEDED)}) are
the true architectures with random weights: size and time are theirs, what they compute is nothing. The others are
trained models, repaired.

In every cell the figure of one profile ({PROFILES[0]}) and of two ({PROFILES[1]}), detectors at 640x640, embedders at
112x112. Engines are strongly typed, without TF32, for all GPUs that TensorRT-RTX knows; built, not executed. They keep
what their layers compute in (profiling verbosity "detailed"), Polygraphy's the names alone. Time: parsing and
compiling, the shortest of three builds. Memory: the most that the process of the build held. Beside the engine the one
that `polygraphy convert --strongly-typed` makes of the same file. Half tensors: the share in the network that TensorRT
parsed. Written by `python -m benchmarks.engine_table --models DIR`.

"""
_ON_OPTIONS = f"""
## What options change

Five builds with each, the profile {PROFILES[0]}, the shortest time. Differing: the most bytes in which one of the five
differs from one of the first five without options, which differ among themselves. Of them always: bytes that all five
agree on and none of the first five has, which is what the option does. TensorRT-RTX writes TF32 down. An optimisation
level and kDISTRIBUTIVE_INDEPENDENCE (distributive independence) it takes, and where "always" is 0 it does nothing with
them. "Another size": the builds of one choice are of several sizes, and are not compared byte by byte.

"""

if __name__ == "__main__":
    try:
        main()
    except BatchproofError as error:
        sys.exit(f"engine_table: {error.line()}")
