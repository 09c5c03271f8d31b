"""What a sweep measures: one built engine, session or provider, and the batches that it takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from batchproof.artifacts import layout
from batchproof.artifacts.manifest import Manifest, Record
from batchproof.bench.figures import LeftOut
from batchproof.errors import StepNotRunError
from batchproof.profile import Profile
from batchproof.profile_record import recorded_profiles
from batchproof.profile_text import Size
from batchproof.settings import PRECISIONS
from batchproof.targets import Target, all_targets
from batchproof.zoo.spec import ModelSpec

# The backend of a graph that ONNX Runtime opens as it is, which it may optimise for this very processor.
GRAPH = "onnx"


@dataclass(frozen=True)
class Candidate:
    """What was built of a graph of `model` for `target`, in the store at `root`.

    `graph` and `built` are paths in the store; `built` is None where ONNX Runtime takes the graph itself. `profiles`
    are those that it was built, or executed, for. `backend` is the target's name; GRAPH where the processor takes the
    graph itself, as the pipeline's `open_model` does.
    """

    root: Path
    backend: str
    target: Target
    model: str
    subject: str
    spec: ModelSpec
    graph: str
    built: str | None
    profiles: tuple[Profile, ...]

    @property
    def name(self) -> str:
        """Backend and subject: no other candidate of a store has both."""
        return f"{self.backend} {self.subject}"

    @property
    def parents(self) -> tuple[str, ...]:
        """What it is made of, in the store."""
        return (self.graph,) if self.built is None else (self.graph, self.built)

    @property
    def on_cpu(self) -> bool:
        """Whether ONNX Runtime executes it on the processor."""
        return self.target.builder == "ort" and not self.target.is_provider

    def size(self, wanted: Size | None) -> Size:
        """Height and width to measure at: the model's own, or what is wanted, or what it was built for.

        Raises `StepNotRunError` for a size that the engine was not built for; a session on the processor takes any.
        """
        chosen = wanted or self.profiles[0].size
        if self.spec.input.dynamic_size and not self.on_cpu and not any(_has(one, chosen) for one in self.profiles):
            raise StepNotRunError(f"it was built for {self._text}, not for images of {chosen[0]}x{chosen[1]}")
        _, _, height, width = self.spec.input.shape(1, *chosen)
        return height, width

    def outside(self, batches: Iterable[int]) -> tuple[LeftOut, ...]:
        """Return those of `batches` that no profile has."""
        return tuple(
            LeftOut(batch, f"it was built for {self._text}")
            for batch in batches
            if not any(profile.minimum <= batch <= profile.maximum for profile in self.profiles)
        )

    @property
    def _text(self) -> str:
        return "+".join(profile.text for profile in self.profiles)


def candidates(root: Path, manifest: Manifest) -> Iterator[Candidate]:
    """Find what the build stage left in the store at `root`, of targets that this version knows, model after model."""
    targets = {target.name: target for target in all_targets()}
    for model, entry in manifest.models.items():
        graphs = {layout.repaired(model, precision) for precision in PRECISIONS}
        for record in manifest.records:
            target = targets.get(record.check.removeprefix("build."))
            graph = next((parent for parent in record.parents if parent in graphs), None)
            profiles, built = recorded_profiles(record.settings), _built(record)
            if target and graph and profiles and record.key and (built or target.is_provider):
                found = Candidate(root, target.name, target, model, record.subject, entry.spec, graph, built, profiles)
                yield from (found, replace(found, backend=GRAPH, built=None)) if found.on_cpu else (found,)


def _built(record: Record) -> str | None:
    """The session or engine among what the record's step made, beside its description."""
    return next((made.path for made in record.artifacts if not made.path.endswith(".json")), None)


def _has(profile: Profile, size: Size) -> bool:
    smallest, _, largest = profile.sizes
    return all(low <= side <= high for low, side, high in zip(smallest, size, largest, strict=True))
