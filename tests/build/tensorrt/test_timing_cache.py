import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from batchproof.build.tensorrt.compat import TensorRT
from batchproof.build.tensorrt.timing_cache import CacheUse, TacticChanges, TimingCache, attach, tactics
from batchproof.errors import InputError, StepFailedError, StoreError
from batchproof.verdict import Status

CONTENT = b"tactics"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "recorded.timing"
    path.write_bytes(CONTENT)
    return path


@dataclass
class Cache:
    """What TensorRT keeps: a tactic for each key."""

    held: dict[str, int]

    def queryKeys(self) -> list[str]:  # noqa: N802 - TensorRT's name
        return list(self.held)

    def query(self, key: str) -> Any:
        return SimpleNamespace(tacticHash=self.held[key], timingMSec=0.1)


@dataclass
class Config:
    cache: Cache
    usable: bool = True
    flags: tuple[str, ...] = ()

    def set_flag(self, flag: str) -> None:
        self.flags += (flag,)

    def create_timing_cache(self, content: bytes) -> Cache:
        return self.cache

    def set_timing_cache(self, cache: Cache, ignore_mismatch: bool) -> bool:
        return self.usable and not ignore_mismatch


def tensorrt(*flags: str) -> TensorRT:
    module = ModuleType("tensorrt")
    vars(module).update(BuilderFlag=SimpleNamespace(**{flag: flag for flag in flags}))
    none = frozenset[str]()
    return TensorRT("tensorrt", "10.9.0.34", module, frozenset(flags), none, none, none)


def test_a_verified_cache_is_the_one_that_was_promised(recorded: Path) -> None:
    cache = TimingCache("verified", recorded, SHA256)
    cache.check("tensorrt")
    assert cache.content == CONTENT


def test_another_cache_is_refused(recorded: Path) -> None:
    recorded.write_bytes(CONTENT + b".")
    with pytest.raises(InputError, match=f"recorded.timing: its SHA-256 is [0-9a-f]*, expected {SHA256}"):
        TimingCache("verified", recorded, SHA256).check("tensorrt")


def test_a_missing_cache_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.timing: cannot be read"):
        TimingCache("verified", tmp_path / "absent.timing", SHA256).check("tensorrt")


def test_each_mode_wants_its_own(recorded: Path) -> None:
    with pytest.raises(InputError, match=r"needs its SHA-256. It stands in recorded\.timing\.sha256"):
        TimingCache("verified", recorded)
    with pytest.raises(InputError, match="'record' decides the SHA-256 itself"):
        TimingCache("record", recorded, SHA256)


@pytest.mark.parametrize("cache", [TimingCache("record", Path("x")), TimingCache("verified", Path("x"), SHA256)])
def test_rtx_has_a_runtime_cache_instead(cache: TimingCache) -> None:
    with pytest.raises(InputError, match=r"TensorRT-RTX has no timing cache: .*runtime cache"):
        cache.check("rtx")


def test_a_recording_starts_empty_and_leaves_cache_and_hash(recorded: Path) -> None:
    cache = TimingCache("record", recorded)
    assert cache.content == b""
    assert cache.used(b"new", TacticChanges(0, ("0xab",), ())).sha256 == hashlib.sha256(b"new").hexdigest()
    assert recorded.read_bytes() == b"new"
    line = recorded.with_name("recorded.timing.sha256").read_text()
    assert line == f"{hashlib.sha256(b'new').hexdigest()}  recorded.timing\n"


def test_a_verified_cache_is_never_written(recorded: Path) -> None:
    used = TimingCache("verified", recorded, SHA256).used(b"grown", TacticChanges(1, ("0xab",), ()))
    assert (used.sha256, recorded.read_bytes()) == (SHA256, CONTENT)


def test_a_recording_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        TimingCache("record", tmp_path / "absent" / "x").used(b"new", TacticChanges(0, (), ()))


def test_changes_are_found_key_by_key() -> None:
    before, after = {"0xa": 1, "0xb": 2, "0xc": 3}, {"0xa": 1, "0xb": 9, "0xd": 4}
    assert TacticChanges.between(before, after) == TacticChanges(3, ("0xd",), ("0xb", "0xc"))


def test_a_verified_build_that_departs_fails_and_lists_where() -> None:
    verdict = CacheUse("verified", SHA256, TacticChanges(3, ("0xd",), ("0xb",))).verdict("tiny")
    assert (verdict.check, verdict.status, verdict.figure) == ("build.timing_cache", Status.FAIL, 2)
    assert verdict.reason == f"of the 3 tactics of cache {SHA256[:12]}, 1 differ; 1 are new"
    assert verdict.witness == "0xb, 0xd"


def test_a_verified_build_that_follows_passes() -> None:
    verdict = CacheUse("verified", SHA256, TacticChanges(3, (), ())).verdict("tiny")
    assert (verdict.status, verdict.figure, verdict.witness) == (Status.PASS, 0, None)


def test_a_recording_passes_and_says_its_hash() -> None:
    verdict = CacheUse("record", SHA256, TacticChanges(0, ("0xa", "0xb"), ())).verdict("tiny")
    assert (verdict.status, verdict.reason) == (Status.PASS, f"2 tactics recorded, SHA-256 {SHA256}")


def test_a_cache_is_attached_editable_and_its_tactics_are_read() -> None:
    config = Config(Cache({"0xa": 7}))
    cache = attach(tensorrt("EDITABLE_TIMING_CACHE"), config, CONTENT)
    assert config.flags == ("EDITABLE_TIMING_CACHE",)
    assert tactics(cache) == {"0xa": 7}


def test_a_release_without_editable_caches_is_refused() -> None:
    with pytest.raises(StepFailedError, match=r"TensorRT 10\.9\.0\.34 has no builder flag EDITABLE_TIMING_CACHE"):
        attach(tensorrt("TF32"), Config(Cache({})), b"")


@pytest.mark.parametrize("config", [Config(Cache({"0xa": 7}), usable=False), Config(Cache({}))])
def test_a_cache_of_another_gpu_or_release_is_refused(config: Config) -> None:
    with pytest.raises(StepFailedError, match="holds nothing that this TensorRT can use on this GPU"):
        attach(tensorrt("EDITABLE_TIMING_CACHE"), config, CONTENT)
