"""Several steps of a store at a time."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from batchproof.artifacts import manifest as manifests
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.artifacts.store import MANIFEST, Store, open_store
from batchproof.errors import StepFailedError, StoreError
from batchproof.verdict import Status
from tests.listening import Remembering

SECONDS = 10


def nothing() -> None:
    pass


def step(name: str, work: Callable[[], object] = nothing) -> Step:
    def action(workspace: Workspace) -> Outcome:
        work()
        workspace.outputs[0].write_text(name)
        return Outcome()

    return Step("build", "build.rtx", name, action, produces=(f"build/{name}.engine",))


@pytest.fixture
def listener() -> Remembering:
    return Remembering()


@pytest.fixture
def store(tmp_path: Path, listener: Remembering) -> Iterator[Store]:
    with open_store(tmp_path / "pack", "pack", listener) as opened:
        yield opened


def subjects(store: Store) -> list[str]:
    return [record.subject for record in manifests.read(store.root / MANIFEST).records]


def files(store: Store) -> set[str]:
    return {path.name for path in store.root.rglob("*") if path.is_file() and path.name != ".lock"}


def test_as_many_steps_as_jobs_work_at_a_time(store: Store) -> None:
    together = threading.Barrier(3, timeout=SECONDS)
    store.run_all([step(name, together.wait) for name in "abc"], jobs=3)
    assert subjects(store) == ["a", "b", "c"]


def test_one_job_is_the_thread_that_asks(store: Store) -> None:
    seen: list[threading.Thread] = []
    store.run_all([step(name, lambda: seen.append(threading.current_thread())) for name in "ab"])
    assert seen == [threading.main_thread()] * 2


def test_no_more_steps_than_jobs_work_at_a_time(store: Store) -> None:
    working, most = set[str](), list[int]()

    def work(name: str) -> None:
        working.add(name)
        most.append(len(working))
        time.sleep(0.02)
        working.remove(name)

    store.run_all([step(name, partial(work, name)) for name in "abcdef"], jobs=2)
    assert max(most) == 2


def test_records_stand_in_the_order_of_the_plan_whatever_finishes_first(store: Store) -> None:
    last_is_done = threading.Event()
    waiting = step("a", lambda: last_is_done.wait(SECONDS))
    store.run_all([step("first")])
    store.run_all([waiting, step("b"), step("c", last_is_done.set)], jobs=2)
    assert subjects(store) == ["first", "a", "b", "c"]


def test_a_plan_in_another_order_moves_its_records_and_no_others(store: Store) -> None:
    for name in ("a", "other", "b"):
        store.run(step(name))
    store.run_all([step("b"), step("a")])
    assert subjects(store) == ["b", "other", "a"]


def test_a_failure_does_not_stop_the_others(store: Store) -> None:
    def fail() -> None:
        raise StepFailedError("the parser refuses node Softmax_3")

    store.run_all([step("a"), step("bad", fail), step("b"), step("c")], jobs=2)
    statuses = {record.subject: [v.status for v in record.verdicts] for record in store.manifest.records}
    assert statuses == {"a": [], "bad": [Status.FAIL], "b": [], "c": []}
    assert files(store) == {"manifest.json", "a.engine", "b.engine", "c.engine"}


def test_an_unusable_disk_ends_the_run_and_keeps_what_was_running(store: Store, listener: Remembering) -> None:
    disk_is_full = threading.Event()

    def refuse() -> None:
        disk_is_full.set()
        raise OSError(28, "No space left on device")

    steps = [step("slow", lambda: disk_is_full.wait(SECONDS)), step("full", refuse), *map(step, "abcd")]
    with pytest.raises(StoreError, match="No space left"):
        store.run_all(steps, jobs=2)
    assert subjects(store) == ["slow"]
    assert "d" not in listener.computed
    assert files(store) == {"manifest.json", "slow.engine"}


def test_an_interrupt_cancels_what_has_not_begun_and_keeps_what_is_finished(
    store: Store, listener: Remembering
) -> None:
    first_is_done = threading.Event()
    # In the background of a shell Ctrl-C is ignored, by every process that is started there.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt() -> None:
        first_is_done.wait(SECONDS)
        os.kill(os.getpid(), signal.SIGINT)
        store._stopping.wait(SECONDS)

    def worker_gets_it_as_well() -> None:
        first_is_done.set()
        store._stopping.wait(SECONDS)
        raise StepFailedError("the build process crashed with SIGINT")

    steps = [step("done"), step("interrupts", interrupt), step("dies", worker_gets_it_as_well), *map(step, "abcd")]
    with pytest.raises(KeyboardInterrupt):
        store.run_all(steps, jobs=2)
    assert subjects(store) == ["done", "interrupts"]
    assert sorted(listener.computed) == ["dies", "done", "interrupts"]
    store.run_all(list(map(step, ["done", "interrupts", "dies", *"abcd"])), jobs=2)
    assert sorted(listener.unchanged) == ["done", "interrupts"]  # two threads tell it
    assert subjects(store) == ["done", "interrupts", "dies", *"abcd"]


def test_records_of_many_threads_are_all_kept(store: Store) -> None:
    names = [f"{number:03}" for number in range(60)]
    store.run_all(list(map(step, names)), jobs=8)
    assert subjects(store) == names
    assert files(store) == {"manifest.json", *(f"{name}.engine" for name in names)}
