from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from batchproof.artifacts.manifest import Artifact, Manifest, Record
from batchproof.artifacts.step import Outcome, Step
from batchproof.artifacts.store import open_store
from batchproof.artifacts.workspaces import sweep, workspace
from batchproof.errors import StoreError
from tests.listening import Remembering

REPOSITORY = Path(__file__).parents[2]
STEP = Step("build", "build.rtx", "a", lambda files: Outcome(), produces=("build/rtx/a.engine",))
KILLED_BEFORE_ITS_RECORD_IS_SAVED = """
import os, signal, sys
from pathlib import Path
from batchproof.artifacts import manifest
from batchproof.artifacts.step import Outcome, Step
from batchproof.artifacts.store import open_store
from tests.listening import Remembering

def write(files):
    files.outputs[0].write_text("whole")
    return Outcome()

def save_or_die(to_save, path, save=manifest.write):
    if to_save.record("build.rtx", "last"):
        os.kill(os.getpid(), signal.SIGKILL)
    save(to_save, path)

manifest.write = save_or_die
with open_store(Path(sys.argv[1]), "pack", Remembering()) as store:
    for name in sys.argv[2:]:
        store.run(Step("build", "build.rtx", name, write, produces=(f"build/rtx/{name}.engine",)))
"""


def test_a_workspace_is_gone_when_its_step_has_ended(tmp_path: Path) -> None:
    with workspace(tmp_path, STEP) as files:
        files.outputs[0].write_text("engine")
        assert files.outputs[0].name == "a.engine"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_workspace_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"), workspace(tmp_path / "absent", STEP):
        pass


@pytest.mark.parametrize("names", [["last"], ["first", "last"]], ids=["empty store", "store with an engine"])
def test_what_was_put_in_place_but_not_recorded_is_swept(tmp_path: Path, names: list[str]) -> None:
    root = tmp_path / "pack"
    command = [sys.executable, "-c", KILLED_BEFORE_ITS_RECORD_IS_SAVED, str(root), *names]
    assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == -signal.SIGKILL
    assert {path.stem for path in (root / "build/rtx").iterdir()} == set(names)
    with open_store(root, "pack", Remembering()):
        assert [path.stem for path in (root / "build/rtx").iterdir()] == names[:-1]
        assert {path.name for path in root.iterdir()} == {".lock", "build", "manifest.json"}


def test_what_was_recorded_stays_though_its_workspace_was_left(tmp_path: Path) -> None:
    leave(tmp_path, '["build/rtx/a.engine"]')
    engine = put(tmp_path / "build/rtx/a.engine")
    record = Record("build", "build.rtx", "a", "key", artifacts=(Artifact("build/rtx/a.engine", "", 6),))
    sweep(tmp_path, Manifest("pack", records=(record,)))
    assert engine.exists()
    assert not (tmp_path / ".work-x").exists()


@pytest.mark.parametrize("announced", ['["../precious.txt"]', '["build/../../precious.txt"]', '["build/rtx/a.en', ""])
def test_a_foreign_or_damaged_workspace_removes_nothing_but_itself(tmp_path: Path, announced: str) -> None:
    root = tmp_path / "pack"
    precious, engine = put(tmp_path / "precious.txt"), put(root / "build/rtx/a.engine")
    leave(root, announced)
    sweep(root, Manifest("pack"))
    assert precious.exists()
    assert engine.exists()
    assert not (root / ".work-x").exists()


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("engine")
    return path


def leave(root: Path, announced: str) -> None:
    (root / ".work-x").mkdir(parents=True)
    (root / ".work-x" / ".produces.json").write_text(announced)
