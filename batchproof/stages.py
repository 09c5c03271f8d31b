"""The walk of a pack through the stages, in their order."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from batchproof.artifacts.manifest import ModelEntry
from batchproof.artifacts.step import Listener, Step
from batchproof.artifacts.store import Store
from batchproof.errors import printable
from batchproof.settings import Settings
from batchproof.zoo.pack import Pack, PackModel, SeededSource

STAGES = ("export", "surgery", "build", "validate")
# Its steps need nothing of each other, and work in processes of their own or in native code.
_PARALLEL = "build"

Plan = Callable[[Pack, Settings], list[Step]]


def run(store: Store, pack: Pack, settings: Settings, *, until: str, listener: Listener) -> None:
    """Bring every stage up to and including `until` up to date; what is unchanged is not computed again.

    All stages are planned before the first step runs, so that a missing package is found at once.
    """
    plans = {name: plan_of(name)(pack, settings) for name in STAGES[: STAGES.index(until) + 1]}
    store.describe({model.name: _entry(model) for model in pack.models})
    for name, steps in plans.items():
        store.retain(steps, name)
        listener.stage(name, len(steps))
        store.run_all(steps, settings.engines.jobs if name == _PARALLEL else 1)


def plan_of(stage: str) -> Plan:
    """Import a stage only when it runs: `--help` needs none of them."""
    plan: Plan = import_module(f"batchproof.{stage}.stage").plan
    return plan


def _entry(model: PackModel) -> ModelEntry:
    source = model.source
    origin = f"seed {source.seed}" if isinstance(source, SeededSource) else printable(source.path.name)
    return ModelEntry(model.spec, model.reason, origin, model.licence)
