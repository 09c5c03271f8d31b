from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.errors import InputError
from batchproof.policy import DEFAULT_POLICY, load_policy


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = DEFAULT_POLICY.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "policy.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_committed_policy_forbids_contamination_and_lost_faces() -> None:
    policy = load_policy()
    for precision in ("fp32", "fp16"):
        limits = policy.limits(precision)
        assert limits.probe.contamination == 0
        assert limits.detector.unmatched_faces == 0
        assert limits.attributes.changed_genders == limits.attributes.age_years == 0
    assert policy.limits("fp32") == policy.fp32
    assert policy.limits("fp16") == policy.fp16
    assert policy.fp32.detector.box_shift_px == 0.05
    assert policy.fp32.embedder.min_cosine == 0.99999
    assert policy.surgery.row_max_abs == 1e-5
    assert policy.export.parity == 1e-4


def test_a_policy_of_one_s_own(tmp_path: Path) -> None:
    path = changed(tmp_path, "single_max_abs = 1e-5", "single_max_abs = 0")
    assert load_policy(path).surgery.single_max_abs == 0


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("row_max_abs = 1e-5", "row_max_abs = 1e-5\nrow_max_ab = 1", "surgery.row_max_ab: Unexpected"),
        ("recovered_score = 2e-5", "", "export.recovered_score: "),
        ("[fp32.probe]", "[fp8]\n[fp32.probe]", "fp8: Unexpected"),
        ("row_max_abs = 1e-5", "", "surgery.row_max_abs: "),
        ("row_max_abs = 1e-5", "row_max_abs = -1", "surgery.row_max_abs: Input should be greater"),
        ("row_max_abs = 1e-5", "row_max_abs = nan", "surgery.row_max_abs: "),
        ("activation_bytes = 16e9", "activation_bytes = 0", "build.activation_bytes: Input should be greater"),
        ("row_max_abs = 1e-5", 'row_max_abs = "small"', "surgery.row_max_abs: Input should be a valid number"),
        ("pose_degrees = 0.01", "", "fp32.landmarks.pose_degrees: "),
        ("changed_genders = 0", "changed_genders = 0\nages = 1", "fp32.attributes.ages: Unexpected"),
        ("min_cosine = 0.99999", "min_cosine = 1.5", "fp32.embedder.min_cosine: Input should be less"),
    ],
)
def test_each_fault_is_named_by_its_key(tmp_path: Path, old: str, new: str, named: str) -> None:
    with pytest.raises(InputError) as caught:
        load_policy(changed(tmp_path, old, new))
    assert named in caught.value.line()
    assert str(tmp_path / "policy.toml") in caught.value.line()


@pytest.mark.parametrize("content", [b"[surgery", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a TOML file"):
        load_policy(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml: cannot be read \(No such file"):
        load_policy(tmp_path / "none.toml")


def test_a_file_that_cannot_be_a_policy_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.toml").open("wb") as stream:
        stream.truncate(2**30)
    with pytest.raises(InputError, match=r"1073741824 bytes are too large, 1048576 are allowed\. Name a file like"):
        load_policy(tmp_path / "huge.toml")
