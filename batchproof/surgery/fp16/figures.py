"""How far an FP16 graph is from its FP32 graph, in the figures that the policy limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import onnx

from batchproof.errors import InputError
from batchproof.pipeline.decode import DetectionSettings, decode
from batchproof.policy import DetectorLimits, EmbedderLimits, PrecisionLimits
from batchproof.runtime import OnnxRuntimeRunner, Outputs
from batchproof.surgery.fp16.emulation import emulated
from batchproof.surgery.fp16.face_moves import ExactFaces, exact_faces, face_moves
from batchproof.surgery.fp16.samples import Samples
from batchproof.zoo.spec import ModelSpec, OutputKind

Figures = dict[str, float]
"""Figures by the names of the policy's limits; `matched_faces`, `swapped_faces` and `mean_cosine` have none.

What could not be measured is left out: how far faces move when none is found. Not a number counts as infinite.
"""
Limits = DetectorLimits | EmbedderLimits

LOWEST = frozenset({"min_cosine", "mean_cosine"})
"""The figures that must not fall below their limit; all others must not exceed it."""


@dataclass(frozen=True)
class Miss:
    """A figure beyond its limit; `times` says how far, 1 being the limit itself."""

    name: str
    figure: float
    limit: float
    times: float

    def __str__(self) -> str:
        """`box_shift_px 3.2 (limit 1)`."""
        return f"{self.name} {self.figure:.6g} (limit {self.limit:g})"


def limits_for(spec: ModelSpec, limits: PrecisionLimits) -> Limits:
    """Return the limits for the model's role; raises `InputError` for roles that the policy has none for."""
    if spec.role == "detector":
        return limits.detector
    if spec.role == "embedder":
        return limits.embedder
    raise InputError(f"the policy has no FP16 limits for {spec.role}", remedy="Only detectors and embedders are judged")


def misses(figures: Figures, limits: Limits) -> list[Miss]:
    """Return every measured figure that is beyond its limit, furthest first."""
    found = [
        Miss(name, figures[name], limit, _times(name, figures[name], limit))
        for name, limit in asdict(limits).items()
        if name in figures
    ]
    return sorted((miss for miss in found if not miss.times <= 1), key=lambda miss: (-miss.times, miss.name))


def _times(name: str, figure: float, limit: float) -> float:
    distance, allowed = (1 - figure, 1 - limit) if name in LOWEST else (figure, limit)
    if allowed:
        return distance / allowed
    return float("inf") if distance else 0.0


class Comparison:
    """One FP32 graph, run once on `samples`, against which any number of FP16 graphs are measured.

    `limits` says how near two scores must be for rounding to decide between them.
    """

    def __init__(self, exact: onnx.ModelProto, spec: ModelSpec, samples: Samples, limits: Limits) -> None:
        self._spec, self._samples = spec, samples
        self._slack = limits.score_shift if isinstance(limits, DetectorLimits) else 0.0
        self._exact = self._run(exact, optimised=False)

    def as_hardware(self, half: onnx.ModelProto) -> Figures:
        """Measure what hardware gives that stores every half tensor as half, computed on the CPU in float32.

        Raises `StepFailedError` when the graph does not run.
        """
        return self._figures(self._run(emulated(half), optimised=False))

    def as_executed(self, half: onnx.ModelProto, *, optimised: bool = True) -> Figures:
        """Measure what ONNX Runtime's CPU gives, which keeps most results between nodes in float32."""
        return self._figures(self._run(half, optimised=optimised))

    def _run(self, model: onnx.ModelProto, *, optimised: bool) -> Outputs:
        """Run one image at a time: a batch of large ones would fill the memory."""
        runner = OnnxRuntimeRunner(model.SerializeToString(), optimised=optimised)
        alone = [runner.infer(self._samples.blob[index : index + 1]) for index in range(len(self._samples.blob))]
        return {output.name: np.concatenate([each[output.name] for each in alone]) for output in self._spec.outputs}

    def _figures(self, found: Outputs) -> Figures:
        measure: Callable[[Outputs], Figures] = self._faces if self._spec.role == "detector" else self._embeddings
        with np.errstate(invalid="ignore", over="ignore"):
            figures = measure({name: values.astype(np.float32) for name, values in found.items()})
        return {name: _or_infinite(name, figure) for name, figure in figures.items()}

    def _faces(self, found: Outputs) -> Figures:
        kinds: tuple[OutputKind, ...] = ("score", "bbox", "kps") if self._spec.has_keypoints else ("score", "bbox")
        figures = {f"raw_{kind}": self._largest_difference(found, kind) for kind in kinds}
        if not all(np.isfinite(values).all() for values in found.values()):
            return figures
        after = decode(found, self._spec, self._exact_faces.settings, self._samples.scales)
        return figures | face_moves(self._exact_faces, after, self._slack)

    @cached_property
    def _exact_faces(self) -> ExactFaces:
        settings = DetectionSettings(*self._samples.blob.shape[2:])
        return exact_faces(self._exact, self._spec, settings, self._samples.scales)

    def _largest_difference(self, found: Outputs, kind: OutputKind) -> float:
        levels = [output.name for output in self._spec.outputs if output.kind == kind]
        return float(max(np.abs(found[level] - self._exact[level]).max() for level in levels))

    def _embeddings(self, found: Outputs) -> Figures:
        output = next(output for output in self._spec.outputs if output.kind == "embedding")
        before, after = self._exact[output.name].astype(np.float64), found[output.name].astype(np.float64)
        lengths = np.sqrt((before**2).sum(axis=1) * (after**2).sum(axis=1))
        cosines = (before * after).sum(axis=1) / lengths
        return {
            "min_cosine": float(cosines.min()),
            "mean_cosine": float(cosines.mean()),
            "max_abs": float(np.abs(before - after).max()),
        }


def _or_infinite(name: str, figure: float) -> float:
    worst = -np.inf if name in LOWEST else np.inf
    return figure if np.isfinite(figure) else float(worst)
