from __future__ import annotations

from batchproof.deploy.triton.committed import FOLDER, committed


def test_the_committed_bundles_are_what_the_emitter_writes() -> None:
    """Stale? Run: python -m batchproof.deploy.triton.committed."""
    wanted = committed()
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert found == set(wanted)
    for name, text in wanted.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, name


def test_there_is_one_of_each_pack_for_the_oldest_and_the_newest_and_one_for_the_cpu() -> None:
    folders = {name.rsplit("/", 1)[0] for name in committed() if name.endswith("/manifest.json")}
    engines = {f"{pack}/{target}" for pack in ("demo", "buffalo_l") for target in ("triton-25.03", "triton-26.07")}
    assert folders == {*engines, "demo/triton-26.07-python"}


def test_no_weights_are_among_them() -> None:
    assert not [path for path in FOLDER.rglob("*") if path.suffix in (".onnx", ".plan", ".py")]
