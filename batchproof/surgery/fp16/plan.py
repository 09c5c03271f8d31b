"""The precision plan: which nodes of one FP32 graph stay in FP32, and why; a JSON file to commit beside the model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import onnx
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from batchproof.artifacts.input_file import read_bytes
from batchproof.artifacts.output_file import write_bytes
from batchproof.errors import InputError

FORMAT = 1
_LARGEST = 10_000_000  # bytes; a plan that keeps ten thousand nodes has two million
_EXACT_KEYS = ConfigDict(extra="forbid")
_SEARCH_AGAIN = "Search again for this graph"


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class KeptNode:
    """One node that stays in FP32: `figure` is what half makes of it, beyond `limit`; None when it is infinite."""

    node: str
    operator: str
    reason: str
    figure: float | None
    limit: float | None


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class PrecisionPlan:
    """The nodes kept, the graph that they belong to, and how they were found.

    `before` and `after` are the figures of the graph all in half and of the planned one, by the names of `limits`; None
    stands for infinite. They were measured on `judged_on`, whose values hash to `samples_sha256`. `minimal` is true
    when none of the nodes can go back to half alone, false when the search ended at its last run.
    """

    format: int
    graph_sha256: str
    kept: tuple[KeptNode, ...]
    minimal: bool
    runs: int
    casts: int
    judged_on: str
    samples_sha256: str
    limits: dict[str, float]
    before: dict[str, float | None]
    after: dict[str, float | None]
    tools: dict[str, str]

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes kept, in the order of the graph."""
        return tuple(kept.node for kept in self.kept)


_ADAPTER = TypeAdapter(PrecisionPlan)


def graph_sha256(model: onnx.ModelProto) -> str:
    """Hash the graph and its opsets, but not who wrote it, with what version and which metadata."""
    bare = onnx.ModelProto(graph=model.graph, opset_import=model.opset_import)
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).hexdigest()


def read(path: Path) -> PrecisionPlan:
    """Read a plan; raises `InputError` that names what is unknown, missing, or of another format."""
    content = read_bytes(path, largest=_LARGEST, too_large="Name a file that 'surgery plan' has written")
    try:
        plan = _ADAPTER.validate_json(content)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise InputError(f"not a precision plan ({faults.lstrip(': ')})", where=path, remedy=_SEARCH_AGAIN) from error
    if plan.format != FORMAT:
        remedy = "Use the version of batchproof that wrote it, or search again"
        raise InputError(f"has format {plan.format}, this version reads {FORMAT}", where=path, remedy=remedy)
    if len(set(plan.nodes)) < len(plan.nodes):
        raise InputError("names a node twice", where=path, remedy=_SEARCH_AGAIN)
    return plan


def write(plan: PrecisionPlan, path: Path) -> None:
    """Write a plan atomically; raises `StoreError` when the disk refuses."""
    write_bytes(path, _ADAPTER.dump_json(plan, indent=1) + b"\n")


def require_same_graph(plan: PrecisionPlan, model: onnx.ModelProto, where: Path | None = None) -> None:
    """Raise `InputError` unless `plan` was made for exactly this FP32 graph and names nodes of it."""
    found = graph_sha256(model)
    if plan.graph_sha256 != found:
        what = f"this precision plan belongs to the FP32 graph {plan.graph_sha256[:12]}, the graph here is {found[:12]}"
        raise InputError(what, where=where, remedy=_SEARCH_AGAIN)
