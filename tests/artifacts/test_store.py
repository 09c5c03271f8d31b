from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import pytest
from onnx import helper

from batchproof.artifacts import manifest as manifests
from batchproof.artifacts.records import declared
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.artifacts.store import MANIFEST, Store, open_store
from batchproof.errors import StepFailedError, StepNotRunError, StoreError
from batchproof.verdict import Status, Verdict
from tests.listening import Remembering


def write(text: str) -> Callable[[Workspace], Outcome]:
    def action(workspace: Workspace) -> Outcome:
        for output in workspace.outputs:
            output.write_text(text)
        return Outcome((Verdict("export.check", "a", Status.PASS, "fine"),), {"note": 1})

    return action


def step(name: str = "a", *, text: str = "content", parents: tuple[str, ...] = (), settings: int = 0) -> Step:
    return Step("export", "export", name, write(text), parents, (f"export/{name}.txt",), settings={"s": settings})


@pytest.fixture
def listener() -> Remembering:
    return Remembering()


@pytest.fixture
def store(tmp_path: Path, listener: Remembering) -> Iterator[Store]:
    with open_store(tmp_path / "pack", "pack", listener) as opened:
        yield opened


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_a_step_leaves_its_files_its_record_and_nothing_else(store: Store) -> None:
    record = store.run(step())
    assert set(contents(store.root)) == {"manifest.json", "export/a.txt"}
    assert manifests.read(store.root / MANIFEST).record("export", "a") == record
    assert record.artifacts[0].bytes == len("content")
    assert record.tools["batchproof"].startswith("0.")


def test_an_unchanged_step_is_not_computed_again(store: Store, listener: Remembering) -> None:
    first = store.run(step())
    assert store.run(step()) == first
    assert (listener.computed, listener.unchanged) == (["a"], ["a"])


@pytest.mark.parametrize("change", ["settings", "damaged file", "lost file"])
def test_a_step_is_computed_again_when_anything_that_decides_it_changed(
    store: Store, listener: Remembering, change: str
) -> None:
    store.run(step())
    if change == "damaged file":
        store.path("export/a.txt").write_text("tamper!")
    if change == "lost file":
        store.path("export/a.txt").unlink()
    store.run(step(settings=1 if change == "settings" else 0))
    assert listener.computed == ["a", "a"]
    assert store.path("export/a.txt").read_text() == "content"


def test_a_child_is_computed_again_only_when_its_parent_s_content_changed(store: Store, listener: Remembering) -> None:
    child = step("child", parents=("export/a.txt",))
    store.run(step())
    store.run(child)
    store.run(step(settings=1))  # computed again, with the same content
    store.run(child)
    assert listener.unchanged == ["child"]
    store.run(step(text="other", settings=2))
    store.run(child)
    assert listener.computed == ["a", "child", "a", "a", "child"]


def test_a_source_counts_by_its_content(store: Store, listener: Remembering, tmp_path: Path) -> None:
    source = tmp_path / "weights.bin"
    for content in ("one", "one", "two"):
        source.write_text(content)
        store.run(Step("export", "export", "s", write("x"), sources=(source,), produces=("export/s.txt",)))
    assert (len(listener.computed), len(listener.unchanged)) == (2, 1)


def test_an_onnx_file_damaged_beyond_reading_is_made_again(store: Store, listener: Remembering) -> None:
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [], [])

    def save(workspace: Workspace) -> Outcome:
        onnx.save(helper.make_model(graph), workspace.outputs[0])
        return Outcome()

    made = Step("export", "export", "m", save, produces=("export/m.onnx",))
    size = store.run(made).artifacts[0].bytes
    store.path("export/m.onnx").write_bytes(b"\xff" * size)
    store.run(made)
    assert listener.computed == ["m", "m"]


@pytest.mark.parametrize("name", ["report.md", "weights", "manifest.txt"])
def test_a_folder_of_somebody_else_is_not_taken_over(tmp_path: Path, listener: Remembering, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(StoreError, match=f"holds '{name}' but no manifest"), open_store(tmp_path, "p", listener):
        pass
    assert contents(tmp_path) == {name: b"mine"}


def test_a_failed_step_is_recorded_loses_its_old_files_and_runs_again(store: Store, listener: Remembering) -> None:
    def fail(workspace: Workspace) -> Outcome:
        workspace.outputs[0].write_text("half")
        raise StepFailedError("the graph cannot be repaired", where="node Softmax_3")

    store.run(step())
    broken = Step("export", "export", "a", fail, produces=("export/a.txt",))
    record = store.run(broken)
    assert [verdict.status for verdict in record.verdicts] == [Status.FAIL]
    assert "node Softmax_3" in record.verdicts[0].reason
    assert set(contents(store.root)) == {"manifest.json"}
    store.run(broken)
    assert listener.computed == ["a", "a", "a"]


def test_a_step_without_its_parent_is_not_run(store: Store) -> None:
    record = store.run(step("child", parents=("export/a.txt",)))
    assert [verdict.status for verdict in record.verdicts] == [Status.NOT_RUN]
    assert "export/a.txt" in record.verdicts[0].reason


def test_models_that_left_the_pack_leave_the_store(store: Store) -> None:
    store.run(step("a"))
    store.run(step("b"))
    store.retain([step("b")], "export")
    assert set(contents(store.root)) == {"manifest.json", "export/b.txt"}


def test_nothing_is_built_upon_what_failed(store: Store, listener: Remembering) -> None:
    def refute(workspace: Workspace) -> Outcome:
        workspace.outputs[0].write_text("interleaved")
        return Outcome((Verdict("surgery.rows", "a", Status.FAIL, "rows interleave"),))

    store.run(Step("surgery", "surgery", "a", refute, produces=("surgery/a.txt",)))
    record = store.run(step("child", parents=("surgery/a.txt",)))
    assert [(verdict.status, "failed surgery.rows" in verdict.reason) for verdict in record.verdicts] == [
        (Status.NOT_RUN, True)
    ]
    assert listener.computed == ["a"]


def test_what_was_made_from_an_older_parent_is_forgotten_with_its_children(store: Store) -> None:
    store.run(step("a"))
    store.run(step("b", parents=("export/a.txt",)))
    store.run(step("c", parents=("export/b.txt",)))
    store.run(step("other"))
    store.run(step("a", text="new weights", settings=1))
    assert set(contents(store.root)) == {"manifest.json", "export/a.txt", "export/other.txt"}


def test_a_step_that_cannot_run_here_is_tried_again_and_changes_nothing(store: Store, listener: Remembering) -> None:
    def absent(workspace: Workspace) -> Outcome:
        raise StepNotRunError("TensorRT is not installed")

    impossible = Step("build", "build.tensorrt", "a", absent, produces=("build/a.engine",))
    first = store.run(impossible)
    before = contents(store.root)
    assert store.run(impossible).verdicts == first.verdicts
    assert (listener.computed, listener.unchanged, contents(store.root)) == (["a", "a"], ["a"], before)


def test_an_error_in_the_middle_changes_nothing(store: Store) -> None:
    store.run(step())
    before = contents(store.root)

    def interrupted(workspace: Workspace) -> Outcome:
        workspace.outputs[0].write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.run(Step("export", "export", "a", interrupted, produces=("export/a.txt",)))
    assert contents(store.root) == before


def test_a_disk_that_refuses_to_take_more_is_an_error_and_changes_nothing(store: Store) -> None:
    store.run(step())
    before = contents(store.root)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        with pytest.raises(StoreError, match="cannot be written"):
            store.run(step(text="x" * 8192, settings=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert contents(store.root) == before


def test_a_folder_that_cannot_be_made_is_an_error(listener: Remembering) -> None:
    with pytest.raises(StoreError, match="cannot be written"), open_store(Path("/proc/batchproof"), "p", listener):
        pass


KILLED = """
import os, signal, sys
from pathlib import Path
from batchproof.artifacts.step import Outcome, Step
from batchproof.artifacts.store import open_store
from tests.listening import Remembering

def die(workspace):
    workspace.outputs[0].write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

with open_store(Path(sys.argv[1]), "pack", Remembering()) as store:
    store.run(Step("export", "export", "b", die, produces=("export/b.txt",)))
"""


def test_a_killed_process_leaves_a_usable_store(tmp_path: Path, listener: Remembering) -> None:
    root = tmp_path / "pack"
    with open_store(root, "pack", listener) as store:
        store.run(step())
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(root)]
    killed = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert any(path.name.startswith(".work-") for path in root.iterdir())
    with open_store(root, "pack", listener) as store:
        store.run(step())
        assert set(contents(root)) == {"manifest.json", "export/a.txt"}
    assert listener.unchanged == ["a"]


def test_a_second_process_waits_for_the_first(tmp_path: Path) -> None:
    root, second = tmp_path / "pack", Remembering()

    def other() -> None:
        with open_store(root, "pack", second) as store:
            store.run(step())

    with open_store(root, "pack", Remembering()) as store:
        thread = threading.Thread(target=other)
        thread.start()
        store.run(step())
        while not second.waited:
            pass
    thread.join()
    assert second.unchanged == ["a"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "not a manifest"),
        ('{"pack": "p", "format": 99}', "format 99"),
        ('{"pack": "p", "surprise": 1}', "surprise"),
        (
            '{"pack": "p", "records": [{"stage": "s", "check": "c", "subject": "n", "key": "", '
            '"artifacts": [{"path": "../../etc/passwd", "sha256": "", "bytes": 1}]}]}',
            "no place for an artifact",
        ),
    ],
)
def test_a_foreign_or_hostile_manifest_is_refused_and_kept(
    tmp_path: Path, listener: Remembering, content: str, sentence: str
) -> None:
    path = tmp_path / MANIFEST
    path.write_text(content)
    with pytest.raises(StoreError, match=sentence), open_store(tmp_path, "p", listener):
        pass
    assert path.read_text() == content


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; the /proc case above covers the message")
def test_a_read_only_folder_is_an_error(tmp_path: Path, listener: Remembering) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"), open_store(tmp_path / "pack", "pack", listener):
        pass


def test_a_change_of_either_of_two_sources_with_one_name_is_seen(tmp_path: Path) -> None:
    sources = (tmp_path / "a" / "same.txt", tmp_path / "b" / "same.txt")
    for source in sources:
        source.parent.mkdir()
        source.write_text("1")
    step = Step("export", "export", "s", write("x"), sources=sources, produces=("export/s.txt",))
    before = declared(step, {})
    assert list(before.sources) == ["same.txt", "same.txt (1)"]
    for source in sources:
        source.write_text("2")
        assert declared(step, {}).key != before.key
        source.write_text("1")
