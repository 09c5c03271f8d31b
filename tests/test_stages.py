from __future__ import annotations

import threading
from pathlib import Path

import pytest

from batchproof import stages
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.artifacts.store import open_store
from batchproof.policy import load_policy
from batchproof.profile_choice import ProfileChoice
from batchproof.settings import EngineSettings, Settings
from batchproof.zoo.pack import Pack
from tests.listening import Remembering

SECONDS = 10


def test_only_the_build_stage_works_on_several_steps_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together, threads = threading.Barrier(2, timeout=SECONDS), dict[str, threading.Thread]()

    def plan(stage: str) -> list[Step]:
        def action(files: Workspace) -> Outcome:
            threads[stage] = threading.current_thread()
            if stage == "build":
                together.wait()
            return Outcome()

        return [Step(stage, stage, name, action) for name in ("a", "b")]

    monkeypatch.setattr(stages, "plan_of", lambda name: lambda pack, settings: plan(name))
    settings = Settings(ProfileChoice(), None, load_policy(None), engines=EngineSettings(jobs=2))
    with open_store(tmp_path / "p", "p", Remembering()) as store:
        stages.run(store, Pack("p", ()), settings, until="validate", listener=Remembering())
        done = [(record.stage, record.subject) for record in store.manifest.records]
    assert done == [(stage, name) for stage in stages.STAGES for name in ("a", "b")]
    in_main = {stage for stage, thread in threads.items() if thread is threading.main_thread()}
    assert in_main == {"export", "surgery", "validate"}
