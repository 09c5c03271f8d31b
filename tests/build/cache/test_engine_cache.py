from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from batchproof.build.cache.engine_cache import EngineCache, default_root
from batchproof.build.cache.engine_key import EngineKey
from batchproof.errors import StepFailedError, StoreError

REPOSITORY = Path(__file__).parents[3]
KEY = EngineKey({"onnx": "1"})
OTHER = EngineKey({"onnx": "2"})
SECONDS = 20
NOBODY = 65534


class Output:
    """A folder that an engine goes to, and a builder that counts what it built."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.engine, self.sidecar = folder / "a.engine", folder / "a.engine.json"
        self.built = 0

    def build(self) -> None:
        self.built += 1
        self.engine.write_bytes(b"engine" * 1000)
        self.sidecar.write_text("{}")

    @property
    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.engine.parent.iterdir()}


class Fetch(Protocol):
    def __call__(self, output: Output, key: EngineKey = KEY, build: Callable[[], object] | None = None) -> bool: ...


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def fetch(root: Path) -> Fetch:
    def fetch(output: Output, key: EngineKey = KEY, build: Callable[[], object] | None = None) -> bool:
        return EngineCache(root).fetch_or_build(key, output.engine, output.sidecar, build or output.build)

    return fetch


@pytest.fixture
def first(tmp_path: Path) -> Output:
    return Output(tmp_path / "first")


@pytest.fixture
def second(tmp_path: Path) -> Output:
    return Output(tmp_path / "second")


def entries(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()} - {"locks"}


def test_what_was_built_once_is_fetched_the_second_time(
    root: Path, fetch: Fetch, first: Output, second: Output
) -> None:
    assert (fetch(first), fetch(second)) == (False, True)
    assert (first.built, second.built) == (1, 0)
    assert second.files == first.files
    assert entries(root) == {KEY.sha256}
    assert {path.name for path in (root / KEY.sha256).iterdir()} == {"engine", "engine.json", "entry.json"}


def test_another_key_is_another_engine(root: Path, fetch: Fetch, first: Output, second: Output) -> None:
    assert (fetch(first), fetch(second, OTHER)) == (False, False)
    assert entries(root) == {KEY.sha256, OTHER.sha256}


@pytest.mark.parametrize("file", ["engine", "engine.json", "entry.json"])
@pytest.mark.parametrize("damage", ["lost", "truncated", "changed"])
def test_a_damaged_entry_is_built_again(
    root: Path, fetch: Fetch, first: Output, second: Output, file: str, damage: str
) -> None:
    fetch(first)
    damaged = root / KEY.sha256 / file
    content = damaged.read_bytes()
    if damage == "lost":
        damaged.unlink()
    else:
        damaged.write_bytes(content[:-2] if damage == "truncated" else b"X" + content[1:])
    assert (fetch(second), second.built) == (False, 1)
    assert damaged.read_bytes() == content
    assert second.files == first.files


def test_a_damaged_entry_leaves_nothing_behind_when_the_build_fails(
    root: Path, fetch: Fetch, first: Output, second: Output
) -> None:
    def fail() -> None:
        raise StepFailedError("the parser refuses node Softmax_3")

    fetch(first)
    (root / KEY.sha256 / "engine").write_bytes(b"damaged")
    with pytest.raises(StepFailedError):
        fetch(second, build=fail)
    assert second.files == {}


def test_a_failed_build_leaves_no_entry(root: Path, fetch: Fetch, first: Output) -> None:
    def fail() -> None:
        first.engine.write_bytes(b"half")
        raise StepFailedError("the parser refuses node Softmax_3")

    with pytest.raises(StepFailedError, match="Softmax_3"):
        fetch(first, build=fail)
    assert entries(root) == set()
    assert fetch(first) is False


def test_an_engine_that_is_changed_later_does_not_change_the_cache(
    root: Path, fetch: Fetch, first: Output, second: Output
) -> None:
    fetch(first)
    original = first.files
    first.engine.write_bytes(b"tampered")
    assert fetch(second)
    assert second.files == original


def test_of_two_threads_one_builds_and_the_other_waits(fetch: Fetch, first: Output, second: Output) -> None:
    second_has_asked = threading.Event()
    hits: list[bool] = []

    def build() -> None:
        waiting.start()
        assert second_has_asked.wait(SECONDS)
        waiting.join(0.2)
        assert waiting.is_alive()
        first.build()

    def ask() -> None:
        second_has_asked.set()
        hits.append(fetch(second))

    waiting = threading.Thread(target=ask)
    assert fetch(first, build=build) is False
    waiting.join(SECONDS)
    assert (hits, second.built) == ([True], 0)
    assert second.files == first.files


def test_builders_of_other_keys_do_not_wait(fetch: Fetch, first: Output, second: Output) -> None:
    def build() -> None:
        fetch(second, OTHER)
        first.build()

    assert fetch(first, build=build) is False
    assert second.built == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from batchproof.build.cache.engine_cache import EngineCache
from batchproof.build.cache.engine_key import EngineKey

root, output, onnx = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

def die():
    output.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)

EngineCache(root).fetch_or_build(EngineKey({"onnx": onnx}), output, output, die)
"""


@pytest.mark.parametrize("key", [KEY, OTHER], ids=["same key", "other key"])
def test_a_killed_builder_leaves_nothing_that_counts_and_is_swept(
    root: Path, fetch: Fetch, first: Output, tmp_path: Path, key: EngineKey
) -> None:
    command = [sys.executable, "-c", KILLED, str(root), str(tmp_path / "killed"), key.parts["onnx"]]
    assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == -signal.SIGKILL
    assert entries(root) == {f".work-{key.sha256}"}
    assert fetch(first) is False
    assert entries(root) == {KEY.sha256}


def test_the_folder_of_a_builder_at_work_is_not_swept(root: Path, fetch: Fetch, first: Output, second: Output) -> None:
    def build() -> None:
        fetch(second, OTHER)
        assert (root / f".work-{KEY.sha256}").is_dir()
        first.build()

    assert fetch(first, build=build) is False
    assert entries(root) == {KEY.sha256, OTHER.sha256}


@pytest.fixture
def ours() -> Iterator[Path]:
    """A folder that everybody may write to, and all of whose parents everybody may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder read-only: for root, who may write everywhere, by being somebody else."""
    inside, user = (folder, *folder.rglob("*")), os.geteuid()
    for path in inside:
        path.chmod(0o555)
    os.seteuid(NOBODY if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)
        for path in inside:
            path.chmod(0o755)


def test_a_read_only_cache_still_gives_what_it_has_and_refuses_the_rest_before_building(ours: Path) -> None:
    cache, first, second = EngineCache(ours / "cache"), Output(ours / "first"), Output(ours / "second")
    cache.fetch_or_build(KEY, first.engine, first.sidecar, first.build)
    second.engine.parent.chmod(0o777)
    with read_only(cache.root):
        assert cache.fetch_or_build(KEY, second.engine, second.sidecar, second.build)
        with pytest.raises(StoreError) as caught:
            cache.fetch_or_build(OTHER, second.engine, second.sidecar, second.build)
    assert second.files == first.files
    assert second.built == 0
    assert f"{cache.root}: the engine cache cannot be written (Permission denied)" in caught.value.line()
    assert "--cache DIR" in caught.value.line()
    assert "--no-cache" in caught.value.line()


def test_a_folder_that_cannot_be_made_is_refused_before_building(first: Output) -> None:
    cache = EngineCache(Path("/proc/batchproof"))
    with pytest.raises(StoreError, match="/proc/batchproof: the engine cache cannot be written"):
        cache.fetch_or_build(KEY, first.engine, first.sidecar, first.build)
    assert first.built == 0


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(root: Path, fetch: Fetch, first: Output) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def build_until_the_disk_is_full() -> None:
        first.build()
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))

    try:
        with pytest.raises(StoreError, match="the engine cache cannot be written") as caught:
            fetch(first, build=build_until_the_disk_is_full)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert "free space" in caught.value.line()
    assert entries(root) == set()
    assert fetch(first) is False


def test_an_output_that_cannot_be_written_is_not_held_against_the_cache(fetch: Fetch, first: Output) -> None:
    fetch(first)
    nowhere = Output(first.engine.parent / "nowhere")
    shutil.rmtree(nowhere.engine.parent)
    with pytest.raises(FileNotFoundError):
        fetch(nowhere)


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("BATCHPROOF_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_root() == tmp_path / ".cache/batchproof/engines"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_root() == tmp_path / ".cache/batchproof/engines"
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert default_root() == Path("/caches/batchproof/engines")
    monkeypatch.setenv("BATCHPROOF_CACHE", "/engines")
    assert default_root() == Path("/engines")


def test_a_user_without_a_home_is_told_to_name_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "BATCHPROOF_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda user: (_ for _ in ()).throw(KeyError(user)))
    with pytest.raises(StoreError, match="--cache DIR"):
        default_root()


def test_an_entry_of_another_key_is_not_taken_for_ours(root: Path, fetch: Fetch, first: Output, second: Output) -> None:
    fetch(first, OTHER)
    shutil.copytree(root / OTHER.sha256, root / KEY.sha256)
    assert not fetch(second)
    assert second.built == 1


@pytest.mark.parametrize("kind", ["file", "link", "pipe"])
def test_what_is_no_entry_is_replaced_by_one(
    root: Path, fetch: Fetch, first: Output, second: Output, tmp_path: Path, kind: str
) -> None:
    fetch(first)
    entry = root / KEY.sha256
    if kind == "pipe":
        (entry / "entry.json").unlink()
        os.mkfifo(entry / "entry.json")
    else:
        shutil.move(entry, tmp_path / "elsewhere")
        entry.write_text("") if kind == "file" else entry.symlink_to(tmp_path / "elsewhere")
    assert not fetch(second)
    assert fetch(first)
    assert kind != "link" or (tmp_path / "elsewhere" / "engine").is_file()


def test_folders_that_are_no_leftovers_are_not_swept(root: Path, fetch: Fetch, first: Output) -> None:
    (root / ".work-").mkdir(parents=True)
    (root / ".work-of-somebody").mkdir()
    assert not fetch(first)
    assert {".work-", ".work-of-somebody"} <= entries(root)
