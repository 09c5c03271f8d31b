"""Every architecture with seeded weights through both exporters: `python -m benchmarks.export_table` writes the report.

Minutes, and 4 GB of memory for the largest; `python -m benchmarks.export_table NAME ...` takes only those.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from batchproof.artifacts import onnx_file
from batchproof.export.check import check_against_torch
from batchproof.export.exporter import export_onnx
from batchproof.export.networks.catalogue import CATALOGUE
from batchproof.export.options import DEFAULTS, ExportOptions
from batchproof.export.seeded import seeded
from batchproof.policy import load_policy
from batchproof.validate.independence import prove
from batchproof.verdict import Verdict

_SEED = 500

# 18 is the oldest opset that the dynamo exporter writes by itself.
_WAYS = {"TorchScript": DEFAULTS, "dynamo": ExportOptions("dynamo", 18)}


@dataclass(frozen=True)
class Row:
    """One architecture by one exporter: what it has, what the export of it costs, and whether it is right."""

    name: str
    parameters: int
    keys: int
    seconds: float
    megabytes: float
    nodes: int
    difference: float
    proof: str


def measure(name: str, options: ExportOptions) -> Row:
    """Export one architecture, prove the graph, and compare it with PyTorch for N = 1, 2, 5."""
    network, spec = seeded(name, _SEED), CATALOGUE[name].spec
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        started = time.perf_counter()
        export_onnx(network, spec, path, options=options, metadata={})
        seconds = time.perf_counter() - started
        graph = onnx_file.read_graph(path)
        return Row(
            name,
            sum(parameter.numel() for parameter in network.parameters()),
            len(network.state_dict()),
            seconds,
            path.stat().st_size / 1e6,
            len(graph.graph.node),
            _required(check_against_torch(network, spec, path, name, load_policy().export)),
            prove(graph).status.value,
        )


def _required(verdict: Verdict) -> float:
    if not verdict or verdict.figure is None:
        sys.exit(f"{verdict.subject} is not what PyTorch computes: {verdict.explained}")
    return verdict.figure


def _table(names: list[str], options: ExportOptions) -> Iterator[str]:
    yield "| architecture | parameters | keys | export (s) | ONNX (MB) | nodes | largest difference | proof |"
    yield "|---|---:|---:|---:|---:|---:|---:|---|"
    for name in names:
        row = measure(name, options)
        print(row, file=sys.stderr)
        sizes = f"{row.parameters} | {row.keys} | {row.seconds:.1f} | {row.megabytes:.1f} | {row.nodes}"
        yield f"| {row.name} | {sizes} | {row.difference:.1e} | {row.proof} |"


def _sections(names: list[str]) -> Iterator[str]:
    for exporter, options in _WAYS.items():
        yield f"\n## torch's {exporter} exporter, opset {options.opset}\n"
        yield from _table(names, options)


def main() -> None:
    """Write `reports/networks.md`."""
    tables = "\n".join(_sections(sys.argv[1:] or list(CATALOGUE)))
    report = Path("reports/networks.md")
    report.write_text(f"{_HEAD}{tables}\n", encoding="utf-8")
    print(report)


_HEAD = f"""# Every architecture through the export

Seeded weights (seed {_SEED}); ONNX Runtime against PyTorch for batches of 1, 2 and 5, detectors at 64x64 and 96x128,
optimiser on and off. Differences are absolute for scores and in parts of the largest value for everything else. Times
are of one shared machine with two threads; the first of each table has the loading of the exporter in it. Written by
`OMP_NUM_THREADS=2 python -m benchmarks.export_table`.
"""

if __name__ == "__main__":
    main()
