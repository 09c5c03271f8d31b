"""The walk of a pack through the stages, in their order."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Protocol

from batchproof.artifacts.manifest import ModelEntry
from batchproof.artifacts.step import Step
from batchproof.artifacts.store import Store
from batchproof.settings import Settings
from batchproof.zoo.pack import CheckpointSource, OnnxSource, Pack, PackModel

STAGES = ("export", "surgery", "build", "validate")

Plan = Callable[[Pack, Settings], list[Step]]


class Announcer(Protocol):
    """Who shows which stage is being walked."""

    def stage(self, name: str, steps: int) -> None:
        """A stage of so many steps begins."""


def run(store: Store, pack: Pack, settings: Settings, *, until: str, announcer: Announcer) -> None:
    """Bring every stage up to and including `until` up to date; what is unchanged is not computed again."""
    store.describe({model.name: _entry(model) for model in pack.models})
    for name in STAGES[: STAGES.index(until) + 1]:
        steps = plan_of(name)(pack, settings)
        store.retain(steps, name)
        announcer.stage(name, len(steps))
        for step in steps:
            store.run(step)


def plan_of(stage: str) -> Plan:
    """Import a stage only when it runs: `--help` needs none of them."""
    plan: Plan = import_module(f"batchproof.{stage}.stage").plan
    return plan


def _entry(model: PackModel) -> ModelEntry:
    source = model.source
    origin = source.path.name if isinstance(source, OnnxSource | CheckpointSource) else f"seed {source.seed}"
    return ModelEntry(model.spec, model.reason, origin, model.licence)
