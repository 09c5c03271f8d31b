"""Time of the repair against that of onnxsim and onnxslim on the same files, in one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import onnx

from batchproof.artifacts import onnx_file
from batchproof.surgery.repair import repair
from batchproof.validate.independence import prove
from batchproof.zoo.recognise import recognise
from benchmarks.timing import Work, best_seconds

_ROUNDS = 5


@dataclass(frozen=True)
class Compared:
    """One file: the verdict on what each tool makes of it, and its time."""

    name: str
    nodes: int
    verdicts: dict[str, str]
    seconds: dict[str, float]

    def ratio(self, tool: str) -> float:
        """How many times as long as ours a tool takes."""
        return self.seconds[tool] / self.seconds["batchproof"]


def measure(files: Iterable[Path]) -> list[Compared]:
    """Time the tools on the ONNX models `files`."""
    return [_compared(file.stem, onnx_file.read(file)) for file in files]


def _compared(name: str, model: onnx.ModelProto) -> Compared:
    tools: dict[str, Work] = {
        "batchproof": partial(_batchproof, model),
        "onnxsim": partial(_onnxsim, model),
        "onnxslim": partial(_onnxslim, model),
    }
    verdicts = {"original": prove(model).status.value}
    for tool, work in tools.items():
        result = work()
        verdicts[tool] = prove(result).status.value if isinstance(result, onnx.ModelProto) else "no result"
    return Compared(name, len(model.graph.node), verdicts, best_seconds(tools, _ROUNDS))


def _batchproof(model: onnx.ModelProto) -> onnx.ModelProto:
    """Recognise, repair and prove."""
    return repair(model, recognise(model)).model


def _onnxsim(model: onnx.ModelProto) -> onnx.ModelProto:
    import onnxsim

    simplified: onnx.ModelProto = onnxsim.simplify(model)[0]
    return simplified


def _onnxslim(model: onnx.ModelProto) -> onnx.ModelProto:
    import onnxslim

    copy = onnx.ModelProto()
    copy.CopyFrom(model)  # it works in place
    slimmed: onnx.ModelProto = onnxslim.slim(copy)
    return slimmed


def markdown(compared: Sequence[Compared]) -> str:
    """Return the section of the report."""
    rows = "\n".join(
        f"| {each.name} | {each.nodes} | {each.verdicts['original']} | {each.seconds['batchproof'] * 1e3:.0f} |"
        f" {each.verdicts['batchproof']} | {each.ratio('onnxsim'):.1f} | {each.verdicts['onnxsim']} |"
        f" {each.ratio('onnxslim'):.1f} | {each.verdicts['onnxslim']} |"
        for each in compared
    )
    return f"""## Time of the surgery

Recognition, repair and proof, against the two simplifiers that people run on these files. Their times are in multiples
of ours; they do something else, and the verdicts are what the proof says of each result.

| file | nodes | original | batchproof (ms) | | onnxsim (times ours) | | onnxslim (times ours) | |
|---|---|---|---|---|---|---|---|---|
{rows}
"""
