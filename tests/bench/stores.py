"""Stores as a run leaves them, of tiny models that ONNX Runtime and insightface really execute."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from batchproof.artifacts import layout
from batchproof.artifacts.manifest import ModelEntry
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.artifacts.store import Store, open_store
from batchproof.profile import Profile
from batchproof.runtime import open_session
from batchproof.zoo.spec import ModelSpec
from tests.listening import Remembering
from tests.pipeline.tiny_scrfd import SPEC, tiny_scrfd
from tests.validate.tiny_embedder import SPEC as EMBEDDER_SPEC
from tests.validate.tiny_embedder import tiny_embedder

PROFILE = Profile(1, 2, 4, 96, 160)
DETECTOR, EMBEDDER = "det", "emb"
_SPECS = {DETECTOR: SPEC, EMBEDDER: EMBEDDER_SPEC}
_WRITERS: Mapping[str, Callable[[Path], object]] = {DETECTOR: tiny_scrfd, EMBEDDER: tiny_embedder}


def opened(root: Path, listener: Remembering | None = None) -> AbstractContextManager[Store]:
    """Open the store at `root`."""
    return open_store(root, "models", listener or Remembering())


def build(store: Store, models: tuple[str, ...] = (DETECTOR, EMBEDDER), version: int = 1) -> None:
    """Do what a run does: originals, batch-safe graphs, sessions in FP32, and engines that nothing here executes.

    Another `version` makes other graphs.
    """
    store.describe({model: ModelEntry(_SPECS[model], "declared by the test", "tiny", "none") for model in models})
    steps = [step for model in models for step in _steps(model, version)]
    for stage in ("export", "surgery", "build"):
        planned = [step for step in steps if step.stage == stage]
        store.retain(planned, stage)
        store.run_all(planned)


def settings_of_profile() -> dict[str, object]:
    return {"profiles": [asdict(PROFILE)]}


def spec_of(model: str) -> ModelSpec:
    return _SPECS[model]


def _steps(model: str, version: int) -> list[Step]:
    exported, repaired = layout.exported(model), layout.repaired(model, "fp32")
    session, subject = layout.session(model, "fp32"), f"{model}.fp32"
    engine = f"build/rtx/{subject}.engine"
    facts = settings_of_profile()
    return [
        Step("export", "export", model, partial(_write, model), (), (exported,)),
        Step("surgery", "surgery", subject, partial(_copy, version), (exported,), (repaired,), settings={"v": version}),
        Step("build", "build.ort", subject, _session, (repaired,), (session,), settings=facts),
        Step("build", "build.rtx", subject, _engine, (repaired,), (engine, f"{engine}.json"), settings=facts),
    ]


def _write(model: str, workspace: Workspace) -> Outcome:
    _WRITERS[model](workspace.outputs[0])
    return Outcome()


def _copy(version: int, workspace: Workspace) -> Outcome:
    import onnx

    graph = onnx.load(workspace.parents[0])
    graph.producer_version = str(version)
    onnx.save(graph, workspace.outputs[0])
    return Outcome()


def _session(workspace: Workspace) -> Outcome:
    open_session(workspace.parents[0], save_to=workspace.outputs[0])
    return Outcome()


def _engine(workspace: Workspace) -> Outcome:
    for output in workspace.outputs:
        shutil.copyfile(workspace.parents[0], output)
    return Outcome()
